#include "inference/task_server.h"

#include <numeric>

#include "base/text.h"
#include "inference/server_parts.h"
#include "inference/telemetry.h"
#include "inference/text_embeddings_server.h"
#include "inference/text_generation_server.h"
#include "wire/tasks.h"

namespace hearth::inference {
namespace {

struct TextVectors {
  std::vector<std::vector<float>> vectors;
  int64_t tokens = 0;
};

Result<TextVectors> embed(ServedModel& model, const wire::EmbeddingCall& call, const Asker& asker) {
  auto& embedder = *TRY(model.embedder());
  const TextCut cut{.may_cut = call.truncate, .side = call.keeps_end ? Side::left : Side::right};
  TextVectors out;
  std::vector<PreparedText> texts;
  for (const auto& text : call.inputs) {
    auto prepared = embedder.model.prepare(text, {.prompt_name = call.prompt_name}, cut);
    if (!prepared.ok() && prepared.status().code() == Code::too_large)
      return Status(Code::too_large,
                    cat(prepared.status().message(), ": shorten the text, or let it be cut with \"truncate\": true"));
    texts.push_back(TRY(std::move(prepared)));
    out.tokens += static_cast<int64_t>(texts.back().tokens.size());
  }
  TextsReport report{.is_batch = call.is_list,
                     .texts = std::ssize(texts),
                     .tokens = out.tokens,
                     .tokenization_s = monotonic_s() - asker.arrived_s};
  BatchTimes times;
  out.vectors = TRY(embedder.vectors.run(std::move(texts), asker.stop, &times));
  report.queue_s = times.queue_s;
  report.inference_s = times.inference_s;
  report.total_s = monotonic_s() - asker.arrived_s;
  if (asker.telemetry) asker.telemetry->on_texts("vectors", asker.id, report, {});
  for (auto& vector : out.vectors) {
    if (call.dimensions && *call.dimensions < std::ssize(vector)) vector.resize(static_cast<size_t>(*call.dimensions));
    if (call.normalize.value_or(false)) normalize_embedding(vector);
  }
  return out;
}

Result<Json> similarities(ServedModel& model, const wire::SimilarityCall& call, const Asker& asker) {
  wire::EmbeddingCall texts{.inputs = {call.source}, .normalize = true};
  texts.inputs.insert(texts.inputs.end(), call.sentences.begin(), call.sentences.end());
  const auto vectors = TRY(embed(model, texts, asker)).vectors;
  Json::Array out;
  for (size_t i = 1; i < vectors.size(); ++i)
    out.emplace_back(std::inner_product(vectors[i].begin(), vectors[i].end(), vectors[0].begin(), 0.0));
  return Json(std::move(out));
}

/// A body that is wrong, as 422: what is told does not change when it is sent again.
net::Response unprocessable(const Status& status) {
  return json_answer(wire::task_error_json(status), 422);
}

Result<net::Response> run_pipeline(ServedModel& model, const std::string& task, const Json& body,
                                   const std::stop_token& stop) {
  auto call = wire::parse_task_call(task, body);
  if (!call.ok() && call.status().code() == Code::bad_input) return unprocessable(call.status());
  TRY(Status(std::move(call).status()));
  const auto pipeline = TRY(model.pipeline(task));
  const auto turn = TRY(model.turns().take(stop));
  auto answer = TRY((*pipeline)(call->inputs, call->parameters, stop));
  return json_answer(wire::task_answer(task, *call, std::move(answer)).dump());
}

/// The parsed call, or the answer that says what is wrong with it.
template <class Call, class Work>
Result<net::Response> with_call(Result<Call> call, const Work& work) {
  if (call.ok()) return work(*call);
  if (call.status().code() == Code::bad_input) return unprocessable(call.status());
  return std::move(call).status();
}

}  // namespace

Result<net::Response> answer_task(ServedModel& model, std::string_view asked, const Json& body, const Asker& asker) {
  const auto& stop = asker.stop;
  auto task = TRY(model.task(asked));
  if (task == "text-generation") {
    if (model.continues_text()) return continue_text(*TRY(model.decoder()), body, asker);
    task = "text2text-generation";  // InferenceClient.text_generation asks these models too
  }
  if (task == "feature-extraction" && model.is_sentence_model())
    return with_call(wire::parse_feature_call(body), [&](const auto& call) -> Result<net::Response> {
      return json_answer(wire::vectors_json(TRY(embed(model, call, asker)).vectors, call));
    });
  if (task == "sentence-similarity")
    return with_call(wire::parse_similarity_call(body), [&](const auto& call) -> Result<net::Response> {
      return json_answer(TRY(similarities(model, call, asker)).dump());
    });
  if (task == "text-ranking") return answer_text_embeddings(model, "/rerank", body, asker).value();
  return run_pipeline(model, task, body, stop);
}

Result<net::Response> answer_embeddings(ServedModel& model, std::string_view name, const Json& body,
                                        const Asker& asker) {
  const auto call = TRY(wire::parse_openai_embedding_call(body));
  const auto made = TRY(embed(model, call, asker));
  return json_answer(wire::embeddings_json(name, made.vectors, call.base64, made.tokens));
}

}  // namespace hearth::inference
