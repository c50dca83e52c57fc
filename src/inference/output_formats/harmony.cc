// gpt-oss: messages of channels. `analysis` is reasoning, `final` the answer, a message to functions.NAME a call.
// Source: openai/harmony docs/format.md.
#include <algorithm>

#include "base/text.h"
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

using Kind = wire::AnswerPart::Kind;

constexpr std::string_view kMessage = "<|message|>", kTo = "to=functions.";
constexpr std::string_view kEnds[] = {"<|end|>", "<|call|>", "<|return|>", "<|start|>"};

class Message final : public CallReader {
 public:
  State read(std::string& text, bool at_end, std::vector<wire::AnswerPart>& out) override {
    if (!is_open_) {
      const auto begin = text.find(kMessage);
      if (begin == std::string::npos) return State::more;
      open(std::string_view(text).substr(0, begin), out);
      text.erase(0, begin + kMessage.size());
      is_open_ = true;
    }
    size_t end = std::string::npos, length = 0, wait = 0;
    for (const auto marker : kEnds) {
      if (const auto at = text.find(marker); at < end) {
        end = at;
        length = marker == "<|start|>" ? 0 : marker.size();
      }
      for (size_t n = std::min(text.size(), marker.size() - 1); n > wait; --n)
        if (text.ends_with(marker.substr(0, n))) wait = n;
    }
    const bool is_over = end != std::string::npos || at_end;
    const auto ready = end != std::string::npos ? end : at_end ? text.size() : text.size() - wait;
    if (ready > 0) out.push_back({kind_, text.substr(0, ready), {}, {}});
    text.erase(0, ready + length);
    return is_over ? State::done : State::more;
  }

 private:
  void open(std::string_view header, std::vector<wire::AnswerPart>& out) {
    if (const auto to = header.find(kTo); to != std::string_view::npos) {
      auto name = header.substr(to + kTo.size());
      name = name.substr(0, name.find_first_of(" <\n"));
      out.push_back({Kind::call, {}, std::string(name), {}});
      kind_ = Kind::arguments;
    } else if (contains(header, "analysis")) {
      kind_ = Kind::reasoning;
    }
  }

  bool is_open_ = false;
  Kind kind_ = Kind::text;
};

std::unique_ptr<CallReader> reader(const CallContext&, std::string_view) {
  return std::make_unique<Message>();
}

}  // namespace
extern constinit const OutputFormat harmony_entry{.name = "harmony",
                                                  .marks = {"<|channel|>", "<|message|>"},
                                                  .openers = {"<|start|>assistant", "<|channel|>"},
                                                  .reader = reader};
}  // namespace hearth::inference::output_formats
