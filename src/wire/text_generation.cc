#include "wire/text_generation.h"

#include <algorithm>

#include "base/text.h"
#include "wire/tasks.h"

namespace hearth::wire {
namespace {

constexpr std::string_view kInvalid = "Input validation error: ";

struct Reader {
  const Json& parameters;

  Result<std::optional<double>> number(std::string_view key, bool (*is_right)(double), std::string_view rule) const {
    const auto& value = parameters[key];
    if (value.is_null()) return std::optional<double>();
    if (!value.is_number() || !is_right(value.as_double()))
      return invalid_generation(cat("`", key, "` must be ", rule));
    return std::optional(value.as_double());
  }
  Result<std::optional<int64_t>> count(std::string_view key) const {
    const auto& value = parameters[key];
    if (value.is_null()) return std::optional<int64_t>();
    if (value.as_int() < 1) return invalid_generation(cat("`", key, "` must be strictly positive"));
    return std::optional(value.as_int());
  }
  Result<bool> flag(std::string_view key, bool otherwise = false) const {
    const auto& value = parameters[key];
    if (!value.is_null() && !value.is_bool()) return invalid_generation(cat("`", key, "` must be true or false"));
    return value.as_bool(otherwise);
  }
};

Result<AnswerForm> read_grammar(const Json& grammar) {
  const auto told = [](const Status& status) {
    return invalid_generation(cat("grammar is not valid: ", status.message()));
  };
  Json given = grammar;
  // A schema may be spelt as text.
  if (const auto& value = grammar["value"]; grammar["type"] == Json("json") && value.is_string()) {
    auto schema = Json::parse(value.as_string());
    if (!schema.ok()) return told(schema.status());
    given.set("value", *std::move(schema));
  }
  auto form = parse_response_format(given);
  if (!form.ok()) return told(form.status());
  return form;
}

Status read_stop(const Json& stop, const TextGenerationLimits& limits, TextGenerationCall& out) {
  if (!stop.is_null() && !stop.is_array()) return invalid_generation("`stop` must be a list of texts");
  if (static_cast<int64_t>(stop.size()) > limits.max_stop_sequences)
    return invalid_generation(
        cat("`stop` supports up to ", limits.max_stop_sequences, " stop sequences. Given: ", stop.size()));
  for (const auto& text : stop.array()) {
    if (text.as_string().empty()) return invalid_generation("`stop` must hold texts that are not empty");
    out.stop.emplace_back(text.as_string());
  }
  return {};
}

// Several answers, of which the best is told.
Status read_best_of(const Json& parameters, const TextGenerationLimits& limits, TextGenerationCall& out) {
  const auto& value = parameters["best_of"];
  if (value.is_null()) return {};
  out.best_of = value.as_int();
  if (out.stream && out.best_of != 1)
    return invalid_generation("`best_of` != 1 is not supported when streaming tokens");
  if (out.best_of < 1 || out.best_of > limits.max_best_of)
    return invalid_generation(cat("`best_of` must be > 0 and <= ", limits.max_best_of, ". Given: ", value.dump()));
  return {};
}

void write_token(JsonWriter& out, const GeneratedToken& token, bool is_prefill = false) {
  out.begin_object().field("id", token.id).field("text", token.text).key("logprob");
  if (token.logprob)
    out.value(*token.logprob);
  else
    out.null();
  if (!is_prefill) out.field("special", token.special);
  out.end();
}

void write_tokens(JsonWriter& out, const std::vector<GeneratedToken>& tokens, bool is_prefill = false) {
  out.begin_array();
  for (const auto& token : tokens) write_token(out, token, is_prefill);
  out.end();
}

void write_seed(JsonWriter& out, const GeneratedSequence& sequence) {
  out.key("seed");
  if (sequence.seed)
    out.value(*sequence.seed);
  else
    out.null();
}

/// The members that an answer's details and those of its rivals share.
void write_sequence(JsonWriter& out, const GeneratedSequence& sequence) {
  out.field("finish_reason", sequence.finish_reason).field("generated_tokens", sequence.tokens.size());
  write_seed(out, sequence);
  out.key("prefill");
  write_tokens(out, sequence.prefill, /*is_prefill=*/true);
  out.key("tokens");
  write_tokens(out, sequence.tokens);
  if (sequence.top_tokens.empty()) return;
  out.key("top_tokens").begin_array();
  for (const auto& tokens : sequence.top_tokens) write_tokens(out, tokens);
  out.end();
}

std::string full_text(const TextGenerationCall& call, const GeneratedSequence& sequence) {
  return call.return_full_text ? call.inputs + sequence.text : sequence.text;
}

std::string event(const JsonWriter& out) {
  return cat("data:", out.text(), "\n\n");
}

void write_text_tokens(JsonWriter& out, const std::vector<TextToken>& tokens) {
  out.begin_array();
  for (const auto& token : tokens) {
    out.begin_object().field("id", token.id).field("text", token.text);
    out.field("start", token.start).field("stop", token.stop).end();
  }
  out.end();
}

}  // namespace

Status invalid_generation(std::string_view what) {
  return Status(Code::bad_input, cat(kInvalid, what));
}

Result<TextGenerationCall> parse_text_generation_call(const Json& body, const TextGenerationLimits& limits,
                                                      std::optional<bool> streams) {
  if (!body["inputs"].is_string()) return invalid_generation("`inputs` must be a text");
  TextGenerationCall out{.inputs = std::string(body["inputs"].as_string())};
  const auto& parameters = body["parameters"];
  if (!parameters.is_null() && !parameters.is_object()) return invalid_generation("`parameters` must be an object");
  if (parameters["watermark"].as_bool()) return unused_parameters({"watermark"});

  const Reader read{parameters};
  const auto is_positive = [](double x) { return x > 0 && x < 1e30; };
  const auto is_share = [](double x) { return x > 0 && x < 1; };
  out.stream = streams ? *streams : body["stream"].as_bool();
  TRY(read_best_of(parameters, limits, out));
  out.decoder_input_details = TRY(read.flag("decoder_input_details"));
  if (out.stream && out.decoder_input_details)
    return invalid_generation("`decoder_input_details` == true is not supported when streaming tokens");
  out.details = TRY(read.flag("details")) || out.decoder_input_details;
  out.return_full_text = TRY(read.flag("return_full_text"));
  out.add_special_tokens = TRY(Reader{body}.flag("add_special_tokens", true));
  // Without any parameter TGI draws; with some it does where they say so.
  out.do_sample = TRY(read.flag("do_sample", /*otherwise=*/parameters.is_null()));
  out.temperature = TRY(read.number("temperature", is_positive, "strictly positive"));
  out.top_k = TRY(read.count("top_k"));
  out.top_p = TRY(read.number("top_p", is_share, "> 0.0 and < 1.0"));
  out.typical_p = TRY(read.number("typical_p", is_share, "> 0.0 and < 1.0"));
  if (out.best_of > 1 && !out.do_sample && !out.temperature && !out.top_k && !out.top_p && !out.typical_p)
    return invalid_generation("you must use sampling when `best_of` is > 1");
  out.repetition_penalty = TRY(read.number("repetition_penalty", is_positive, "strictly positive"));
  out.frequency_penalty = TRY(read.number(
      "frequency_penalty", [](double x) { return x >= -2 && x <= 2; }, ">= -2.0 and <= 2.0"));
  out.max_new_tokens = TRY(read.count("max_new_tokens"));
  TRY(read_stop(parameters["stop"], limits, out));
  if (const auto& seed = parameters["seed"]; !seed.is_null()) {
    if (out.best_of > 1) return invalid_generation("`seed` must not be set when `best_of` > 1");
    if (seed.as_int(-1) < 0) return invalid_generation("`seed` must be a whole number of 0 or more");
    out.seed = static_cast<uint64_t>(seed.as_int());
  }
  if (const auto& top = parameters["top_n_tokens"]; !top.is_null()) {
    out.top_n_tokens = top.as_int(-1);
    if (out.top_n_tokens < 0 || out.top_n_tokens > limits.max_top_n_tokens)
      return invalid_generation(
          cat("`top_n_tokens` must be >= 0 and <= ", limits.max_top_n_tokens, ". Given: ", top.dump()));
  }
  if (out.inputs.empty()) return invalid_generation("`inputs` cannot be empty");
  if (const auto& truncate = parameters["truncate"]; !truncate.is_null()) {
    out.truncate = truncate.as_int();
    if (*out.truncate < 1 || *out.truncate > limits.max_input_tokens)
      return invalid_generation(cat("`truncate` must be strictly positive and less than ", limits.max_input_tokens,
                                    ". Given: ", truncate.dump()));
  }
  if (const auto& grammar = parameters["grammar"]; !grammar.is_null()) out.form = TRY(read_grammar(grammar));
  if (const auto& adapter = parameters["adapter_id"]; !adapter.is_null()) {
    if (adapter.as_string().empty()) return invalid_generation("`adapter_id` must be an adapter's name");
    out.adapter_id = adapter.as_string();
  }
  // As TGI's NextTokenChooser: what warps the distribution asks for a draw from it.
  out.do_sample |= (out.temperature && *out.temperature != 1) || out.top_k || out.top_p || out.typical_p;
  return out;
}

double GeneratedSequence::mean_logprob() const {
  double sum = 0;
  for (const auto& token : tokens) sum += token.logprob.value_or(0);
  return tokens.empty() ? 0 : sum / static_cast<double>(tokens.size());
}

std::string text_generation_json(const TextGenerationCall& call, const GeneratedSequence& best,
                                 const std::vector<GeneratedSequence>& others) {
  JsonWriter out;
  out.begin_object().field("generated_text", full_text(call, best));
  if (!call.details) return out.end().take();
  out.key("details").begin_object();
  write_sequence(out, best);
  if (!others.empty()) {
    out.key("best_of_sequences").begin_array();
    for (const auto& other : others) {
      out.begin_object().field("generated_text", full_text(call, other));
      write_sequence(out, other);
      out.end();
    }
    out.end();
  }
  return out.end().end().take();
}

std::string text_generation_event(const TextGenerationCall& call, const GeneratedSequence& so_far, bool is_last) {
  JsonWriter out;
  out.begin_object().field("index", so_far.tokens.size()).key("token");
  write_token(out, so_far.tokens.back());
  if (!so_far.top_tokens.empty()) {
    out.key("top_tokens");
    write_tokens(out, so_far.top_tokens.back());
  }
  out.key("generated_text");
  if (is_last)
    out.value(full_text(call, so_far));
  else
    out.null();
  out.key("details");
  if (is_last && call.details) {
    out.begin_object().field("finish_reason", so_far.finish_reason);
    out.field("generated_tokens", so_far.tokens.size());
    write_seed(out, so_far);
    out.field("input_length", so_far.input_length).end();
  } else {
    out.null();
  }
  out.end();
  return event(out);
}

std::string GenerationError::json() const {
  JsonWriter out;
  return out.begin_object().field("error", error).field("error_type", error_type).end().take();
}

GenerationError generation_error(const Status& status) {
  const auto& message = status.message();
  switch (status.code()) {
    case Code::unsupported:  // 400: on which InferenceClient asks again without what is named
      return {400, message, "validation"};
    case Code::bad_input:
    case Code::too_large:
      return {422, message.starts_with(kInvalid) ? message : cat(kInvalid, message), "validation"};
    case Code::busy:
      return {429, cat("Model is overloaded: ", message), "overloaded"};
    default:
      return {424, cat("Request failed during generation: ", message), "generation"};
  }
}

std::string text_generation_error_event(const Status& status) {
  return cat("data:", generation_error(status).json(), "\n\n");
}

std::string tokenize_json(const std::vector<TextToken>& tokens) {
  JsonWriter out;
  write_text_tokens(out, tokens);
  return out.take();
}

std::string chat_tokenize_json(const std::vector<TextToken>& tokens, std::string_view templated_text) {
  JsonWriter out;
  out.begin_object().key("tokenize_response");
  write_text_tokens(out, tokens);
  return out.field("templated_text", templated_text).end().take();
}

std::string text_generation_info_json(const TextGenerationInfo& info) {
  JsonWriter out;
  out.begin_object().field("model_id", info.model_id).key("model_sha");
  if (info.model_sha.empty())
    out.null();
  else
    out.value(info.model_sha);
  out.field("model_pipeline_tag", "text-generation");
  out.field("max_concurrent_requests", info.max_concurrent_requests).field("max_best_of", info.limits.max_best_of);
  out.field("max_stop_sequences", info.limits.max_stop_sequences);
  out.field("max_input_tokens", info.limits.max_input_tokens).field("max_total_tokens", info.limits.max_total_tokens);
  out.field("validation_workers", info.validation_workers).field("max_client_batch_size", info.max_client_batch_size);
  out.field("router", "hearth").field("version", HEARTH_VERSION).key("sha").null().key("docker_label").null();
  return out.end().take();
}

}  // namespace hearth::wire
