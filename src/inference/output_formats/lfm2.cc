// LFM2: Python's calls behind a marker, as pythonic.cc reads them.
// Source: LiquidAI/LFM2-1.2B README.md, "Tool use", and chat_template.jinja.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view opener) {
  return output_format("pythonic").reader(context, opener);
}

}  // namespace
extern constinit const OutputFormat lfm2_entry{
    .name = "lfm2", .marks = {"<|tool_list_start|>"}, .openers = {"<|tool_call_start|>"}, .reader = reader};
}  // namespace hearth::inference::output_formats
