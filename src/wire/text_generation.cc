#include "wire/text_generation.h"

#include <algorithm>

#include "base/text.h"
#include "wire/tasks.h"

namespace hearth::wire {
namespace {

constexpr size_t kStopsMax = 4;

struct Reader {
  const Json& parameters;

  Result<std::optional<double>> above(std::string_view key, double low, double high, std::string_view rule) const {
    const auto& value = parameters[key];
    if (value.is_null()) return std::optional<double>();
    const double d = value.as_double();
    if (!value.is_number() || !(d > low && d < high)) return invalid_generation(cat("`", key, "` must be ", rule));
    return std::optional(d);
  }
  Result<std::optional<int64_t>> count(std::string_view key) const {
    const auto& value = parameters[key];
    if (value.is_null()) return std::optional<int64_t>();
    if (value.as_int() < 1) return invalid_generation(cat("`", key, "` must be strictly positive"));
    return std::optional(value.as_int());
  }
  Result<bool> flag(std::string_view key) const {
    const auto& value = parameters[key];
    if (!value.is_null() && !value.is_bool()) return invalid_generation(cat("`", key, "` must be true or false"));
    return value.as_bool();
  }
};

constexpr std::string_view kKnown[] = {
    "details", "do_sample", "frequency_penalty", "grammar", "max_new_tokens", "repetition_penalty", "return_full_text",
    "seed",    "stop",      "temperature",       "top_k",   "top_p",          "truncate",           "typical_p"};

/// Asks for nothing: InferenceClient sends those too.
bool is_off(std::string_view key, const Json& value) {
  return value.is_null() || value == Json(false) || (key == "best_of" && value == Json(1)) ||
         (key == "top_n_tokens" && value == Json(0));
}

void write_details(JsonWriter& out, const GenerationDetails& details) {
  out.field("finish_reason", details.finish_reason).field("generated_tokens", details.generated_tokens).key("seed");
  if (details.seed)
    out.value(static_cast<int64_t>(*details.seed));
  else
    out.null();
}

void write_token(JsonWriter& out, const GeneratedToken& token) {
  out.begin_object().field("id", token.id).field("text", token.text);
  out.field("logprob", token.logprob).field("special", token.special).end();
}

std::string event(JsonWriter& out) {
  return cat("data:", out.text(), "\n\n");
}

}  // namespace

Status invalid_generation(std::string_view what) {
  return Status(Code::bad_input, cat("Input validation error: ", what));
}

Result<TextGenerationCall> parse_text_generation_call(const Json& body) {
  if (!body["inputs"].is_string()) return invalid_generation("`inputs` must be a text");
  TextGenerationCall out{.inputs = std::string(body["inputs"].as_string())};
  if (out.inputs.empty()) return invalid_generation("`inputs` cannot be empty");
  const auto& parameters = body["parameters"];
  if (!parameters.is_null() && !parameters.is_object()) return invalid_generation("`parameters` must be an object");
  std::vector<std::string> unused;
  for (const auto& [key, value] : parameters.object())
    if (std::ranges::find(kKnown, key) == std::end(kKnown) && !is_off(key, value)) unused.push_back(key);
  if (!unused.empty()) return unused_parameters(unused);

  const Reader read{parameters};
  constexpr double kMax = 1e30;
  out.stream = body["stream"].as_bool();
  out.details = TRY(read.flag("details"));
  out.return_full_text = TRY(read.flag("return_full_text"));
  out.do_sample = TRY(read.flag("do_sample"));
  out.max_new_tokens = TRY(read.count("max_new_tokens"));
  out.top_k = TRY(read.count("top_k"));
  out.truncate = TRY(read.count("truncate"));
  out.temperature = TRY(read.above("temperature", 0, kMax, "strictly positive"));
  out.top_p = TRY(read.above("top_p", 0, 1, "> 0.0 and < 1.0"));
  out.typical_p = TRY(read.above("typical_p", 0, 1, "> 0.0 and < 1.0"));
  out.repetition_penalty = TRY(read.above("repetition_penalty", 0, kMax, "strictly positive"));
  out.frequency_penalty = TRY(read.above("frequency_penalty", -2.0000001, 2.0000001, ">= -2.0 and <= 2.0"));
  if (const auto& seed = parameters["seed"]; !seed.is_null()) {
    if (seed.as_int(-1) < 0) return invalid_generation("`seed` must be a whole number of 0 or more");
    out.seed = static_cast<uint64_t>(seed.as_int());
  }
  if (const auto& grammar = parameters["grammar"]; !grammar.is_null()) {
    auto form = parse_response_format(grammar);
    if (!form.ok()) return invalid_generation(cat("grammar: ", form.status().message()));
    out.form = *std::move(form);
  }
  const auto& stop = parameters["stop"];
  if (!stop.is_null() && !stop.is_array()) return invalid_generation("`stop` must be a list of texts");
  for (const auto& text : stop.array()) {
    if (text.as_string().empty()) return invalid_generation("`stop` must hold texts that are not empty");
    out.stop.emplace_back(text.as_string());
  }
  if (out.stop.size() > kStopsMax)
    return invalid_generation(cat("`stop` supports up to ", kStopsMax, " stop sequences. Given: ", out.stop.size()));
  // As TGI's NextTokenChooser: what warps the distribution asks for a draw from it.
  out.do_sample |= (out.temperature && *out.temperature != 1) || out.top_k || out.top_p || out.typical_p;
  return out;
}

std::string text_generation_json(std::string_view text, const GenerationDetails& details,
                                 const std::vector<GeneratedToken>& tokens, bool with_details) {
  JsonWriter out;
  out.begin_array().begin_object().field("generated_text", text);
  if (with_details) {
    out.key("details").begin_object();
    write_details(out, details);
    out.key("prefill").begin_array().end().key("tokens").begin_array();
    for (const auto& token : tokens) write_token(out, token);
    out.end().end();
  }
  return out.end().end().take();
}

std::string text_generation_event(int64_t index, const GeneratedToken& token) {
  JsonWriter out;
  out.begin_object().field("index", index).key("token");
  write_token(out, token);
  out.key("generated_text").null().key("details").null().end();
  return event(out);
}

std::string text_generation_last_event(int64_t index, const GeneratedToken& token, std::string_view text,
                                       const GenerationDetails* details) {
  JsonWriter out;
  out.begin_object().field("index", index).key("token");
  write_token(out, token);
  out.field("generated_text", text).key("details");
  if (details) {
    out.begin_object();
    write_details(out, *details);
    out.field("input_length", details->input_length).end();
  } else {
    out.null();
  }
  out.end();
  return event(out);
}

std::string text_generation_error_event(const Status& status) {
  return cat("data:", task_error_json(status, generation_error_type(status)), "\n\n");
}

std::string_view generation_error_type(const Status& status) {
  switch (status.code()) {
    case Code::bad_input:
    case Code::unsupported:
      return "validation";
    case Code::busy:
      return "overloaded";
    default:
      return "generation";
  }
}

}  // namespace hearth::wire
