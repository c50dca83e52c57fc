#include "tokenizers/chat_template.h"

#include <algorithm>

#include "base/text.h"
#include "tokenizers/jinja/machine.h"
#include "tokenizers/jinja/parser.h"

namespace hearth {
namespace {

constexpr std::string_view kMark = "CONTINUE_FINAL_MESSAGE_TAG ";
constexpr std::string_view kReasoningFields[] = {"reasoning_content", "thinking", "reasoning"};

// An absent key is what templates handle; a null one (OpenAI's content: null) prints None or fails.
Json without_nulls(const Json& message) {
  Json::Object out;
  for (const auto& member : message.object())
    if (!member.second.is_null()) out.push_back(member);
  return Json(std::move(out));
}

// Whichever name a message's reasoning came under, the template finds it under its own.
Json with_reasoning_aliases(const Json& message) {
  for (const auto field : kReasoningFields) {
    const Json reasoning = message[field];
    if (reasoning.is_null()) continue;
    Json out{Json::Object{}};
    if (message.find("thinking") == nullptr) out.set("thinking", reasoning);
    for (const auto& [key, value] : message.object()) out.set(key, value);
    out.set("reasoning_content", reasoning);
    return out;
  }
  return message;
}

// Marks the end of the field that is to be continued, under each name that reasoning goes by; returns its text.
Result<std::string> mark_end(Json& message, std::string_view field, std::string_view source) {
  Json content = message[field];
  if (content.is_null()) {
    return Status(Code::bad_input,
                  cat("continue_final_message is set but the final message has no \"", field, "\" to continue!"));
  }
  std::vector<std::string_view> fields{field};
  if (std::find(std::begin(kReasoningFields), std::end(kReasoningFields), field) != std::end(kReasoningFields)) {
    fields.clear();
    for (const auto name : kReasoningFields)
      if (message[name] == content) fields.push_back(name);
  }
  if (std::none_of(fields.begin(), fields.end(), [&](std::string_view name) { return contains(source, name); })) {
    return Status(Code::bad_input, cat("continue_final_message is set to \"", field,
                                       "\" but this is not an accepted field in the chat_template"));
  }
  if (content.is_array()) {
    for (auto block = content.array().rbegin(); block != content.array().rend(); ++block) {
      if (block->find("text") == nullptr) continue;
      const std::string text((*block)["text"].as_string());
      block->set("text", text + std::string(kMark));
      message.set(field, std::move(content));
      return text;
    }
    return Status(Code::bad_input,
                  "continue_final_message is set but we could not find any text to continue in the final message!");
  }
  if (!content.is_string())
    return Status(Code::bad_input, cat("continue_final_message is set but \"", field, "\" is no text"));
  const std::string text(content.as_string());
  for (const auto name : fields) message.set(name, text + std::string(kMark));
  return text;
}

// Cuts the rendered text where the last message's content ends.
Result<std::string> cut_at_mark(std::string text, std::string_view final_message) {
  const auto mark = kMark.substr(0, kMark.size() - 1);
  const auto at = text.rfind(mark);
  if (at == text.npos || !contains(text, jinja::strip_left(jinja::strip_right(final_message))))
    return Status(Code::bad_input,
                  "continue_final_message is set but the final message does not appear in the chat after applying the "
                  "chat template! This can happen if the chat template deletes portions of the final message.");
  const bool spacing_kept = std::string_view(text).substr(at).starts_with(kMark);
  text.resize(at);
  if (!spacing_kept) text.resize(jinja::strip_right(text).size());
  return text;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::parse(std::string source) {
  return ChatTemplate(TRY(jinja::parse_program(std::move(source))));
}

Result<Rendered> ChatTemplate::render_with_spans(const Json& variables, const RenderLimits& limits) const {
  return jinja::Machine(*program_, variables, limits).run();
}

Result<std::string> ChatTemplate::render(const Json& variables, const RenderLimits& limits) const {
  return std::move(TRY(render_with_spans(variables, limits)).text);
}

Result<std::string> ChatTemplate::apply(const Conversation& conversation, const RenderLimits& limits) const {
  return std::move(TRY(apply_with_spans(conversation, limits)).text);
}

Result<Rendered> ChatTemplate::apply_with_spans(const Conversation& conversation, const RenderLimits& limits) const {
  if (!conversation.messages.is_array()) return Status(Code::bad_input, "messages must be a list of objects");
  if (conversation.messages.array().empty())
    return Status(Code::bad_input,
                  "Cannot apply chat template to an empty conversation. Provide at least one message.");
  Json::Array messages;
  for (const auto& message : conversation.messages.array()) {
    if (!message.is_object()) return Status(Code::bad_input, "messages must be a list of objects");
    messages.push_back(with_reasoning_aliases(without_nulls(message)));
  }
  std::string final_message;
  if (conversation.continue_final_message) {
    if (conversation.add_generation_prompt)
      return Status(Code::bad_input,
                    "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message "
                    "when you want the model to continue the final message, and add_generation_prompt when you want to "
                    "add a header that will prompt it to start a new assistant message instead.");
    final_message = TRY(mark_end(messages.back(), conversation.continue_field, source()));
  }
  Json variables{Json::Object{}};
  variables.set("messages", std::move(messages));
  variables.set("tools", conversation.tools);
  variables.set("documents", conversation.documents);
  variables.set("add_generation_prompt", conversation.add_generation_prompt);
  for (const auto& [name, value] : conversation.variables.object()) variables.set(name, value);
  auto rendered = TRY(render_with_spans(variables, limits));
  if (!conversation.continue_final_message) return rendered;
  rendered.text = TRY(cut_at_mark(std::move(rendered.text), final_message));
  return rendered;
}

const std::string& ChatTemplate::source() const {
  return program_->source;
}

}  // namespace hearth
