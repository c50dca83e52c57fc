// InternLM 2.5: a call between <|action_start|><|plugin|> and <|action_end|>.
// Source: InternLM/InternLM chat/chat_format.md, "Function Call".
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<JsonCalls>(context, "<|action_end|>");
}
constexpr CallFrame kFrame{"<|action_start|><|plugin|>\n",
                           "{\"name\": \"",
                           "\", \"parameters\": ",
                           "}",
                           "<|action_end|>\n<|action_start|><|plugin|>\n",
                           "<|action_end|>"};

}  // namespace
extern constinit const OutputFormat internlm2_entry{.name = "internlm2",
                                                    .marks = {"<|plugin|>"},
                                                    .openers = {"<|action_start|><|plugin|>"},
                                                    .reader = reader,
                                                    .frame = &kFrame};
}  // namespace hearth::inference::output_formats
