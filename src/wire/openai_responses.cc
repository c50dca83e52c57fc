#include "wire/openai_responses.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "wire/openai_answer.h"

namespace hearth::wire {
namespace {

using Kind = AnswerPart::Kind;

/// The text of an item's content: a string, or parts that are text.
Result<std::string> item_text(const Json& content) {
  if (content.is_null() || content.is_string()) return std::string(content.as_string());
  if (!content.is_array()) return wrong_key("input", "must have text or a list of parts as each 'content'");
  std::string out;
  for (const auto& part : content.array()) {
    const auto type = part["type"].as_string();
    if (type != "input_text" && type != "output_text" && type != "text")
      return Status(Code::unsupported, cat("this model reads text alone, not a part of type '", printable(type), "'"));
    out += part["text"].as_string();
  }
  return out;
}

Status add_item(Json::Array& messages, const Json& item) {
  const auto type = item["type"].as_string("message");
  if (type == "function_call") {
    Json function = Json::Object{{"name", item["name"]}, {"arguments", item["arguments"]}};
    Json call = Json::Object{{"id", item["call_id"]}, {"type", "function"}, {"function", std::move(function)}};
    // Calls that follow each other are of one message.
    if (!messages.empty() && messages.back()["tool_calls"].is_array()) {
      auto calls = messages.back()["tool_calls"];
      calls.array().push_back(std::move(call));
      messages.back().set("tool_calls", std::move(calls));
    } else {
      messages.push_back(
          Json::Object{{"role", "assistant"}, {"content", ""}, {"tool_calls", Json::Array{std::move(call)}}});
    }
    return {};
  }
  if (type == "function_call_output") {
    messages.push_back(
        Json::Object{{"role", "tool"}, {"tool_call_id", item["call_id"]}, {"content", TRY(item_text(item["output"]))}});
    return {};
  }
  if (type == "reasoning") return {};
  if (type != "message")
    return Status(Code::unsupported,
                  cat("'input' with an item of type '", printable(type), "' is not something this engine does"));
  if (item["role"].as_string().empty()) return wrong_key("input", "must hold messages with a 'role'");
  messages.push_back(Json::Object{{"role", item["role"]}, {"content", TRY(item_text(item["content"]))}});
  return {};
}

/// text.format as response_format has it.
Json format_of(const Json& format) {
  if (format["type"].as_string() != "json_schema") return format;
  return Json::Object{{"type", "json_schema"}, {"json_schema", format}};
}

Json or_default(const Json& value, Json otherwise) {
  return value.is_null() ? std::move(otherwise) : value;
}

class ResponsesWriter final : public AnswerWriter {
 public:
  ResponsesWriter(ResponsesRequest request, AnswerHead head, KeepConversation keep)
      : request_(std::move(request)), head_(std::move(head)), keep_(std::move(keep)) {}

  std::string whole(const std::vector<Choice>& choices, const Usage& usage) override {
    const auto& choice = choices.front();
    reason_ = choice.reason;
    for (const auto& part : choice.parts) {
      begin_item(part);
      item_.text = part.text;
      end_item();
    }
    keep();
    return response(status(), usage_json(usage)).dump();
  }

  std::string open(int64_t) override {
    auto out = event("response.created", {{"response", response("in_progress", Json())}});
    out += event("response.in_progress", {{"response", response("in_progress", Json())}});
    return out;
  }

  std::string more(int64_t, std::span<const AnswerPart> parts, std::span<const TokenLogprob>) override {
    std::string out;
    for (const auto& part : parts) {
      const auto kind = part.kind == Kind::arguments ? Kind::call : part.kind;
      if (!is_open_ || part.kind == Kind::call || kind != item_.kind) {
        out += close();
        out += begin(part);
      }
      if (part.text.empty()) continue;
      item_.text += part.text;
      auto delta = place();
      delta.emplace_back("delta", part.text);
      if (kind == Kind::call) {
        out += event("response.function_call_arguments.delta", std::move(delta));
        continue;
      }
      delta.emplace_back("content_index", 0);
      if (kind == Kind::text) delta.emplace_back("logprobs", Json::Array{});
      out +=
          event(kind == Kind::text ? "response.output_text.delta" : "response.reasoning_text.delta", std::move(delta));
    }
    return out;
  }

  std::string finish(const Choice& choice) override {
    reason_ = choice.reason;
    return close();
  }

  std::string end(const Usage& usage) override {
    keep();
    return event(reason_ == FinishReason::length ? "response.incomplete" : "response.completed",
                 {{"response", response(status(), usage_json(usage))}});
  }

  std::string failure(const Status& failed) override { return cat("event: error\n", event_error(failed)); }

 private:
  std::string_view status() const { return reason_ == FinishReason::length ? "incomplete" : "completed"; }

  // An item of the output in its present state.
  Json item(std::string_view state) const {
    if (item_.kind == Kind::call)
      return Json::Object{{"type", "function_call"}, {"id", id_},      {"call_id", item_.id}, {"name", item_.name},
                          {"arguments", item_.text}, {"status", state}};
    Json::Array content;
    if (state != "in_progress") content.push_back(part());
    if (item_.kind == Kind::reasoning)
      return Json::Object{{"type", "reasoning"},
                          {"id", id_},
                          {"summary", Json::Array{}},
                          {"content", std::move(content)},
                          {"status", state}};
    return Json::Object{
        {"type", "message"}, {"id", id_}, {"status", state}, {"role", "assistant"}, {"content", std::move(content)}};
  }
  Json part() const {
    if (item_.kind == Kind::reasoning) return Json::Object{{"type", "reasoning_text"}, {"text", item_.text}};
    return Json::Object{
        {"type", "output_text"}, {"text", item_.text}, {"annotations", Json::Array{}}, {"logprobs", Json::Array{}}};
  }
  Json::Object place() const { return {{"item_id", id_}, {"output_index", static_cast<int64_t>(output_.size())}}; }

  void begin_item(const AnswerPart& of) {
    item_ = {of.kind, {}, of.name, of.id};
    id_ = cat(of.kind == Kind::call ? "fc_" : of.kind == Kind::reasoning ? "rs_" : "msg_", random_token(24));
    is_open_ = true;
  }
  void end_item() {
    output_.push_back(item(reason_ == FinishReason::length ? "incomplete" : "completed"));
    append_part(parts_, item_);
    is_open_ = false;
  }

  std::string begin(const AnswerPart& of) {
    begin_item(of);
    auto out = event("response.output_item.added",
                     {{"output_index", static_cast<int64_t>(output_.size())}, {"item", item("in_progress")}});
    if (of.kind == Kind::call) return out;
    auto added = place();
    added.emplace_back("content_index", 0);
    added.emplace_back("part", part());
    return out + event("response.content_part.added", std::move(added));
  }

  std::string close() {
    if (!is_open_) return {};
    std::string out;
    auto done = place();
    if (item_.kind == Kind::call) {
      done.emplace_back("name", item_.name);
      done.emplace_back("arguments", item_.text);
      out = event("response.function_call_arguments.done", std::move(done));
    } else {
      done.emplace_back("content_index", 0);
      auto part_done = done;
      done.emplace_back("text", item_.text);
      if (item_.kind == Kind::text) done.emplace_back("logprobs", Json::Array{});
      out = event(item_.kind == Kind::text ? "response.output_text.done" : "response.reasoning_text.done",
                  std::move(done));
      part_done.emplace_back("part", part());
      out += event("response.content_part.done", std::move(part_done));
    }
    const auto index = static_cast<int64_t>(output_.size());
    end_item();
    out += event("response.output_item.done", {{"output_index", index}, {"item", output_.back()}});
    return out;
  }

  std::string event(std::string_view type, Json::Object data) {
    Json json = Json::Object{{"type", type}, {"sequence_number", sequence_++}};
    for (auto& [key, value] : data) json.set(key, std::move(value));
    return cat("event: ", type, "\ndata: ", json.dump(), "\n\n");
  }

  static Json usage_json(const Usage& usage) {
    return Json::Object{
        {"input_tokens", usage.prompt_tokens},
        {"input_tokens_details", Json::Object{{"cached_tokens", usage.cached_tokens}, {"cache_write_tokens", 0}}},
        {"output_tokens", usage.completion_tokens},
        {"output_tokens_details", Json::Object{{"reasoning_tokens", usage.reasoning_tokens}}},
        {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
  }

  Json response(std::string_view state, Json usage) const {
    const auto& body = request_.body;
    Json incomplete;
    if (state == "incomplete") incomplete = Json::Object{{"reason", "max_output_tokens"}};
    return Json::Object{
        {"id", head_.id},
        {"object", "response"},
        {"created_at", head_.created_s},
        {"status", state},
        {"error", nullptr},
        {"incomplete_details", std::move(incomplete)},
        {"instructions", body["instructions"]},
        {"max_output_tokens", body["max_output_tokens"]},
        {"model", head_.model},
        {"output", output_},
        {"parallel_tool_calls", request_.generate.parallel_tool_calls},
        {"previous_response_id", body["previous_response_id"]},
        {"reasoning", or_default(body["reasoning"], Json::Object{{"effort", nullptr}, {"summary", nullptr}})},
        {"store", request_.store},
        {"temperature", or_default(body["temperature"], 1.0)},
        {"text", or_default(body["text"], Json::Object{{"format", Json::Object{{"type", "text"}}}})},
        {"tool_choice", or_default(body["tool_choice"], "auto")},
        {"tools", or_default(body["tools"], Json::Array{})},
        {"top_p", or_default(body["top_p"], 1.0)},
        {"truncation", "disabled"},
        {"usage", std::move(usage)},
        {"user", body["user"]},
        {"metadata", or_default(body["metadata"], Json::Object{})}};
  }

  void keep() {
    if (!request_.store) return;
    auto conversation = request_.conversation;
    Json message = Json::Object{{"role", "assistant"}, {"content", text_of(parts_, Kind::text)}};
    Json::Array calls;
    for (const auto& call : parts_)
      if (call.kind == Kind::call) {
        Json function = Json::Object{{"name", call.name}, {"arguments", call.text}};
        calls.push_back(Json::Object{{"id", call.id}, {"type", "function"}, {"function", std::move(function)}});
      }
    if (!calls.empty()) message.set("tool_calls", std::move(calls));
    conversation.array().push_back(std::move(message));
    keep_(head_.id, std::move(conversation));
  }

  const ResponsesRequest request_;
  const AnswerHead head_;
  const KeepConversation keep_;
  Json::Array output_;
  std::vector<AnswerPart> parts_;
  AnswerPart item_;  // the open one
  std::string id_;
  bool is_open_ = false;
  FinishReason reason_ = FinishReason::stop;
  int64_t sequence_ = 0;
};

}  // namespace

Result<ResponsesRequest> parse_responses_request(const Json& body, const FindConversation& find) {
  if (!body.is_object()) return Status(Code::bad_input, "the body must be a JSON object");
  if (body["background"].as_bool()) return Status(Code::unsupported, "'background' is not something this engine does");
  if (!body["conversation"].is_null())
    return Status(Code::unsupported, "'conversation' is not something this engine does: use previous_response_id");
  ResponsesRequest out;
  out.body = body;
  out.store = body["store"].as_bool(true);
  Json::Array messages;
  if (const auto id = body["previous_response_id"].as_string(); !id.empty()) {
    auto earlier = find(id);
    if (!earlier)
      return Status(Code::not_found, cat("Previous response with id '", printable(id),
                                         "' not found: it was not stored, or the engine has let go of it"));
    messages = std::move(earlier->array());
  }
  const auto& input = body["input"];
  if (input.is_string())
    messages.push_back(Json::Object{{"role", "user"}, {"content", input}});
  else if (!input.is_array())
    return wrong_key("input", "must be text or a list of items");
  for (const auto& item : input.array()) TRY(add_item(messages, item));
  out.conversation = messages;
  if (const auto instructions = body["instructions"].as_string(); !instructions.empty())
    messages.insert(messages.begin(), Json::Object{{"role", "system"}, {"content", instructions}});

  Json chat = Json::Object{{"messages", std::move(messages)}};
  for (const std::string_view key : {"model", "temperature", "top_p", "top_k", "min_p", "seed", "stream", "stop",
                                     "parallel_tool_calls", "tool_choice", "chat_template_kwargs"})
    if (const auto* value = body.find(key)) chat.set(key, *value);
  chat.set("max_tokens", body["max_output_tokens"]);
  chat.set("reasoning_effort", body["reasoning"]["effort"]);
  if (const auto* format = body["text"].find("format")) chat.set("response_format", format_of(*format));
  Json::Array tools;
  for (const auto& tool : body["tools"].array()) {
    Json::Object one{{"type", tool["type"]}};
    if (tool["type"].as_string() == "function") one.emplace_back("function", tool);
    tools.emplace_back(std::move(one));
  }
  if (!tools.empty()) chat.set("tools", std::move(tools));
  out.generate = TRY(parse_chat_request(chat));
  return out;
}

std::unique_ptr<AnswerWriter> responses_writer(ResponsesRequest request, AnswerHead head, KeepConversation keep) {
  return std::make_unique<ResponsesWriter>(std::move(request), std::move(head), std::move(keep));
}

}  // namespace hearth::wire
