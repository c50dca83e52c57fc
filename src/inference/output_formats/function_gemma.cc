// FunctionGemma: call:NAME{key:value,...} between markers, texts between <escape>.
// Source: ai.google.dev/gemma/docs/functiongemma/formatting-and-best-practices.
#include "base/text.h"
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

using Kind = wire::AnswerPart::Kind;

constexpr std::string_view kEnd = "<end_function_call>", kEscape = "<escape>", kBegin = "call:";

// The arguments as JSON: names get their quotes, texts theirs; nothing when they are not of the form.
std::optional<Json> arguments_of(std::string_view written) {
  std::string json;
  for (size_t at = 0; at < written.size();) {
    const auto rest = written.substr(at);
    if (rest.starts_with(kEscape)) {
      const auto end = rest.find(kEscape, kEscape.size());
      if (end == std::string_view::npos) return std::nullopt;
      append_json_string(json, rest.substr(kEscape.size(), end - kEscape.size()));
      at += end + kEscape.size();
      continue;
    }
    const bool opens_name = !json.empty() && (json.back() == '{' || json.back() == ',');
    const auto colon = rest.find_first_of(":,{}[]");
    if (opens_name && colon != std::string_view::npos && rest[colon] == ':') {
      append_json_string(json, trim(rest.substr(0, colon)));
      json += ':';
      at += colon + 1;
      continue;
    }
    json += rest[0];
    ++at;
  }
  auto parsed = Json::parse(json);
  return parsed.ok() && parsed->is_object() ? std::optional(*std::move(parsed)) : std::nullopt;
}

class GemmaCall final : public CallReader {
 public:
  State read(std::string& text, bool, std::vector<wire::AnswerPart>& out) override {
    const auto end = text.find(kEnd);
    if (end == std::string::npos) return State::more;
    const auto call = trim(std::string_view(text).substr(0, end));
    const auto brace = call.find('{');
    if (!call.starts_with(kBegin) || brace == std::string_view::npos) return State::failed;
    const auto arguments = arguments_of(call.substr(brace));
    const auto name = trim(call.substr(kBegin.size(), brace - kBegin.size()));
    if (!arguments || name.empty()) return State::failed;
    out.push_back({Kind::call, {}, std::string(name), {}});
    out.push_back({Kind::arguments, arguments->dump(), {}, {}});
    text.erase(0, end + kEnd.size());
    return State::done;
  }
};

std::unique_ptr<CallReader> reader(const CallContext&, std::string_view) {
  return std::make_unique<GemmaCall>();
}

}  // namespace
extern constinit const OutputFormat function_gemma_entry{.name = "function_gemma",
                                                         .marks = {"<start_function_call>"},
                                                         .openers = {"<start_function_call>"},
                                                         .reader = reader};
}  // namespace hearth::inference::output_formats
