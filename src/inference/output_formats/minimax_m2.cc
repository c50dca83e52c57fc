// MiniMax M2: invocations and their parameters between tags.
// Source: MiniMaxAI/MiniMax-M2 docs/tool_calling_guide.md.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<TagCalls>(context, TagForm{"<invoke name=\"", "\">", "<parameter name=\"", "\">", "",
                                                     "</parameter>", "</invoke>", "</minimax:tool_call>"});
}

}  // namespace
extern constinit const OutputFormat minimax_m2_entry{
    .name = "minimax_m2", .marks = {"minimax:tool_call"}, .openers = {"<minimax:tool_call>"}, .reader = reader};
}  // namespace hearth::inference::output_formats
