#include "wire/openai.h"

#include <cmath>

#include "base/text.h"

namespace hearth::wire {
namespace {

constexpr int64_t kMaxChoices = 8;
constexpr size_t kMaxStops = 16;
constexpr size_t kMaxPrompts = 32;

Status wrong(std::string_view key, std::string_view rule) {
  return Status(Code::bad_input, cat("'", key, "' ", rule));
}

Result<std::optional<double>> number(const Json& body, std::string_view key, double low, double high) {
  const auto& value = body[key];
  if (value.is_null()) return std::optional<double>();
  const double d = value.as_double();
  if (!value.is_number() || !(d >= low && d <= high))
    return wrong(key, cat("must be a number from ", low, " to ", high));
  return std::optional(d);
}

Result<std::optional<int64_t>> integer(const Json& body, std::string_view key, int64_t low, int64_t high) {
  const auto& value = body[key];
  if (value.is_null()) return std::optional<int64_t>();
  const int64_t i = value.as_int(low - 1);
  if (i < low || i > high) return wrong(key, cat("must be a whole number from ", low, " to ", high));
  return std::optional(i);
}

Status check_unsupported(const Json& body) {
  for (const std::string_view key : {"logprobs", "top_logprobs", "best_of", "logit_bias", "suffix"}) {
    const auto& value = body[key];
    const bool is_off = value.is_null() || value == Json(false) || value == Json(0) || value == Json("") ||
                        value == Json(Json::Object()) || (key == "best_of" && value == Json(1));
    if (!is_off) return Status(Code::unsupported, cat("'", key, "' is not something this engine does"));
  }
  return {};
}

/// A regular expression that matches one of some texts.
Result<std::string> choice_pattern(std::string_view key, const Json& choices) {
  std::vector<std::string> ways;
  for (const auto& choice : choices.array()) {
    auto& way = ways.emplace_back();
    for (const char c : choice.as_string())
      way += contains("\\^$.|?*+()[]{}#-", {&c, 1}) ? cat('\\', c) : std::string(1, c);
  }
  if (ways.empty()) return wrong(key, "must be a list of texts");
  return join(ways, "|");
}

/// The value of a form's kind, as each server's clients name the kinds.
Result<AnswerForm> form_of(std::string_view key, std::string_view kind, const Json& value) {
  using Kind = AnswerForm::Kind;
  if (kind == "json") {
    if (!value.is_object() && !value.is_bool() && !value.is_string()) return wrong(key, "must hold a JSON Schema");
    return AnswerForm{Kind::json_schema, value.is_string() ? TRY(Json::parse(value.as_string())) : value, {}};
  }
  if (kind == "choice") return AnswerForm{Kind::regex, {}, TRY(choice_pattern(key, value))};
  if (!value.is_string()) return wrong(key, cat("must hold a ", kind, " as text"));
  return AnswerForm{kind == "regex" ? Kind::regex : Kind::grammar, {}, std::string(value.as_string())};
}

}  // namespace

Result<AnswerForm> parse_response_format(const Json& format) {
  constexpr std::string_view kKey = "response_format";
  if (!format.is_object()) return wrong(kKey, "must be an object");
  const auto type = format["type"].as_string();
  const auto* value = format.find("value");
  if (type.empty() || type == "text") return AnswerForm{};
  if (type == "json_object" || type == "json") {
    if (!value) value = format.find("schema");  // llama.cpp's name
    return value ? form_of(kKey, "json", *value) : AnswerForm{AnswerForm::Kind::json_object, {}, {}};
  }
  if (type == "json_schema") {
    const auto& named = value ? *value : format["json_schema"];
    const auto* schema = named.find("schema");
    if (!schema) return wrong(kKey, "of type 'json_schema' must have a json_schema.schema");
    return form_of(kKey, "json", *schema);
  }
  if (type == "regex" || type == "grammar") return form_of(kKey, type, value ? *value : format["pattern"]);
  return Status(Code::unsupported,
                cat("'response_format' of type '", type,
                    "' is not something this engine does (text, json_object, json_schema, regex, grammar)"));
}

namespace {

/// Of all the ways to say what an answer has to be, the one that a request takes.
Result<AnswerForm> parse_form(const Json& body) {
  constexpr std::pair<std::string_view, std::string_view> kKeys[] = {
      {"json_schema", "json"},     {"guided_json", "json"},       {"guided_regex", "regex"},
      {"guided_choice", "choice"}, {"guided_grammar", "grammar"}, {"grammar", "grammar"}};
  std::vector<AnswerForm> found;
  const auto take = [&](AnswerForm form) {
    if (form.kind != AnswerForm::Kind::any) found.push_back(std::move(form));
  };
  if (const auto& format = body["response_format"]; !format.is_null()) take(TRY(parse_response_format(format)));
  for (const auto& [key, kind] : kKeys) {
    const auto& value = body[key];
    if (value.is_null()) continue;
    take(key == "grammar" && value.is_object() ? TRY(parse_response_format(value)) : TRY(form_of(key, kind, value)));
  }
  for (const auto& [kind, value] : body["structured_outputs"].object()) {
    if (value.is_null()) continue;
    if (kind != "json" && kind != "regex" && kind != "choice" && kind != "grammar")
      return Status(Code::unsupported, cat("'structured_outputs.", kind, "' is not something this engine does"));
    take(TRY(form_of("structured_outputs", kind, value)));
  }
  if (found.size() > 1) return Status(Code::bad_input, "the request says twice what the answer has to be");
  return found.empty() ? AnswerForm{} : std::move(found.front());
}

Status parse_shared(const Json& body, GenerateRequest& out) {
  if (!body.is_object()) return Status(Code::bad_input, "the body must be a JSON object");
  TRY(check_unsupported(body));
  out.model = body["model"].as_string();
  out.temperature = TRY(number(body, "temperature", 0, 2));
  out.top_p = TRY(number(body, "top_p", 0, 1));
  if (out.top_p && *out.top_p == 0) return wrong("top_p", "must be over 0");
  out.top_k = TRY(integer(body, "top_k", -1, 1 << 24));
  if (out.top_k && *out.top_k <= 0) out.top_k = 0;
  out.presence_penalty = TRY(number(body, "presence_penalty", -2, 2));
  out.frequency_penalty = TRY(number(body, "frequency_penalty", -2, 2));
  out.form = TRY(parse_form(body));
  out.n = TRY(integer(body, "n", 1, kMaxChoices)).value_or(1);
  if (const auto& seed = body["seed"]; !seed.is_null()) {
    if (!seed.is_number()) return wrong("seed", "must be a whole number");
    out.seed = static_cast<uint64_t>(seed.as_int());
  }
  out.max_tokens =
      TRY(integer(body, body["max_completion_tokens"].is_null() ? "max_tokens" : "max_completion_tokens", 1, 1 << 30));
  const auto& stop = body["stop"];
  if (stop.is_string()) out.stop.emplace_back(stop.as_string());
  for (const auto& item : stop.array()) out.stop.emplace_back(item.as_string());
  if (out.stop.size() > kMaxStops) return wrong("stop", cat("takes up to ", kMaxStops, " texts"));
  std::erase_if(out.stop, [](const std::string& text) { return text.empty(); });
  out.stream = body["stream"].as_bool();
  out.include_usage = body["stream_options"]["include_usage"].as_bool();
  return {};
}

// The text of a message: a string, or the joined text parts.
Result<Json> message_text(const Json& content) {
  if (content.is_string()) return content;
  if (content.is_null()) return Json("");
  if (!content.is_array()) return Status(Code::bad_input, "a message's 'content' is text or a list of parts");
  std::string text;
  for (const auto& part : content.array()) {
    if (part["type"].as_string() != "text")
      return Status(Code::unsupported,
                    cat("this model reads text alone, not a part of type '", part["type"].as_string(), "'"));
    text += part["text"].as_string();
  }
  return Json(std::move(text));
}

std::string_view reason_name(FinishReason reason) {
  return reason == FinishReason::length ? "length" : "stop";
}

void begin_answer(JsonWriter& out, const AnswerHead& head, bool chunk) {
  out.begin_object().field("id", head.id);
  out.field("object", !head.is_chat ? "text_completion" : chunk ? "chat.completion.chunk" : "chat.completion");
  out.field("created", head.created_s).field("model", head.model).field("system_fingerprint", head.fingerprint);
}

void usage_member(JsonWriter& out, const Usage& usage) {
  out.key("usage").begin_object().field("prompt_tokens", usage.prompt_tokens);
  out.field("completion_tokens", usage.completion_tokens);
  out.field("total_tokens", usage.prompt_tokens + usage.completion_tokens).end();
}

std::string event(std::string json) {
  return cat("data: ", json, "\n\n");
}

// One choice of a chunk: its delta (chat) or text, and the reason once it is over.
std::string chunk(const AnswerHead& head, int64_t index, std::string_view delta_json, std::string_view text,
                  const FinishReason* reason, bool with_usage_key) {
  JsonWriter out;
  begin_answer(out, head, true);
  out.key("choices").begin_array().begin_object().field("index", index);
  if (head.is_chat)
    out.key("delta").raw(delta_json);
  else
    out.field("text", text);
  out.key("logprobs").null().key("finish_reason");
  if (reason)
    out.value(reason_name(*reason));
  else
    out.null();
  out.end().end();
  if (with_usage_key) out.key("usage").null();
  out.end();
  return event(out.take());
}

}  // namespace

Result<GenerateRequest> parse_chat_request(const Json& body) {
  GenerateRequest out;
  out.is_chat = true;
  TRY(parse_shared(body, out));
  if (!body["messages"].is_array() || body["messages"].size() == 0)
    return wrong("messages", "must be a list with at least one message");
  Json::Array messages;
  for (const auto& message : body["messages"].array()) {
    if (!message.is_object() || message["role"].as_string().empty())
      return wrong("messages", "must hold objects with a 'role'");
    Json copy = message;
    if (copy["role"].as_string() == "developer") copy.set("role", "system");
    copy.set("content", TRY(message_text(message["content"])));
    messages.push_back(std::move(copy));
  }
  out.messages = std::move(messages);
  out.tools = body["tools"];
  out.template_variables = body["chat_template_kwargs"];
  return out;
}

Result<GenerateRequest> parse_completion_request(const Json& body) {
  GenerateRequest out;
  TRY(parse_shared(body, out));
  const auto& prompt = body["prompt"];
  if (prompt.is_string()) out.prompts.emplace_back(prompt.as_string());
  for (const auto& item : prompt.array()) {
    if (!item.is_string())
      return Status(Code::unsupported,
                    "'prompt' must be text or a list of texts: token ids are not something this engine takes");
    out.prompts.emplace_back(item.as_string());
  }
  if (out.prompts.empty()) return wrong("prompt", "must be text or a list of texts");
  if (out.prompts.size() > kMaxPrompts) return wrong("prompt", cat("takes up to ", kMaxPrompts, " texts"));
  if (!out.max_tokens) out.max_tokens = 16;
  out.echo = body["echo"].as_bool();
  return out;
}

std::string answer_json(const AnswerHead& head, const std::vector<Choice>& choices, const Usage& usage) {
  JsonWriter out;
  begin_answer(out, head, false);
  out.key("choices").begin_array();
  for (const auto& choice : choices) {
    out.begin_object().field("index", choice.index);
    if (head.is_chat)
      out.key("message")
          .begin_object()
          .field("role", "assistant")
          .field("content", choice.text)
          .key("refusal")
          .null()
          .end();
    else
      out.field("text", choice.text);
    out.key("logprobs").null().field("finish_reason", reason_name(choice.reason)).end();
  }
  out.end();
  usage_member(out, usage);
  return out.end().take();
}

std::string event_open(const AnswerHead& head, int64_t index, bool with_usage_key) {
  return head.is_chat ? chunk(head, index, R"({"role":"assistant","content":""})", "", nullptr, with_usage_key)
                      : std::string();
}

std::string event_text(const AnswerHead& head, int64_t index, std::string_view text, bool with_usage_key) {
  JsonWriter delta;
  delta.begin_object().field("content", text).end();
  return chunk(head, index, delta.text(), text, nullptr, with_usage_key);
}

std::string event_finish(const AnswerHead& head, int64_t index, FinishReason reason, bool with_usage_key) {
  return chunk(head, index, "{}", "", &reason, with_usage_key);
}

std::string event_usage(const AnswerHead& head, const Usage& usage) {
  JsonWriter out;
  begin_answer(out, head, true);
  out.key("choices").begin_array().end();
  usage_member(out, usage);
  return event(out.end().take());
}

std::string event_done() {
  return "data: [DONE]\n\n";
}

std::string error_json(const Status& status) {
  const auto& row = code_row(status.code());
  JsonWriter out;
  out.begin_object().key("error").begin_object().field("message", status.message());
  out.field("type",
            row.http_status >= 500 && status.code() != Code::unsupported ? "server_error" : "invalid_request_error");
  out.key("param").null().field("code", row.name).end().end();
  return out.take();
}

std::string event_error(const Status& status) {
  return event(error_json(status));
}

namespace {
void model_row(JsonWriter& out, const ModelRow& row) {
  out.begin_object()
      .field("id", row.id)
      .field("object", "model")
      .field("created", row.created_s)
      .field("owned_by", row.owner)
      .end();
}
}  // namespace

std::string models_json(const std::vector<ModelRow>& rows) {
  JsonWriter out;
  out.begin_object().field("object", "list").key("data").begin_array();
  for (const auto& row : rows) model_row(out, row);
  return out.end().end().take();
}

std::string model_json(const ModelRow& row) {
  JsonWriter out;
  model_row(out, row);
  return out.take();
}

}  // namespace hearth::wire
