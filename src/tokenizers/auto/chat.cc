// apply_chat_template of a tokenizer.
// Source: transformers 5.23.0 tokenization_utils_base.py (apply_chat_template, get_chat_template).
#include <algorithm>

#include "base/text.h"
#include "tokenizers/auto/state.h"
#include "tokenizers/chat_template.h"

namespace hearth {

namespace {

// The first token of the text that has the character.
std::optional<size_t> char_to_token(const Encoding& e, size_t character) {
  for (size_t i = 0; i < e.offsets.size(); ++i)
    if (character >= e.offsets[i].begin && character < e.offsets[i].end && e.sequence_of(i) == 0) return i;
  return std::nullopt;
}

std::vector<uint8_t> assistant_mask(const Encoding& e, const Rendered& chat) {
  std::vector<uint8_t> mask(e.size(), 0);
  for (const auto& [first, last] : chat.generated) {
    const size_t begin = utf8_length(std::string_view(chat.text).substr(0, first));
    const size_t end = utf8_length(std::string_view(chat.text).substr(0, last));
    const auto start = char_to_token(e, begin);
    if (!start) break;  // cut off
    const auto stop = end == 0 ? std::nullopt : char_to_token(e, end - 1);
    const size_t token_end = stop.value_or(0) > 0 ? *stop + 1 : e.size();
    for (size_t i = *start; i < token_end; ++i) mask[i] = 1;
  }
  return mask;
}

}  // namespace

Result<std::string> PreTrainedTokenizer::get_chat_template(const std::optional<std::string>& chat_template,
                                                           bool has_tools) const {
  const auto& s = *state_;
  const auto find = [&](std::string_view name) -> const std::string* {
    for (const auto& [known, text] : s.chat_templates)
      if (known == name) return &text;
    return nullptr;
  };
  if (chat_template) {
    const auto* named = s.several_templates ? find(*chat_template) : nullptr;
    return named == nullptr ? *chat_template : *named;
  }
  if (s.chat_templates.empty()) {
    return Status(Code::bad_input,
                  "Cannot use chat template functions because tokenizer.chat_template is not set and no "
                  "template argument was passed!");
  }
  if (s.several_templates && has_tools)
    if (const auto* tool_use = find("tool_use")) return *tool_use;
  if (const auto* usual = find("default")) return *usual;
  std::string names;
  for (const auto& [name, text] : s.chat_templates) names += cat(names.empty() ? "" : ", ", name);
  return Status(Code::bad_input,
                cat("This model has multiple chat templates with no default specified! Pass the name of "
                    "the template: ",
                    names));
}

namespace {

Result<Rendered> render(const PreTrainedTokenizer& t, const Json& conversation, const ChatOptions& o) {
  const auto source = TRY(t.get_chat_template(o.chat_template, !o.tools.is_null()));
  const auto parsed = TRY(ChatTemplate::parse(source));
  Json variables{Json::Object{}};
  for (const auto& [name, text] : t.special_tokens_map()) variables.set(name, text);
  for (const auto& [name, value] : o.variables.object()) variables.set(name, value);
  return parsed.apply_with_spans({.messages = conversation,
                                  .tools = o.tools,
                                  .documents = o.documents,
                                  .variables = std::move(variables),
                                  .add_generation_prompt = o.add_generation_prompt,
                                  .continue_final_message = o.continue_final_message.has_value(),
                                  .continue_field = o.continue_final_message.value_or("content")});
}

}  // namespace

Result<std::string> PreTrainedTokenizer::apply_chat_template(const Json& conversation, const ChatOptions& o) const {
  return std::move(TRY(render(*this, conversation, o)).text);
}

Result<BatchEncoding> PreTrainedTokenizer::apply_chat_template(std::span<const Json> conversations,
                                                               const ChatOptions& o, CallOptions call,
                                                               bool return_assistant_tokens_mask) const {
  if (return_assistant_tokens_mask && o.continue_final_message)
    return Status(Code::bad_input, "continue_final_message is not compatible with return_assistant_tokens_mask.");
  std::vector<Rendered> chats;
  for (const auto& conversation : conversations) chats.push_back(TRY(render(*this, conversation, o)));
  std::vector<EncodeInput> inputs;
  for (const auto& chat : chats) inputs.push_back(EncodeInput{{.text = chat.text}});
  call.add_special_tokens = false;  // the template writes them
  const bool offsets_asked = call.return_offsets_mapping;
  call.return_offsets_mapping |= return_assistant_tokens_mask;
  auto out = TRY((*this)(inputs, call));
  if (!return_assistant_tokens_mask) return out;
  for (size_t i = 0; i < out.encodings.size(); ++i) {
    const auto chat = static_cast<size_t>(out.overflow_to_sample_mapping[i]);
    out.assistant_masks.push_back(assistant_mask(out.encodings[i], chats[chat]));
  }
  if (!offsets_asked) std::erase(out.keys, "offset_mapping");
  out.keys.emplace_back("assistant_masks");
  return out;
}

}  // namespace hearth
