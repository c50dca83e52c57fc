#include "inference/text_embeddings_server.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "inference/server_parts.h"
#include "inference/telemetry.h"
#include "inference/text_tokens.h"
#include "wire/text_embeddings.h"

namespace hearth::inference {
namespace {

using Rows = std::vector<std::vector<float>>;

/// An answer, and what its headers tell.
struct Told {
  std::string json;
  int64_t characters = 0, tokens = 0, texts = 0;
  double tokenization_s = 0;
  BatchTimes times = {};
};

Status wrong_kind(std::string_view what) {
  return Status(Code::internal, std::string(what));  // TEI's Backend
}

Status check_use(const ServedModel& model, std::string_view path) {
  const auto use = TRY(model.text_use());
  const bool judges = use == TextUse::labels || use == TextUse::ranking;
  if (path == "/rerank" && use != TextUse::ranking) return wrong_kind("model is not a re-ranker model");
  if (path == "/predict" && !judges) return wrong_kind("model is not a classifier model");
  if (path == "/embed_sparse" && use != TextUse::sparse_vectors)
    return wrong_kind(judges ? "model is not an embedding model"
                             : "model is not an embedding model with SPLADE pooling, use `/embed`");
  if ((path == "/embed" || path == "/embed_all" || path == "/similarity") && judges)
    return wrong_kind("model is not an embedding model");
  if ((path == "/embed" || path == "/similarity") && use == TextUse::sparse_vectors)
    return wrong_kind(cat("`", path, "` is not available for SPLADE models, use `/embed_sparse`"));
  return {};
}

TextCut cut_of(const wire::EmbedOptions& options) {
  return {.may_cut = options.truncate, .side = options.keeps_end ? Side::left : Side::right};
}

/// Ids as they were sent, cut as a text's would be.
Result<PreparedText> prepared_ids(const std::vector<int32_t>& ids, const PreTrainedTokenizer& tokenizer,
                                  std::optional<int64_t> max_length, const TextCut& cut) {
  const auto size = tokenizer.backend_tokenizer().vocab_size();
  const auto largest = *std::ranges::max_element(ids);
  if (largest >= size)
    return Status(Code::bad_input, cat("`inputs` names token ", largest, "; the vocabulary has ", size));
  PreparedText out;
  out.tokens.ids = ids;
  out.tokens.special_tokens_mask.assign(ids.size(), 0);
  if (!max_length || std::ssize(ids) <= *max_length) return out;
  if (!cut.may_cut)
    return Status(Code::too_large, cat("`inputs` must have less than ", *max_length, " tokens. Given: ", ids.size()));
  out.tokens.truncate(static_cast<size_t>(*max_length), 0, cut.side);
  return out;
}

/// The inputs as `prepare(input)` makes them, in one or more passes. Fills what `told` says of it.
template <class Prepare>
Result<Rows> run(const std::vector<wire::EmbedInput>& inputs, TextBatcher& batcher, const Prepare& prepare,
                 const Asker& asker, Told& told) {
  const auto begin = monotonic_s();
  std::vector<PreparedText> texts;
  for (const auto& input : inputs) {
    texts.push_back(TRY(prepare(input)));
    told.characters += input.characters();
    told.tokens += static_cast<int64_t>(texts.back().tokens.size());
  }
  told.tokenization_s = monotonic_s() - begin;
  told.texts = std::ssize(texts);
  return batcher.run(std::move(texts), asker.stop, &told.times);
}

Result<Rows> vectors_of(Embedder& embedder, TextBatcher& batcher, const wire::EmbedCall& call, const Asker& asker,
                        Told& told) {
  const auto cut = cut_of(call.options);
  const auto prepare = [&](const wire::EmbedInput& input) {
    if (!input.ids.empty()) return prepared_ids(input.ids, embedder.tokenizer, embedder.model.max_seq_length(), cut);
    return embedder.model.prepare(input.text, {.prompt_name = call.options.prompt_name}, cut);
  };
  return run(call.inputs, batcher, prepare, asker, told);
}

Status shape(Rows& vectors, const wire::EmbedOptions& options) {
  for (auto& vector : vectors) {
    if (options.dimensions) {
      if (*options.dimensions > std::ssize(vector))
        return Status(Code::bad_input,
                      cat("`dimensions` is ", *options.dimensions, "; the model's vectors have ", vector.size()));
      vector.resize(static_cast<size_t>(*options.dimensions));
    }
    if (options.normalize) normalize_embedding(vector);
  }
  return {};
}

Result<Told> embed(ServedModel& model, const Json& body, const Asker& asker) {
  const auto call = TRY(wire::parse_embed_call(body));
  auto& embedder = *TRY(model.embedder());
  Told out;
  auto vectors = TRY(vectors_of(embedder, embedder.vectors, call, asker, out));
  TRY(shape(vectors, call.options));
  out.json = wire::embed_json(vectors);
  return out;
}

Result<Told> embed_all(ServedModel& model, const Json& body, const Asker& asker) {
  const auto call = TRY(wire::parse_embed_call(body));
  auto& embedder = *TRY(model.embedder());
  Told out;
  const auto rows = TRY(vectors_of(embedder, embedder.token_rows, call, asker, out));
  out.json = wire::embed_all_json(rows, static_cast<size_t>(embedder.model.model().config().hidden_size));
  return out;
}

Result<Told> embed_sparse(ServedModel& model, const Json& body, const Asker& asker) {
  const auto call = TRY(wire::parse_embed_call(body));
  auto& sparse = *TRY(model.sparse());
  const auto cut = cut_of(call.options);
  Told out;
  const auto prepare = [&](const wire::EmbedInput& input) {
    return input.ids.empty() ? sparse.model.prepare(input.text, cut)
                             : prepared_ids(input.ids, sparse.tokenizer, sparse.model.max_seq_length(), cut);
  };
  out.json = wire::embed_sparse_json(TRY(run(call.inputs, sparse.vectors, prepare, asker, out)));
  return out;
}

Result<Told> similarity(ServedModel& model, const Json& body, const Asker& asker) {
  const auto call = TRY(wire::parse_tei_similarity_call(body));
  auto& embedder = *TRY(model.embedder());
  Told out;
  auto vectors = TRY(vectors_of(embedder, embedder.vectors, call, asker, out));
  for (auto& vector : vectors) normalize_embedding(vector);
  std::vector<float> scores;
  for (size_t i = 1; i < vectors.size(); ++i)
    scores.push_back(
        static_cast<float>(std::inner_product(vectors[i].begin(), vectors[i].end(), vectors[0].begin(), 0.0)));
  const auto list = wire::embed_json({scores});
  out.json = list.substr(1, list.size() - 2);
  return out;
}

Result<Rows> scores_of(Judge& judge, const wire::EmbedCall& call, const Asker& asker, Told& told) {
  const auto cut = cut_of(call.options);
  const auto prepare = [&](const wire::EmbedInput& input) {
    return judge.model.prepare(input.text, input.pair ? std::optional<std::string_view>(*input.pair) : std::nullopt,
                               cut);
  };
  auto scores = TRY(run(call.inputs, judge.logits, prepare, asker, told));
  if (!call.options.raw_scores)
    for (auto& row : scores) wire::make_probabilities(row);
  return scores;
}

Result<Told> predict(ServedModel& model, const Json& body, const Asker& asker) {
  const auto call = TRY(wire::parse_predict_call(body));
  auto& judge = *TRY(model.judge());
  Told out;
  out.json = wire::predict_json(call, TRY(scores_of(judge, call, asker, out)), judge.labels);
  return out;
}

Result<Told> rerank(ServedModel& model, const Json& body, const Asker& asker) {
  const auto call = TRY(wire::parse_rerank_call(body));
  Told out;
  out.json = wire::rerank_json(call, TRY(scores_of(*TRY(model.judge()), call, asker, out)));
  return out;
}

Result<const PreTrainedTokenizer*> tokenizer_of(ServedModel& model) {
  switch (TRY(model.text_use())) {
    case TextUse::vectors:
      return &TRY(model.embedder())->tokenizer;
    case TextUse::sparse_vectors:
      return &TRY(model.sparse())->tokenizer;
    default:
      return &TRY(model.judge())->tokenizer;
  }
}

Result<Told> tokenize(ServedModel& model, const Json& body, const Asker&) {
  const auto call = TRY(wire::parse_tokenize_call(body));
  const auto& tokenizer = TRY(tokenizer_of(model))->backend_tokenizer();
  std::string prompt;
  if (!call.prompt_name.empty()) prompt = TRY(TRY(model.embedder())->model.prompt(call.prompt_name));
  std::vector<std::vector<wire::TextToken>> out;
  for (const auto& input : call.inputs) {
    const auto text = prompt + input;
    const EncodeOptions options{.add_special_tokens = call.add_special_tokens, .offsets = OffsetUnit::characters};
    auto& tokens = out.emplace_back(text_tokens(TRY(tokenizer.encode(text, options)), text));
    for (auto& token : tokens)
      if (token.special) token.text = tokenizer.id_to_token(static_cast<TokenId>(token.id)).value_or("");
  }
  return Told{wire::tei_tokenize_json(out)};
}

Result<Told> decode(ServedModel& model, const Json& body, const Asker&) {
  const auto call = TRY(wire::parse_decode_call(body));
  const auto& tokenizer = TRY(tokenizer_of(model))->backend_tokenizer();
  JsonWriter out;
  out.begin_array();
  for (const auto& ids : call.ids) out.value(tokenizer.decode(ids, {.skip_special_tokens = call.skip_special_tokens}));
  return Told{out.end().take()};
}

struct Row {
  std::string_view path;
  Result<Told> (*answer)(ServedModel& model, const Json& body, const Asker& asker);
  bool computes = true;
};
constexpr Row kRows[] = {
    {"/embed", embed},   {"/embed_all", embed_all},   {"/embed_sparse", embed_sparse}, {"/predict", predict},
    {"/rerank", rerank}, {"/similarity", similarity}, {"/tokenize", tokenize, false},  {"/decode", decode, false}};

Result<Told> answer(const Row& row, ServedModel& model, const Json& body, const Asker& asker) {
  TRY(check_use(model, row.path));
  return row.answer(model, body, asker);
}

// Vertex AI's form: several calls in one. What ranks is told by its keys, the rest by what the model is for.
Result<Told> instances(ServedModel& model, const Json& body, const Asker& asker) {
  const auto& all = body["instances"];
  if (!all.is_array() || all.size() > wire::kEmbedBatchMax)
    return Status(Code::bad_input, "`instances` must be a list of calls");
  const auto use = TRY(model.text_use());
  const auto own = use == TextUse::vectors ? "/embed" : use == TextUse::sparse_vectors ? "/embed_sparse" : "/predict";
  std::string out;
  for (const auto& instance : all.array()) {
    const std::string_view path = instance.find("query") ? "/rerank" : own;
    const auto told = TRY(answer(*std::ranges::find(kRows, path, &Row::path), model, instance, asker));
    out += cat(out.empty() ? "" : ",", told.json);
  }
  return Told{cat("{\"predictions\":[", out, "]}")};
}

/// The `err` of te_request_failure.
std::string_view failure_kind(const Status& status) {
  const auto type = wire::embeddings_error(status).error_type;
  if (type == "Backend") return status.message().starts_with("model is not") ? "model_type" : "inference";
  return type == "Overloaded" ? "overloaded" : contains(status.message(), "batch size") ? "batch_size" : "validation";
}

net::Response response(const Result<Told>& told, bool computes, const Asker& asker) {
  if (!told.ok())
    return json_answer(wire::embeddings_error_json(told.status()), wire::embeddings_error(told.status()).http_status);
  auto out = json_answer(told->json);
  if (!computes) return out;
  const auto ms = [](double seconds) { return cat(static_cast<int64_t>(seconds * 1000)); };
  const auto total = monotonic_s() - asker.arrived_s;
  out.headers.set("x-compute-type", "cpu");
  out.headers.set("x-compute-time", cat(total));
  out.headers.set("x-compute-characters", cat(told->characters));
  out.headers.set("x-compute-tokens", cat(told->tokens));
  out.headers.set("x-total-time", ms(total));
  out.headers.set("x-tokenization-time", ms(told->tokenization_s));
  out.headers.set("x-queue-time", ms(told->times.queue_s));
  out.headers.set("x-inference-time", ms(told->times.inference_s));
  return out;
}

}  // namespace

std::optional<net::Response> answer_text_embeddings(ServedModel& model, std::string_view path, const Json& body,
                                                    const Asker& asker) {
  if (path == "/vertex") return response(instances(model, body, asker), false, asker);
  const auto* row = std::ranges::find(kRows, path, &Row::path);
  if (row == std::end(kRows)) return {};
  const auto told = answer(*row, model, body, asker);
  if (row->computes && asker.telemetry) {
    TextsReport report{.is_batch = body["inputs"].is_array() || body["texts"].is_array(),
                       .judges = path == "/predict" || path == "/rerank",
                       .total_s = monotonic_s() - asker.arrived_s};
    if (told.ok()) {
      report.texts = told->texts, report.tokens = told->tokens;
      report.tokenization_s = told->tokenization_s;
      report.queue_s = told->times.queue_s, report.inference_s = told->times.inference_s;
    }
    asker.telemetry->on_texts(path, asker.id, report, told.ok() ? std::string_view() : failure_kind(told.status()));
  }
  return response(told, row->computes, asker);
}

Result<net::Response> text_embeddings_info(ServedModel& model, std::string_view name) {
  using Kind = wire::EmbeddingsInfo::Kind;
  wire::EmbeddingsInfo out{.model_id = std::string(name),
                           .model_sha = std::string(commit_of(model.path())),
                           .model_dtype = "float32",
                           .max_batch_tokens = TextBatcher::kTokensMax,
                           .max_concurrent_requests = kServerThreads,
                           .tokenization_workers = kServerThreads};
  const auto use = TRY(model.text_use());
  if (use == TextUse::vectors) {
    const auto& embedder = *TRY(model.embedder());
    out.pooling = embedder.model.pooling_name();
    out.max_input_length = embedder.model.max_seq_length().value_or(0);
  } else if (use == TextUse::sparse_vectors) {
    out.kind = Kind::sparse;
    out.pooling = "splade";
    out.max_input_length = TRY(model.sparse())->model.max_seq_length().value_or(0);
  } else {
    const auto& judge = *TRY(model.judge());
    out.kind = use == TextUse::ranking ? Kind::reranker : Kind::classifier;
    out.labels = judge.labels;
    out.max_input_length = judge.model.max_seq_length().value_or(0);
  }
  return json_answer(wire::embeddings_info_json(out));
}

}  // namespace hearth::inference
