#include "wire/openai.h"

#include <algorithm>
#include <climits>

#include "base/text.h"

namespace hearth::wire {

Status wrong_key(std::string_view key, std::string_view rule) {
  return {Code::bad_input, cat("'", key, "' ", rule)};
}

namespace {

constexpr int64_t kMaxChoices = 8;
constexpr int64_t kMaxTopLogprobs = 20;
constexpr size_t kMaxBiased = 1024;
constexpr size_t kMaxTools = 128;
constexpr size_t kMaxName = 64;
constexpr size_t kMaxStops = 16;
constexpr size_t kMaxPrompts = 32;

Result<std::optional<double>> number(const Json& body, std::string_view key, double low, double high) {
  const auto& value = body[key];
  if (value.is_null()) return std::optional<double>();
  const double d = value.as_double();
  if (!value.is_number() || !(d >= low && d <= high))
    return wrong_key(key, cat("must be a number from ", low, " to ", high));
  return std::optional(d);
}

Result<std::optional<int64_t>> integer(const Json& body, std::string_view key, int64_t low, int64_t high) {
  const auto& value = body[key];
  if (value.is_null()) return std::optional<int64_t>();
  const int64_t i = value.as_int(low - 1);
  if (i < low || i > high) return wrong_key(key, cat("must be a whole number from ", low, " to ", high));
  return std::optional(i);
}

Status check_unsupported(const Json& body) {
  if (body["suffix"].as_string() != "") return Status(Code::unsupported, "'suffix' is not something this engine does");
  const auto& best_of = body["best_of"];
  if (!best_of.is_null() && best_of != body["n"] && best_of != Json(1))
    return Status(Code::unsupported, "'best_of' is not something this engine does: ask for 'n' answers and choose");
  return {};
}

Result<std::vector<std::pair<int32_t, float>>> parse_logit_bias(const Json& bias) {
  constexpr std::string_view kKey = "logit_bias";
  if (!bias.is_null() && !bias.is_object()) return wrong_key(kKey, "must be an object of token ids and numbers");
  if (bias.size() > kMaxBiased) return wrong_key(kKey, cat("takes up to ", kMaxBiased, " tokens"));
  std::vector<std::pair<int32_t, float>> out;
  for (const auto& [id, value] : bias.object()) {
    const auto number = parse_int(id);
    const double by = value.as_double();
    if (!number || *number < 0 || *number > INT32_MAX) return wrong_key(kKey, "must have token ids as its keys");
    if (!value.is_number() || !(by >= -100 && by <= 100)) return wrong_key(kKey, "must have numbers from -100 to 100");
    out.emplace_back(static_cast<int32_t>(*number), static_cast<float>(by));
  }
  return out;
}

/// Token ids; the tokenizer decides whether it has them.
Result<std::vector<int32_t>> parse_ids(std::string_view key, const Json& list) {
  std::vector<int32_t> out;
  for (const auto& item : list.array()) {
    const auto id = item.as_int(-1);
    if (id < 0 || id > INT32_MAX) return wrong_key(key, "must hold whole numbers that are token ids");
    out.push_back(static_cast<int32_t>(id));
  }
  return out;
}

/// A regular expression that matches one of some texts.
Result<std::string> choice_pattern(std::string_view key, const Json& choices) {
  std::vector<std::string> ways;
  for (const auto& choice : choices.array()) {
    auto& way = ways.emplace_back();
    for (const char c : choice.as_string())
      way += contains("\\^$.|?*+()[]{}#-", {&c, 1}) ? cat('\\', c) : std::string(1, c);
  }
  if (ways.empty()) return wrong_key(key, "must be a list of texts");
  return join(ways, "|");
}

/// The value of a form's kind, as each server's clients name the kinds.
Result<AnswerForm> form_of(std::string_view key, std::string_view kind, const Json& value) {
  using Kind = AnswerForm::Kind;
  if (kind == "json") {
    if (!value.is_object() && !value.is_bool() && !value.is_string()) return wrong_key(key, "must hold a JSON Schema");
    return AnswerForm{Kind::json_schema, value.is_string() ? TRY(Json::parse(value.as_string())) : value, {}};
  }
  if (kind == "choice") return AnswerForm{Kind::regex, {}, TRY(choice_pattern(key, value))};
  if (!value.is_string()) return wrong_key(key, cat("must hold a ", kind, " as text"));
  return AnswerForm{kind == "regex" ? Kind::regex : Kind::grammar, {}, std::string(value.as_string())};
}

}  // namespace

Result<AnswerForm> parse_response_format(const Json& format) {
  constexpr std::string_view kKey = "response_format";
  if (!format.is_object()) return wrong_key(kKey, "must be an object");
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
    if (!schema) return wrong_key(kKey, "of type 'json_schema' must have a json_schema.schema");
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
  if (out.top_p && *out.top_p == 0) return wrong_key("top_p", "must be over 0");
  out.min_p = TRY(number(body, "min_p", 0, 1));
  out.repetition_penalty = TRY(number(body, "repetition_penalty", 0, 100));
  if (out.repetition_penalty && *out.repetition_penalty == 0) return wrong_key("repetition_penalty", "must be over 0");
  out.logit_bias = TRY(parse_logit_bias(body["logit_bias"]));
  out.min_tokens = TRY(integer(body, "min_tokens", 0, 1 << 30)).value_or(0);
  out.stop_token_ids = TRY(parse_ids("stop_token_ids", body["stop_token_ids"]));
  out.ignore_eos = body["ignore_eos"].as_bool();
  out.top_k = TRY(integer(body, "top_k", -1, 1 << 24));
  if (out.top_k && *out.top_k <= 0) out.top_k = 0;
  out.presence_penalty = TRY(number(body, "presence_penalty", -2, 2));
  out.frequency_penalty = TRY(number(body, "frequency_penalty", -2, 2));
  out.form = TRY(parse_form(body));
  out.n = TRY(integer(body, "n", 1, kMaxChoices)).value_or(1);
  if (const auto& seed = body["seed"]; !seed.is_null()) {
    if (!seed.is_number()) return wrong_key("seed", "must be a whole number");
    out.seed = static_cast<uint64_t>(seed.as_int());
  }
  out.max_tokens =
      TRY(integer(body, body["max_completion_tokens"].is_null() ? "max_tokens" : "max_completion_tokens", 1, 1 << 30));
  const auto& stop = body["stop"];
  if (stop.is_string())
    out.stop.emplace_back(stop.as_string());
  else if (!stop.is_null() && !stop.is_array())
    return wrong_key("stop", "must be text or a list of texts");
  for (const auto& item : stop.array()) {
    if (!item.is_string()) return wrong_key("stop", "must be text or a list of texts");
    out.stop.emplace_back(item.as_string());
  }
  if (out.stop.size() > kMaxStops) return wrong_key("stop", cat("takes up to ", kMaxStops, " texts"));
  std::erase_if(out.stop, [](const std::string& text) { return text.empty(); });
  out.stream = body["stream"].as_bool();
  out.include_usage = body["stream_options"]["include_usage"].as_bool();
  return {};
}

// The text of a message: a string, or the joined text parts.
Result<Json> message_text(const Json& content) {
  if (content.is_string()) return content;
  if (content.is_null()) return Json("");
  if (!content.is_array()) return wrong_key("messages", "must have text or a list of parts as each 'content'");
  std::string text;
  for (const auto& part : content.array()) {
    if (part["type"].as_string() != "text")
      return Status(Code::unsupported,
                    cat("this model reads text alone, not a part of type '", part["type"].as_string(), "'"));
    text += part["text"].as_string();
  }
  return Json(std::move(text));
}

// Calls as chat templates read them: arguments as an object, where the text is one.
Json template_calls(const Json& calls) {
  Json::Array out;
  for (const auto& call : calls.array()) {
    Json copy = call;
    Json function = call["function"];
    if (auto arguments = Json::parse(function["arguments"].as_string()); arguments.ok() && arguments->is_object())
      function.set("arguments", *std::move(arguments));
    if (function.is_object()) copy.set("function", std::move(function));
    out.push_back(std::move(copy));
  }
  return out;
}

Result<ToolChoice> parse_tool_choice(const Json& choice) {
  using Choice = ToolChoice::Kind;
  constexpr std::string_view kKey = "tool_choice";
  const auto name = choice.as_string();
  if (choice.is_null() || name == "auto") return ToolChoice{};
  if (name == "none") return ToolChoice{Choice::none};
  if (name == "required" || name == "any") return ToolChoice{Choice::required};
  // In a chat the name lies in `function`; in a response beside the type.
  const auto named = choice["function"]["name"].as_string(choice["name"].as_string());
  if (choice["type"].as_string() == "function" && !named.empty()) return ToolChoice{Choice::named, std::string(named)};
  return wrong_key(kKey,
                   "must be 'none', 'auto', 'required' or {\"type\": \"function\", \"function\": {\"name\": ...}}");
}

}  // namespace

Json Tool::as_json() const {
  Json function(Json::Object{{"name", name}});
  if (!description.empty()) function.set("description", description);
  function.set("parameters", parameters.is_null()
                                 ? Json(Json::Object{{"type", "object"}, {"properties", Json::Object{}}})
                                 : parameters);
  return Json::Object{{"type", "function"}, {"function", std::move(function)}};
}

Result<Tool> parse_function(const Json& function, std::string_view key) {
  Tool out;
  out.name = function["name"].as_string();
  const bool is_name = std::ranges::all_of(out.name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
  if (out.name.empty() || out.name.size() > kMaxName || !is_name)
    return wrong_key(key, cat("must have names of up to ", kMaxName, " letters, digits, '_', '-' and '.'"));
  out.description = function["description"].as_string();
  out.parameters = function["parameters"];
  if (!out.parameters.is_null() && !out.parameters.is_object())
    return wrong_key(key, "must have a JSON Schema as each 'parameters'");
  out.strict = function["strict"].as_bool();
  return out;
}

Status set_tools(GenerateRequest& request, std::vector<Tool> tools) {
  if (tools.size() > kMaxTools) return wrong_key("tools", cat("takes up to ", kMaxTools, " functions"));
  auto& choice = request.tool_choice;
  if (tools.empty() && (choice.kind == ToolChoice::Kind::required || choice.kind == ToolChoice::Kind::named))
    return wrong_key("tool_choice", "asks for a call, but there are no 'tools'");
  if (choice.kind == ToolChoice::Kind::named && std::ranges::find(tools, choice.name, &Tool::name) == tools.end())
    return wrong_key("tool_choice", cat("names '", choice.name, "', which is not among 'tools'"));
  if (choice.kind == ToolChoice::Kind::none) tools.clear();
  if (tools.empty()) choice = {ToolChoice::Kind::none};
  if (!tools.empty() && request.form.kind != AnswerForm::Kind::any && choice.kind != ToolChoice::Kind::automatic)
    return wrong_key("tool_choice", "asks for a call where the answer has a form of its own");
  request.tools = std::move(tools);
  return {};
}

Status set_messages(GenerateRequest& request, const Json& messages) {
  if (!messages.is_array() || messages.size() == 0)
    return wrong_key("messages", "must be a list with at least one message");
  Json::Array out;
  for (const auto& message : messages.array()) {
    if (!message.is_object() || message["role"].as_string().empty())
      return wrong_key("messages", "must hold objects with a 'role'");
    Json copy = message;
    if (copy["role"].as_string() == "developer") copy.set("role", "system");
    copy.set("content", TRY(message_text(message["content"])));
    if (message["tool_calls"].is_array()) copy.set("tool_calls", template_calls(message["tool_calls"]));
    out.push_back(std::move(copy));
  }
  request.messages = std::move(out);
  return {};
}

Result<GenerateRequest> parse_chat_request(const Json& body) {
  GenerateRequest out;
  out.is_chat = true;
  TRY(parse_shared(body, out));
  TRY(set_messages(out, body["messages"]));
  if (!body["tools"].is_null() && !body["tools"].is_array()) return wrong_key("tools", "must be a list");
  std::vector<Tool> tools;
  for (const auto& tool : body["tools"].array()) {
    if (tool["type"].as_string("function") != "function")
      return Status(Code::unsupported,
                    cat("'tools' of type '", tool["type"].as_string(), "' are not something this engine does"));
    tools.push_back(TRY(parse_function(tool["function"], "tools")));
  }
  auto choice = body["tool_choice"];
  const auto& allowed = choice["allowed_tools"];
  if (choice["type"].as_string() == "allowed_tools") {
    std::erase_if(tools, [&](const Tool& tool) {
      return std::ranges::none_of(allowed["tools"].array(),
                                  [&](const Json& one) { return one["function"]["name"].as_string() == tool.name; });
    });
    choice = allowed["mode"];
  }
  out.tool_choice = TRY(parse_tool_choice(choice));
  TRY(set_tools(out, std::move(tools)));
  out.parallel_tool_calls = body["parallel_tool_calls"].as_bool(true);
  out.template_variables = body["chat_template_kwargs"];
  if (!out.template_variables.is_null() && !out.template_variables.is_object())
    return wrong_key("chat_template_kwargs", "must be an object");
  if (const auto effort = body["reasoning_effort"].as_string(); !effort.empty()) {
    out.template_variables.object();
    if (!out.template_variables.find("reasoning_effort")) out.template_variables.set("reasoning_effort", effort);
  }
  out.continue_final_message = body["continue_final_message"].as_bool();
  if (body["logprobs"].as_bool()) out.logprobs = TRY(integer(body, "top_logprobs", 0, kMaxTopLogprobs)).value_or(0);
  if (!body["logprobs"].is_null() && !body["logprobs"].is_bool()) return wrong_key("logprobs", "must be true or false");
  if (!body["top_logprobs"].is_null() && body["top_logprobs"] != Json(0) && !out.logprobs)
    return wrong_key("top_logprobs", "needs 'logprobs' to be true");
  return out;
}

Result<GenerateRequest> parse_completion_request(const Json& body) {
  constexpr std::string_view kPrompt = "prompt";
  GenerateRequest out;
  TRY(parse_shared(body, out));
  const auto& prompt = body[kPrompt];
  if (prompt.is_string()) out.prompts.push_back({std::string(prompt.as_string()), {}, false});
  const auto& list = prompt.array();
  if (!list.empty() && list[0].is_number()) {
    out.prompts.push_back({{}, TRY(parse_ids(kPrompt, prompt)), true});
  } else {
    if (list.size() > kMaxPrompts) return wrong_key(kPrompt, cat("takes up to ", kMaxPrompts, " texts"));
    for (const auto& item : list) {
      if (!item.is_string() && !item.is_array())
        return wrong_key(kPrompt, "must be text, token ids, or a list of these");
      auto ids = TRY(parse_ids(kPrompt, item));
      out.prompts.push_back({std::string(item.as_string()), std::move(ids), item.is_array()});
    }
  }
  if (out.prompts.empty()) return wrong_key(kPrompt, "must be text, token ids, or a list of these");
  if (!out.max_tokens) out.max_tokens = 16;
  out.echo = body["echo"].as_bool();
  out.logprobs = TRY(integer(body, "logprobs", 0, kMaxTopLogprobs));
  return out;
}

}  // namespace hearth::wire
