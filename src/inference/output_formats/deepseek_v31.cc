// DeepSeek V3.1: a name, a separator and its arguments.
// Source: deepseek-ai/DeepSeek-V3.1 README.md, section "ToolCall".
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext&, std::string_view) {
  return std::make_unique<NamedCalls>(
      NamedCallForm{"<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"});
}
constexpr CallFrame kFrame{
    "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "",
    "<｜tool▁calls▁end｜>"};

}  // namespace
extern constinit const OutputFormat deepseek_v31_entry{.name = "deepseek_v31",
                                                       .marks = {"<｜tool▁calls▁begin｜>"},
                                                       .openers = {"<｜tool▁calls▁begin｜>"},
                                                       .reader = reader,
                                                       .frame = &kFrame};
}  // namespace hearth::inference::output_formats
