// DeepSeek V3 and R1: a name and its arguments in a fenced block.
// Source: deepseek-ai/DeepSeek-V3-0324 tokenizer_config.json chat_template.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext&, std::string_view) {
  return std::make_unique<NamedCalls>(NamedCallForm{"<｜tool▁call▁begin｜>function<｜tool▁sep｜>", "\n```json\n",
                                                    "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"});
}
constexpr CallFrame kFrame{"<｜tool▁calls▁begin｜>",
                           "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
                           "\n```json\n",
                           "\n```<｜tool▁call▁end｜>",
                           "\n",
                           "<｜tool▁calls▁end｜>"};

}  // namespace
extern constinit const OutputFormat deepseek_v3_entry{.name = "deepseek_v3",
                                                      .marks = {"<｜tool▁calls▁begin｜>", "```json"},
                                                      .openers = {"<｜tool▁calls▁begin｜>"},
                                                      .reader = reader,
                                                      .frame = &kFrame};
}  // namespace hearth::inference::output_formats
