// Qwen3-Coder and Qwen 3.5: parameters between tags.
// Source: Qwen/Qwen3-Coder-30B-A3B-Instruct chat_template.jinja and qwen3coder_tool_parser.py.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<TagCalls>(
      context, TagForm{"<function=", ">", "<parameter=", ">", "", "</parameter>", "</function>", "</tool_call>"});
}

}  // namespace
extern constinit const OutputFormat qwen3_coder_entry{
    .name = "qwen3_coder", .marks = {"<tool_call>", "<function="}, .openers = {"<tool_call>"}, .reader = reader};
}  // namespace hearth::inference::output_formats
