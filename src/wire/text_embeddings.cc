#include "wire/text_embeddings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include "base/text.h"

namespace hearth::wire {
namespace {

constexpr std::string_view kEmpty = "cannot be empty";

Status invalid(std::string_view key, std::string_view rule) {
  return Status(Code::bad_input, cat("`", key, "` ", rule));
}

Status check_batch(std::string_view key, size_t count) {
  if (count == 0) return invalid(key, kEmpty);
  if (count <= kEmbedBatchMax) return {};
  return Status(Code::bad_input, cat("batch size ", count, " > maximum allowed batch size ", kEmbedBatchMax));
}

Result<bool> flag(const Json& at, std::string_view key, bool otherwise) {
  if (!at[key].is_null() && !at[key].is_bool()) return invalid(key, "must be true or false");
  return at[key].as_bool(otherwise);
}

Result<std::vector<int32_t>> read_ids(std::string_view key, const Json& list) {
  std::vector<int32_t> out;
  for (const auto& id : list.array()) {
    const auto value = id.as_int(-1);
    if (value < 0 || value > INT32_MAX) return invalid(key, "must hold token ids, whole numbers of 0 or more");
    out.push_back(static_cast<int32_t>(value));
  }
  if (out.empty()) return invalid(key, kEmpty);
  return out;
}

Result<EmbedInput> read_input(const Json& value) {
  EmbedInput out;
  if (value.is_array())
    out.ids = TRY(read_ids("inputs", value));
  else if (value.is_string())
    out.text = value.as_string();
  else
    return invalid("inputs", "must be a text, token ids, or a list of these");
  if (out.ids.empty() && out.text.empty()) return invalid("inputs", kEmpty);
  return out;
}

/// A text, or two.
Result<EmbedInput> read_sequence(const Json& value) {
  constexpr std::string_view kRule =
      "must be a string, a pair of strings [string, string] or a batch of mixed strings and pairs [[string], [string, "
      "string], ...]";
  const auto& list = value.array();
  const bool is_text = value.is_string();
  if (!is_text && (list.empty() || list.size() > 2 || !std::ranges::all_of(list, &Json::is_string)))
    return invalid("inputs", kRule);
  EmbedInput out{.text = std::string(is_text ? value.as_string() : list[0].as_string())};
  if (list.size() == 2) out.pair = list[1].as_string();
  if (out.text.empty() && out.pair.value_or("").empty()) return invalid("inputs", kEmpty);
  return out;
}

Result<EmbedOptions> read_options(const Json& at) {
  EmbedOptions out;
  out.truncate = TRY(flag(at, "truncate", true));
  const auto side = to_lower_ascii(at["truncation_direction"].as_string("right"));
  if (side != "left" && side != "right") return invalid("truncation_direction", "must be Left or Right");
  out.keeps_end = side == "left";
  out.prompt_name = at["prompt_name"].as_string();
  out.normalize = TRY(flag(at, "normalize", true));
  out.raw_scores = TRY(flag(at, "raw_scores", false));
  if (!at["dimensions"].is_null()) {
    out.dimensions = at["dimensions"].as_int();
    if (*out.dimensions < 1) return invalid("dimensions", "should be positive");
  }
  return out;
}

void append(std::string& out, float value) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append(std::string& out, std::span<const float> values) {
  out += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    append(out, values[i]);
  }
  out += ']';
}

/// `write(i)` appends the i-th one of a list.
template <class Write>
void append_list(std::string& out, size_t count, const Write& write) {
  out += '[';
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    write(i);
  }
  out += ']';
}

std::vector<size_t> best_first(std::span<const float> scores) {
  std::vector<size_t> out(scores.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = i;
  std::ranges::stable_sort(out, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  return out;
}

}  // namespace

int64_t EmbedInput::characters() const {
  const auto count = [](std::string_view letters) {
    return std::ranges::count_if(letters, [](char c) { return (c & 0xC0) != 0x80; });
  };
  return count(text) + count(pair.value_or("")) + std::ssize(ids);
}

Result<EmbedCall> parse_embed_call(const Json& body) {
  EmbedCall out{.options = TRY(read_options(body))};
  const auto& inputs = body["inputs"];
  // A list of numbers is one text.
  out.is_batch = inputs.is_array() && !(inputs.size() > 0 && inputs.array().front().is_int());
  if (!out.is_batch) {
    out.inputs.push_back(TRY(read_input(inputs)));
    return out;
  }
  TRY(check_batch("inputs", inputs.size()));
  for (const auto& one : inputs.array()) out.inputs.push_back(TRY(read_input(one)));
  return out;
}

Result<EmbedCall> parse_predict_call(const Json& body) {
  EmbedCall out{.options = TRY(read_options(body))};
  const auto& inputs = body["inputs"];
  out.is_batch = inputs.is_array() && inputs.size() > 0 && inputs.array().front().is_array();
  if (!out.is_batch) {
    out.inputs.push_back(TRY(read_sequence(inputs)));
    return out;
  }
  TRY(check_batch("inputs", inputs.size()));
  for (const auto& one : inputs.array()) out.inputs.push_back(TRY(read_sequence(one)));
  return out;
}

Result<EmbedCall> parse_tei_similarity_call(const Json& body) {
  EmbedCall out{.is_batch = true, .options = TRY(read_options(body["parameters"]))};
  const auto& inputs = body["inputs"];
  if (!inputs["source_sentence"].is_string() || !inputs["sentences"].is_array())
    return invalid("inputs", "must be {\"source_sentence\": TEXT, \"sentences\": [TEXT]}");
  TRY(check_batch("inputs.sentences", inputs["sentences"].size()));
  out.inputs.push_back(TRY(read_input(inputs["source_sentence"])));
  for (const auto& one : inputs["sentences"].array()) {
    if (!one.is_string()) return invalid("inputs.sentences", "must hold texts alone");
    out.inputs.push_back(TRY(read_input(one)));
  }
  return out;
}

Result<RerankCall> parse_rerank_call(const Json& body) {
  RerankCall out;
  // The Inference API's text-ranking has both in `inputs`, and the flags in `parameters`.
  const auto& at = body["inputs"].is_object() ? body["inputs"] : body;
  const auto& flags = body["parameters"].is_object() ? body["parameters"] : body;
  out.options = TRY(read_options(flags));
  out.return_text = TRY(flag(flags, "return_text", false));
  out.is_batch = true;
  if (!at["query"].is_string()) return invalid("query", "is missing: {\"query\": TEXT, \"texts\": [TEXT]}");
  if (!at["texts"].is_array()) return invalid("texts", "must be a list of texts");
  TRY(check_batch("texts", at["texts"].size()));
  for (const auto& text : at["texts"].array()) {
    if (!text.is_string()) return invalid("texts", "must hold texts alone");
    out.inputs.push_back({.text = std::string(at["query"].as_string()), .pair = std::string(text.as_string())});
  }
  return out;
}

Result<TokenizeCall> parse_tokenize_call(const Json& body) {
  TokenizeCall out{.add_special_tokens = TRY(flag(body, "add_special_tokens", true)),
                   .prompt_name = std::string(body["prompt_name"].as_string())};
  const auto& inputs = body["inputs"];
  if (!inputs.is_string() && !inputs.is_array()) return invalid("inputs", "must be a text or a list of texts");
  if (inputs.is_array()) TRY(check_batch("inputs", inputs.size()));
  for (const auto& one : inputs.is_array() ? inputs.array() : Json::Array{inputs}) {
    if (!one.is_string()) return invalid("inputs", "must hold texts alone");
    if (one.as_string().empty()) return invalid("inputs", kEmpty);
    out.inputs.emplace_back(one.as_string());
  }
  return out;
}

std::string tei_tokenize_json(const std::vector<std::vector<TextToken>>& texts) {
  JsonWriter out;
  out.begin_array();
  for (const auto& tokens : texts) {
    out.begin_array();
    for (const auto& token : tokens) {
      out.begin_object().field("id", token.id).field("text", token.text).field("special", token.special);
      if (token.special)
        out.key("start").null().key("stop").null();
      else
        out.field("start", token.start).field("stop", token.stop);
      out.end();
    }
    out.end();
  }
  return out.end().take();
}

Result<DecodeCall> parse_decode_call(const Json& body) {
  DecodeCall out{.skip_special_tokens = TRY(flag(body, "skip_special_tokens", true))};
  const auto& ids = body["ids"];
  if (!ids.is_array()) return invalid("ids", "must be a list of token ids, or a list of such lists");
  const bool is_batch = ids.size() == 0 || ids.array().front().is_array();
  if (!is_batch) {
    out.ids.push_back(TRY(read_ids("ids", ids)));
    return out;
  }
  TRY(check_batch("ids", ids.size()));
  for (const auto& one : ids.array()) {
    if (!one.is_array()) return invalid("ids", "must hold lists of token ids alone");
    out.ids.push_back(TRY(read_ids("input_ids", one)));
  }
  return out;
}

std::string embed_json(const std::vector<std::vector<float>>& vectors) {
  std::string out;
  append_list(out, vectors.size(), [&](size_t i) { append(out, vectors[i]); });
  return out;
}

std::string embed_all_json(const std::vector<std::vector<float>>& texts, size_t width) {
  std::string out;
  append_list(out, texts.size(), [&](size_t i) {
    append_list(out, texts[i].size() / width,
                [&](size_t token) { append(out, std::span(texts[i]).subspan(token * width, width)); });
  });
  return out;
}

std::string embed_sparse_json(const std::vector<std::vector<float>>& vectors) {
  std::string out;
  append_list(out, vectors.size(), [&](size_t i) {
    out += '[';
    bool is_first = true;
    for (size_t index = 0; index < vectors[i].size(); ++index) {
      if (vectors[i][index] == 0) continue;
      out += cat(is_first ? "" : ",", "{\"index\":", index, ",\"value\":");
      append(out, vectors[i][index]);
      out += '}';
      is_first = false;
    }
    out += ']';
  });
  return out;
}

std::string predict_json(const EmbedCall& call, const std::vector<std::vector<float>>& scores,
                         const std::vector<std::string>& labels) {
  std::string out;
  const auto write = [&](size_t text) {
    const auto order = best_first(scores[text]);
    append_list(out, order.size(), [&](size_t i) {
      out += "{\"score\":";
      append(out, scores[text][order[i]]);
      out += ",\"label\":";
      append_json_string(out, order[i] < labels.size() ? labels[order[i]] : cat("LABEL_", order[i]));
      out += '}';
    });
  };
  if (call.is_batch)
    append_list(out, scores.size(), write);
  else
    write(0);
  return out;
}

std::string rerank_json(const RerankCall& call, const std::vector<std::vector<float>>& scores) {
  std::vector<float> all;
  for (const auto& one : scores) all.push_back(one.front());
  const auto order = best_first(all);
  std::string out;
  append_list(out, order.size(), [&](size_t i) {
    out += cat("{\"index\":", order[i]);
    if (call.return_text) {
      out += ",\"text\":";
      append_json_string(out, *call.inputs[order[i]].pair);
    }
    out += ",\"score\":";
    append(out, all[order[i]]);
    out += '}';
  });
  return out;
}

void make_probabilities(std::vector<float>& logits) {
  if (logits.size() == 1) {
    logits[0] = 1 / (1 + std::exp(-logits[0]));
    return;
  }
  const float most = *std::ranges::max_element(logits);
  float sum = 0;
  for (auto& value : logits) sum += value = std::exp(value - most);
  for (auto& value : logits) value /= sum;
}

EmbeddingsError embeddings_error(const Status& status) {
  switch (status.code()) {
    case Code::bad_input:
    case Code::too_large:
      if (status.message().ends_with(kEmpty)) return {400, "Empty"};
      return {422, "Validation"};
    case Code::busy:
      return {429, "Overloaded"};
    case Code::unavailable:
      return {503, "Unhealthy"};
    default:
      return {424, "Backend"};
  }
}

std::string embeddings_error_json(const Status& status) {
  JsonWriter out;
  out.begin_object().field("error", status.message());
  return out.field("error_type", embeddings_error(status).error_type).end().take();
}

std::string embeddings_info_json(const EmbeddingsInfo& info) {
  using Kind = EmbeddingsInfo::Kind;
  JsonWriter out;
  const auto text_or_null = [&](std::string_view key, std::string_view text) {
    out.key(key);
    if (text.empty())
      out.null();
    else
      out.value(text);
  };
  out.begin_object().field("model_id", info.model_id);
  text_or_null("model_sha", info.model_sha);
  out.field("model_dtype", info.model_dtype).field("served_model_name", info.model_id);
  out.key("model_type").begin_object();
  if (info.kind == Kind::classifier || info.kind == Kind::reranker) {
    out.key(info.kind == Kind::reranker ? "reranker" : "classifier").begin_object().key("id2label").begin_object();
    for (size_t i = 0; i < info.labels.size(); ++i) out.field(cat(i), info.labels[i]);
    out.end().key("label2id").begin_object();
    for (size_t i = 0; i < info.labels.size(); ++i) out.field(info.labels[i], i);
    out.end().end();
  } else {
    out.key("embedding").begin_object().field("pooling", info.pooling).end();
  }
  out.end().field("max_concurrent_requests", info.max_concurrent_requests);
  out.field("max_input_length", info.max_input_length).field("max_batch_tokens", info.max_batch_tokens);
  out.key("max_batch_requests").null().field("max_client_batch_size", kEmbedBatchMax).field("auto_truncate", true);
  out.field("tokenization_workers", info.tokenization_workers).field("version", HEARTH_VERSION);
  return out.key("sha").null().key("docker_label").null().end().take();
}

}  // namespace hearth::wire
