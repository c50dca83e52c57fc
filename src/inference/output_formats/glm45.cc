// GLM 4.5 and later: keys and values between tags.
// Source: zai-org/GLM-4.5-Air chat_template.jinja.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<TagCalls>(
      context, TagForm{"", "", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "", "</tool_call>"});
}

}  // namespace
extern constinit const OutputFormat glm45_entry{
    .name = "glm45", .marks = {"<tool_call>", "<arg_key>"}, .openers = {"<tool_call>"}, .reader = reader};
}  // namespace hearth::inference::output_formats
