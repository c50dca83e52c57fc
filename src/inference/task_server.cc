#include "inference/task_server.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/text.h"
#include "inference/server_parts.h"
#include "inference/text_generation_server.h"
#include "wire/tasks.h"

namespace hearth::inference {
namespace {

constexpr size_t kBatch = 32;  // texts between two looks at the stop

Result<int64_t> count_tokens(const Embedder& embedder, std::span<const std::string> texts, bool may_cut) {
  int64_t out = 0;
  const auto most = embedder.model.max_seq_length();
  for (const auto& text : texts) {
    const auto count = static_cast<int64_t>(TRY(embedder.tokenizer.encode(text)).size());
    if (most && count > *most && !may_cut)
      return Status(Code::too_large, cat("a text has ", count, " tokens, the model reads ", *most,
                                         ": shorten it, or let it be cut with \"truncate\": true"));
    out += most ? std::min(count, *most) : count;
  }
  return out;
}

Result<std::vector<std::vector<float>>> embed(ServedModel& model, const wire::EmbeddingCall& call,
                                              const std::stop_token& stop) {
  const auto& embedder = *TRY(model.embedder());
  if (call.keeps_end)
    return Status(Code::unsupported, "\"truncation_direction\": \"left\" is not something this engine does");
  if (!call.truncate) TRY(count_tokens(embedder, call.inputs, false));
  std::vector<std::vector<float>> out;
  for (size_t begin = 0; begin < call.inputs.size(); begin += kBatch) {
    if (stop.stop_requested()) return Status(Code::cancelled, "the client left");
    const auto texts = std::span(call.inputs).subspan(begin, std::min(kBatch, call.inputs.size() - begin));
    const auto turn = TRY(model.turns().take(stop));
    auto vectors = TRY(embedder.model.encode(texts, {.prompt_name = call.prompt_name}));
    std::ranges::move(vectors, std::back_inserter(out));
  }
  for (auto& vector : out) {
    if (call.dimensions && *call.dimensions < static_cast<int64_t>(vector.size()))
      vector.resize(static_cast<size_t>(*call.dimensions));
    if (call.normalize.value_or(false)) normalize_embedding(vector);
  }
  return out;
}

Result<Json> similarities(ServedModel& model, const wire::SimilarityCall& call, const std::stop_token& stop) {
  wire::EmbeddingCall texts{.inputs = {call.source}, .normalize = true};
  texts.inputs.insert(texts.inputs.end(), call.sentences.begin(), call.sentences.end());
  const auto vectors = TRY(embed(model, texts, stop));
  Json::Array out;
  for (size_t i = 1; i < vectors.size(); ++i)
    out.emplace_back(std::inner_product(vectors[i].begin(), vectors[i].end(), vectors[0].begin(), 0.0));
  return Json(std::move(out));
}

Result<Json> rank(ServedModel& model, const wire::RankCall& call, const std::stop_token& stop) {
  const auto& ranker = *TRY(model.ranker());
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& text : call.texts) pairs.emplace_back(call.query, text);
  const auto turn = TRY(model.turns().take(stop));
  const auto rows = TRY(ranker.predict(pairs, kBatch, !call.raw_scores));
  std::vector<float> scores;
  for (const auto& row : rows) {
    if (row.size() != 1)
      return Status(Code::bad_input, cat("the model gives ", row.size(), " scores; ranking asks for one label"));
    scores.push_back(row.front());
  }
  return wire::rank_answer(call, scores);
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
      return json_answer(wire::vectors_json(TRY(embed(model, call, stop)), call));
    });
  if (task == "sentence-similarity")
    return with_call(wire::parse_similarity_call(body), [&](const auto& call) -> Result<net::Response> {
      return json_answer(TRY(similarities(model, call, stop)).dump());
    });
  if (task == "text-ranking")
    return with_call(wire::parse_rank_call(body), [&](const auto& call) -> Result<net::Response> {
      return json_answer(TRY(rank(model, call, stop)).dump());
    });
  return run_pipeline(model, task, body, stop);
}

Result<net::Response> answer_embeddings(ServedModel& model, std::string_view name, const Json& body,
                                        const std::stop_token& stop) {
  const auto call = TRY(wire::parse_openai_embedding_call(body));
  const auto vectors = TRY(embed(model, call, stop));
  const auto tokens = TRY(count_tokens(*TRY(model.embedder()), call.inputs, true));
  return json_answer(wire::embeddings_json(name, vectors, call.base64, tokens));
}

}  // namespace hearth::inference
