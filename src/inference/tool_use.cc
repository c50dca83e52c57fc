#include "inference/tool_use.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::inference {
namespace {

using wire::ToolChoice;
using Part = GrammarPart::Kind;

GrammarPart literal(std::string_view text) {
  return {.kind = Part::literal, .text = std::string(text)};
}

Json tools_json(const wire::GenerateRequest& wanted) {
  Json::Array out;
  for (const auto& tool : wanted.tools) out.push_back(tool.as_json());
  return out.empty() ? Json() : Json(std::move(out));
}

// Source: NousResearch/Hermes-Function-Calling README, "Prompt Format for Function Calling".
std::string tools_prompt(const Json& tools) {
  std::string out =
      "You may call one or more functions to help with the request. The functions, as JSON, are in <tools></tools>:\n"
      "<tools>";
  for (const auto& tool : tools.array()) out += cat("\n", tool.dump());
  return out +
         "\n</tools>\nTo call a function, write a JSON object with its name and its arguments within "
         "<tool_call></tool_call>:\n<tool_call>\n{\"name\": \"NAME\", \"arguments\": {}}\n</tool_call>";
}

// A message whose calls, or whose result of one, are text.
Json as_text(const Json& message) {
  auto text = std::string(message["content"].as_string());
  if (message["role"].as_string() == "tool")
    return Json::Object{{"role", "user"}, {"content", cat("<tool_response>\n", text, "\n</tool_response>")}};
  for (const auto& call : message["tool_calls"].array()) {
    const auto& function = call["function"];
    const Json written = Json::Object{{"name", function["name"]}, {"arguments", function["arguments"]}};
    text += cat(text.empty() ? "" : "\n", "<tool_call>\n", written.dump(), "\n</tool_call>");
  }
  return Json::Object{{"role", message["role"]}, {"content", std::move(text)}};
}

bool is_forced(const wire::GenerateRequest& wanted) {
  return wanted.tool_choice.kind == ToolChoice::Kind::required || wanted.tool_choice.kind == ToolChoice::Kind::named;
}

// Reasoning may come before what the grammar is of.
GrammarPart behind_reasoning(GrammarPart answer, const ReasoningMarks& marks, bool is_open) {
  const GrammarPart body{.kind = Part::without, .text = std::string(marks.close)};
  GrammarPart reasoning{.parts = {literal(is_open ? "" : marks.open), body, literal(cat(marks.close, "\n\n"))}};
  if (!is_open) reasoning = {.kind = Part::any_of, .parts = {literal(""), std::move(reasoning)}};
  return {.parts = {std::move(reasoning), std::move(answer)}};
}

}  // namespace

Conversation conversation_of(const wire::GenerateRequest& wanted, const TextGenerationPipeline& pipeline) {
  Conversation out;
  out.messages = wanted.messages;
  out.variables = wanted.template_variables;
  out.add_generation_prompt = !wanted.continue_final_message;
  out.continue_final_message = wanted.continue_final_message;
  auto tools = tools_json(wanted);
  if (contains(pipeline.chat_template_source(/*has_tools=*/true), "tools")) {
    out.tools = std::move(tools);
    return out;
  }
  Json::Array messages;
  if (!tools.is_null()) messages.push_back(Json::Object{{"role", "system"}, {"content", tools_prompt(tools)}});
  for (const auto& message : wanted.messages.array()) {
    const auto role = message["role"].as_string();
    if (role == "tool" || message["tool_calls"].size() > 0)
      messages.push_back(as_text(message));
    else if (role == "system" && messages.size() == 1 && !tools.is_null())
      messages[0].set("content", cat(message["content"].as_string(), "\n\n", messages[0]["content"].as_string()));
    else
      messages.push_back(message);
  }
  out.messages = std::move(messages);
  return out;
}

Result<AnswerReading> reading_of(const wire::GenerateRequest& wanted, Decoder& decoder,
                                 std::span<const int32_t> prompt) {
  AnswerReading out;
  const auto& pipeline = decoder.engine.pipeline();
  out.constraint = TRY(decoder.constraints.of(wanted.form, pipeline));
  if (!wanted.is_chat) return out;
  const auto source = pipeline.chat_template_source(!wanted.tools.empty());
  const auto& hermes = output_format("hermes");
  const auto* format = find_output_format(source);
  auto& options = out.options;
  if (!wanted.tools.empty())
    options.format = format ? format : &hermes;
  else if (format == &output_format("harmony"))
    options.format = format;  // whose every answer is in its channels
  if (!out.constraint) options.reasoning = find_reasoning(source);
  if (options.reasoning) {
    const auto end = prompt.last(std::min<size_t>(prompt.size(), 16));
    options.in_reasoning =
        trim(pipeline.tokenizer().decode(end, {.skip_special_tokens = false})).ends_with(options.reasoning->open);
  }
  options.context.tools = wanted.tools;
  options.parallel = wanted.parallel_tool_calls;
  out.is_plain = !options.format && !options.reasoning;
  if (wanted.tools.empty()) return out;

  auto tools = wanted.tools;
  if (wanted.tool_choice.kind == ToolChoice::Kind::named)
    std::erase_if(tools, [&](const wire::Tool& tool) { return tool.name != wanted.tool_choice.name; });
  const bool is_strict = std::ranges::any_of(tools, &wire::Tool::strict);
  // Text in front of a call can be told from it where a marker begins the call.
  const bool is_held = is_forced(wanted) ||
                       (is_strict && !out.constraint && options.format->frame && !options.format->frame->begin.empty());
  if (!is_held) return out;
  if (!options.format->frame) options.format = &hermes;
  if (!is_forced(wanted))
    for (auto& tool : tools)
      if (!tool.strict) tool.parameters = Json();
  const bool parallel = options.parallel && wanted.tool_choice.kind != ToolChoice::Kind::named;
  auto grammar = calls_grammar(*options.format->frame, tools, parallel, /*behind_text=*/!is_forced(wanted));
  std::string key = cat("calls ", options.format->name, parallel ? " several" : "", is_forced(wanted) ? " only" : "",
                        options.reasoning ? " reasoning" : "", options.in_reasoning ? " open" : "");
  for (const auto& tool : tools) key += cat(" ", tool.name, " ", tool.parameters.dump());
  if (options.reasoning && is_forced(wanted))
    grammar = behind_reasoning(std::move(grammar), *options.reasoning, options.in_reasoning);
  out.constraint = TRY(decoder.constraints.of_calls(key, grammar, pipeline));
  return out;
}

}  // namespace hearth::inference
