// Mistral: [TOOL_CALLS] and a list of calls; since Small 3.1, a name, [ARGS] and its arguments, each call with a marker
// of its own ([CALL_ID] may stand between).
// Source: mistralai/Mistral-7B-Instruct-v0.3 tokenizer_config.json chat_template; mistral-common
// tokens/tokenizers/instruct.py (InstructTokenizerV3, V11, V13).
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::string clean_name(std::string_view written) {
  return std::string(written.substr(0, written.find("[CALL_ID]")));
}

/// Which of the two it is, the first character tells.
class MistralCalls final : public CallReader {
 public:
  explicit MistralCalls(CallContext context) : context_(std::move(context)) {}
  State read(std::string& text, bool at_end, std::vector<wire::AnswerPart>& out) override {
    skip_blanks(text);
    if (!reader_ && text.empty()) return State::more;
    if (!reader_ && (text[0] == '[' || text[0] == '{'))
      reader_ = std::make_unique<JsonCalls>(context_, "");
    else if (!reader_)
      reader_ = std::make_unique<NamedCalls>(NamedCallForm{"", "[ARGS]", "", "", clean_name});
    return reader_->read(text, at_end, out);
  }

 private:
  const CallContext context_;
  std::unique_ptr<CallReader> reader_;
};

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<MistralCalls>(context);
}
constexpr CallFrame kFrame{"[TOOL_CALLS][", "{\"name\": \"", "\", \"arguments\": ", "}", ", ", "]"};

}  // namespace
extern constinit const OutputFormat mistral_entry{.name = "mistral",
                                                  .marks = {"[TOOL_CALLS]"},
                                                  .openers = {"[TOOL_CALLS]"},
                                                  .reader = reader,
                                                  .frame = &kFrame,
                                                  .short_ids = true};
}  // namespace hearth::inference::output_formats
