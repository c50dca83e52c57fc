// Phi-4-mini and Granite 3: a list of calls behind <|tool_call|>, or behind "functools".
// Source: microsoft/Phi-4-mini-instruct README.md, "Tool-enabled function-calling format"; ibm-granite/
// granite-3.1-8b-instruct tokenizer_config.json chat_template.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view opener) {
  return std::make_unique<JsonCalls>(context, opener == "<|tool_call|>" ? "<|/tool_call|>" : "");
}
constexpr CallFrame kFrame{"<|tool_call|>[", "{\"name\": \"", "\", \"arguments\": ", "}", ", ", "]<|/tool_call|>"};

}  // namespace
extern constinit const OutputFormat phi4_entry{.name = "phi4",
                                               .marks = {"<|tool_call|>"},
                                               .openers = {"<|tool_call|>", "functools"},
                                               .reader = reader,
                                               .frame = &kFrame};
}  // namespace hearth::inference::output_formats
