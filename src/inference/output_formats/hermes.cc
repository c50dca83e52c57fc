// Hermes 2 Pro, Qwen 2.5 and 3, SmolLM3, and models whose templates know no tools (a list between the tags too, as
// SmolLM2 writes it).
// Source: NousResearch/Hermes-Function-Calling README; Qwen/Qwen3-0.6B tokenizer_config.json chat_template;
// HuggingFaceTB/SmolLM2-1.7B-Instruct instructions_function_calling.md.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<JsonCalls>(context, "</tool_call>");
}
constexpr CallFrame kFrame{
    "<tool_call>\n", "{\"name\": \"", "\", \"arguments\": ", "}", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>"};

}  // namespace
extern constinit const OutputFormat hermes_entry{
    .name = "hermes", .marks = {"<tool_call>"}, .openers = {"<tool_call>"}, .reader = reader, .frame = &kFrame};
}  // namespace hearth::inference::output_formats
