// Kimi K2: names as "functions.NAME:NUMBER".
// Source: moonshotai/Kimi-K2-Instruct docs/tool_call_guidance.md.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::string clean_name(std::string_view written) {
  if (written.starts_with("functions.")) written.remove_prefix(10);
  return std::string(written.substr(0, written.rfind(':')));
}

std::unique_ptr<CallReader> reader(const CallContext&, std::string_view) {
  return std::make_unique<NamedCalls>(NamedCallForm{"<|tool_call_begin|>", "<|tool_call_argument_begin|>",
                                                    "<|tool_call_end|>", "<|tool_calls_section_end|>", clean_name});
}
constexpr CallFrame kFrame{"<|tool_calls_section_begin|>",
                           "<|tool_call_begin|>functions.",
                           ":0<|tool_call_argument_begin|>",
                           "<|tool_call_end|>",
                           "",
                           "<|tool_calls_section_end|>"};

}  // namespace
extern constinit const OutputFormat kimi_k2_entry{.name = "kimi_k2",
                                                  .marks = {"<|tool_calls_section_begin|>"},
                                                  .openers = {"<|tool_calls_section_begin|>"},
                                                  .reader = reader,
                                                  .frame = &kFrame};
}  // namespace hearth::inference::output_formats
