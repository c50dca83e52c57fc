#include "wire/anthropic.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "wire/openai_answer.h"

namespace hearth::wire {
namespace {

using Kind = AnswerPart::Kind;

/// A text, or text blocks one after another.
Result<std::string> block_text(const Json& content, std::string_view key) {
  if (content.is_null() || content.is_string()) return std::string(content.as_string());
  if (!content.is_array()) return wrong_key(key, "must be text or a list of blocks");
  std::vector<std::string> texts;
  for (const auto& block : content.array()) {
    if (block["type"].as_string() != "text")
      return Status(Code::unsupported, cat("this model reads text alone, not a block of type '",
                                           printable(block["type"].as_string()), "'"));
    texts.emplace_back(block["text"].as_string());
  }
  return join(texts, "\n");
}

/// One message as chats have it; results of tools are messages of their own, before the rest.
Status add_message(Json::Array& out, const Json& message) {
  const auto role = message["role"].as_string();
  if (role != "user" && role != "assistant" && role != "system")
    return wrong_key("messages", "must have a 'role' of 'user' or 'assistant'");
  const auto& content = message["content"];
  if (!content.is_string() && !content.is_array())
    return wrong_key("messages", "must have text or a list of blocks as each 'content'");
  std::string text(content.as_string());
  Json::Array calls;
  for (const auto& block : content.array()) {
    const auto type = block["type"].as_string();
    if (type == "text") {
      text += block["text"].as_string();
    } else if (type == "tool_use") {
      Json function = Json::Object{{"name", block["name"]}, {"arguments", block["input"].dump()}};
      calls.push_back(Json::Object{{"id", block["id"]}, {"type", "function"}, {"function", std::move(function)}});
    } else if (type == "tool_result") {
      out.push_back(Json::Object{{"role", "tool"},
                                 {"tool_call_id", block["tool_use_id"]},
                                 {"content", TRY(block_text(block["content"], "messages"))}});
    } else if (type != "thinking" && type != "redacted_thinking") {
      return Status(Code::unsupported, cat("this model reads text alone, not a block of type '", printable(type), "'"));
    }
  }
  if (text.empty() && calls.empty() && content.is_array() && content.size() > 0) return {};  // results alone
  Json made = Json::Object{{"role", role}, {"content", std::move(text)}};
  if (!calls.empty()) made.set("tool_calls", std::move(calls));
  out.push_back(std::move(made));
  return {};
}

Result<ToolChoice> choice_of(const Json& choice) {
  using Choice = ToolChoice::Kind;
  const auto type = choice["type"].as_string();
  if (choice.is_null() || type == "auto") return ToolChoice{};
  if (type == "none") return ToolChoice{Choice::none};
  if (type == "any") return ToolChoice{Choice::required};
  if (type == "tool") return ToolChoice{Choice::named, std::string(choice["name"].as_string())};
  return wrong_key("tool_choice", "must have a 'type' of 'auto', 'any', 'tool' or 'none'");
}

std::string event(std::string_view type, const Json& data) {
  return cat("event: ", type, "\ndata: ", data.dump(), "\n\n");
}

std::string_view error_type(int http_status) {
  switch (http_status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return http_status >= 500 ? "api_error" : "invalid_request_error";
  }
}

class MessagesWriter final : public AnswerWriter {
 public:
  explicit MessagesWriter(AnswerHead head) : head_(std::move(head)) {}

  std::string whole(const std::vector<Choice>& choices, const Usage& usage) override {
    const auto& choice = choices.front();
    Json::Array content;
    for (const auto& part : choice.parts) content.push_back(block(part));
    auto out = message(std::move(content));
    out.set("stop_reason", reason(choice, has_calls(choice.parts)));
    if (!choice.stop_text.empty()) out.set("stop_sequence", choice.stop_text);
    out.set("usage", usage_json(usage));
    return out.dump();
  }

  std::string open(int64_t) override {
    auto begun = message({});
    begun.set("usage", usage_json({.prompt_tokens = head_.prompt_tokens}));
    return event("message_start", Json::Object{{"type", "message_start"}, {"message", std::move(begun)}});
  }

  std::string more(int64_t, std::span<const AnswerPart> parts, std::span<const TokenLogprob>) override {
    std::string out;
    for (const auto& part : parts) {
      const auto kind = part.kind == Kind::arguments ? Kind::call : part.kind;
      if (!is_open_ || part.kind == Kind::call || kind != kind_) {
        out += close();
        out += open_block(part);
      }
      if (part.text.empty()) continue;
      Json delta = part.kind == Kind::text ? Json(Json::Object{{"type", "text_delta"}, {"text", part.text}})
                   : part.kind == Kind::reasoning
                       ? Json(Json::Object{{"type", "thinking_delta"}, {"thinking", part.text}})
                       : Json(Json::Object{{"type", "input_json_delta"}, {"partial_json", part.text}});
      out += event("content_block_delta",
                   Json::Object{{"type", "content_block_delta"}, {"index", index_}, {"delta", std::move(delta)}});
    }
    return out;
  }

  std::string finish(const Choice& choice) override {
    end_ = Json::Object{{"stop_reason", reason(choice, has_call_)},
                        {"stop_sequence", choice.stop_text.empty() ? Json() : Json(choice.stop_text)}};
    return close();
  }

  std::string end(const Usage& usage) override {
    return event("message_delta",
                 Json::Object{{"type", "message_delta"}, {"delta", end_}, {"usage", usage_json(usage)}}) +
           event("message_stop", Json::Object{{"type", "message_stop"}});
  }

  std::string failure(const Status& status) override { return messages_error_event(status); }

 private:
  static std::string_view reason(const Choice& choice, bool calls) {
    return choice.reason == FinishReason::length ? "max_tokens"
           : calls                               ? "tool_use"
           : !choice.stop_text.empty()           ? "stop_sequence"
                                                 : "end_turn";
  }
  // What the prompt's cache had is counted apart from what was read anew.
  static Json usage_json(const Usage& usage) {
    return Json::Object{{"input_tokens", usage.prompt_tokens - usage.cached_tokens},
                        {"cache_creation_input_tokens", 0},
                        {"cache_read_input_tokens", usage.cached_tokens},
                        {"output_tokens", usage.completion_tokens}};
  }
  static std::string call_id(const AnswerPart& part) {
    return part.id.starts_with("call_") ? cat("toolu_", part.id.substr(5)) : part.id;
  }
  Json message(Json::Array content) const {
    return Json::Object{{"id", head_.id},
                        {"type", "message"},
                        {"role", "assistant"},
                        {"model", head_.model},
                        {"content", std::move(content)},
                        {"stop_reason", nullptr},
                        {"stop_sequence", nullptr}};
  }
  static Json block(const AnswerPart& part) {
    if (part.kind == Kind::text) return Json::Object{{"type", "text"}, {"text", part.text}};
    if (part.kind == Kind::reasoning)
      return Json::Object{{"type", "thinking"}, {"thinking", part.text}, {"signature", ""}};
    const auto input = Json::parse(part.text);  // that max_tokens may have cut
    return Json::Object{{"type", "tool_use"},
                        {"id", call_id(part)},
                        {"name", part.name},
                        {"input", input.ok() && input->is_object() ? *input : Json(Json::Object{})}};
  }
  std::string open_block(const AnswerPart& part) {
    is_open_ = true;
    kind_ = part.kind;
    has_call_ = has_call_ || part.kind == Kind::call;
    const AnswerPart empty{part.kind, {}, part.name, part.id};
    return event("content_block_start",
                 Json::Object{{"type", "content_block_start"}, {"index", ++index_}, {"content_block", block(empty)}});
  }
  std::string close() {
    if (!is_open_) return {};
    is_open_ = false;
    return event("content_block_stop", Json::Object{{"type", "content_block_stop"}, {"index", index_}});
  }

  const AnswerHead head_;
  int64_t index_ = -1;
  bool is_open_ = false, has_call_ = false;
  Kind kind_ = Kind::text;
  Json end_;
};

}  // namespace

Result<GenerateRequest> parse_messages_request(const Json& body, bool needs_length) {
  if (!body.is_object()) return Status(Code::bad_input, "the body must be a JSON object");
  if (needs_length && body["max_tokens"].is_null()) return wrong_key("max_tokens", "is required");
  if (!body["messages"].is_array()) return wrong_key("messages", "must be a list with at least one message");
  // The keys that both protocols share, and the rest in OpenAI's words.
  Json chat = Json::Object{};
  for (const std::string_view key :
       {"model", "max_tokens", "temperature", "top_p", "top_k", "stream", "seed", "min_p", "chat_template_kwargs"})
    if (const auto* value = body.find(key)) chat.set(key, *value);
  if (const auto* stop = body.find("stop_sequences")) chat.set("stop", *stop);
  const auto& format = body["output_config"]["format"];
  if (format["type"].as_string() == "json_schema")
    chat.set("response_format",
             Json::Object{{"type", "json_schema"}, {"json_schema", Json::Object{{"schema", format["schema"]}}}});
  Json::Array messages;
  if (auto system = TRY(block_text(body["system"], "system")); !system.empty())
    messages.push_back(Json::Object{{"role", "system"}, {"content", std::move(system)}});
  for (const auto& message : body["messages"].array()) TRY(add_message(messages, message));
  chat.set("messages", std::move(messages));
  auto out = TRY(parse_chat_request(chat));

  std::vector<Tool> tools;
  for (const auto& tool : body["tools"].array()) {
    if (const auto type = tool["type"].as_string("custom"); type != "custom")
      return Status(Code::unsupported, cat("tools of type '", printable(type), "' are not something this engine does"));
    Json function = tool;
    if (!tool["input_schema"].is_object()) return wrong_key("tools", "must have a JSON Schema as each 'input_schema'");
    function.set("parameters", tool["input_schema"]);
    tools.push_back(TRY(parse_function(function, "tools")));
  }
  out.tool_choice = TRY(choice_of(body["tool_choice"]));
  out.parallel_tool_calls = !body["tool_choice"]["disable_parallel_tool_use"].as_bool();
  TRY(set_tools(out, std::move(tools)));
  return out;
}

std::unique_ptr<AnswerWriter> messages_writer(AnswerHead head) {
  return std::make_unique<MessagesWriter>(std::move(head));
}

std::string messages_error_json(const Status& status, int http_status) {
  return Json(Json::Object{{"type", "error"},
                           {"error", Json::Object{{"type", error_type(http_status)}, {"message", status.message()}}}})
      .dump();
}

std::string messages_error_event(const Status& status) {
  return cat("event: error\ndata: ", messages_error_json(status, error_status(status)), "\n\n");
}

}  // namespace hearth::wire
