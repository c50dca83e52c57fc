// Jamba 1.5, Hunyuan, MiniMax M1: JSON between <tool_calls> and </tool_calls>, in a list or a line each.
// Source: ai21labs/AI21-Jamba-1.5-Mini tokenizer_config.json chat_template; MiniMaxAI/MiniMax-M1-40k
// docs/function_call_guide.md.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<JsonCalls>(context, "</tool_calls>");
}
constexpr CallFrame kFrame{"<tool_calls>[", "{\"name\": \"", "\", \"arguments\": ", "}", ", ", "]</tool_calls>"};

}  // namespace
extern constinit const OutputFormat jamba_entry{
    .name = "jamba", .marks = {"<tool_calls>"}, .openers = {"<tool_calls>"}, .reader = reader, .frame = &kFrame};
}  // namespace hearth::inference::output_formats
