// Llama 3.1 and 3.2: an answer that is the JSON of a call, or several with semicolons between; <|python_tag|> may stand
// before it.
// Source: meta-llama/Llama-3.1-8B-Instruct tokenizer_config.json chat_template; llama.com "Llama 3.1 model card and
// prompt formats", JSON based tool calling.
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<JsonCalls>(context, "");
}
constexpr CallFrame kFrame{"", "{\"name\": \"", "\", \"parameters\": ", "}", "; ", ""};

}  // namespace
extern constinit const OutputFormat llama3_json_entry{.name = "llama3_json",
                                                      .marks = {"<|python_tag|>"},
                                                      .openers = {"<|python_tag|>"},
                                                      .bare = '{',
                                                      .reader = reader,
                                                      .frame = &kFrame};
}  // namespace hearth::inference::output_formats
