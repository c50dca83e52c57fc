// Calls as Python writes them, in a list: Llama 3.2 and 4, LFM2, Olmo 3.
// Source: meta-llama/llama-models models/llama4/prompt_format.md, "Zero shot function calling"; LiquidAI/LFM2-1.2B
// README.md, "Tool use"; Python's grammar of literals.
#include <algorithm>

#include "base/text.h"
#include "inference/call_readers.h"

namespace hearth::inference::output_formats {
namespace {

using Kind = wire::AnswerPart::Kind;

constexpr int kDepthMax = 100;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/// name(key=value, ...): literals alone.
class Literals {
 public:
  explicit Literals(std::string_view text) : text_(text) {}

  std::optional<std::pair<std::string, Json>> call() {
    auto called = name();
    if (called.empty() || !take('(')) return std::nullopt;
    Json::Object arguments;
    while (!take(')')) {
      auto key = name();
      if (key.empty() || !take('=')) return std::nullopt;
      auto one = value(0);
      if (!one) return std::nullopt;
      arguments.emplace_back(std::move(key), *std::move(one));
      if (!take(',') && (at_ >= text_.size() || text_[at_] != ')')) return std::nullopt;
    }
    return std::pair(std::move(called), Json(std::move(arguments)));
  }

 private:
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char c) {
    blanks();
    const bool is_there = at_ < text_.size() && text_[at_] == c;
    at_ += is_there ? 1 : 0;
    if (is_there) blanks();
    return is_there;
  }
  std::string name() {
    blanks();
    const auto begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::optional<Json> value(int depth) {
    blanks();
    if (at_ >= text_.size() || depth > kDepthMax) return std::nullopt;
    const char c = text_[at_];
    if (c == '\'' || c == '"') return quoted(c);
    if (c == '[' || c == '(') return list(c == '[' ? ']' : ')', depth);
    if (c == '{') return dict(depth);
    const auto begin = at_;
    while (at_ < text_.size() && (is_name_char(text_[at_]) || text_[at_] == '+')) ++at_;
    const auto word = text_.substr(begin, at_ - begin);
    if (word == "True" || word == "true") return Json(true);
    if (word == "False" || word == "false") return Json(false);
    if (word == "None" || word == "null") return Json(nullptr);
    auto number = Json::parse(word);
    return number.ok() && number->is_number() ? std::optional(*std::move(number)) : std::nullopt;
  }
  std::optional<Json> quoted(char quote) {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        return Json(std::move(out));
      }
      if (c != '\\' || at_ + 1 >= text_.size()) {
        out += c;
        continue;
      }
      const char escaped = text_[++at_];
      constexpr std::string_view kFrom = "nrtbf", kTo = "\n\r\t\b\f";
      const auto known = kFrom.find(escaped);
      out += known == std::string_view::npos ? escaped : kTo[known];
    }
    return std::nullopt;
  }
  std::optional<Json> list(char end, int depth) {
    Json::Array out;
    ++at_;
    while (!take(end)) {
      auto one = value(depth + 1);
      if (!one) return std::nullopt;
      out.push_back(*std::move(one));
      if (!take(',') && (at_ >= text_.size() || text_[at_] != end)) return std::nullopt;
    }
    return Json(std::move(out));
  }
  std::optional<Json> dict(int depth) {
    Json::Object out;
    ++at_;
    while (!take('}')) {
      const auto key = value(depth + 1);
      if (!key || !key->is_string() || !take(':')) return std::nullopt;
      auto one = value(depth + 1);
      if (!one) return std::nullopt;
      out.emplace_back(std::string(key->as_string()), *std::move(one));
      if (!take(',') && (at_ >= text_.size() || text_[at_] != '}')) return std::nullopt;
    }
    return Json(std::move(out));
  }

  std::string_view text_;
  size_t at_ = 0;
};

/// Where the call that `text` begins with ends; 0 while it is not whole.
size_t call_length(std::string_view text) {
  int depth = 0;
  char quote = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote) {
      if (c == '\\')
        ++at;
      else if (c == quote)
        quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if ((c == ')' || c == ']' || c == '}') && --depth <= 0) {
      return at + 1;
    }
  }
  return 0;
}

class PythonCalls final : public CallReader {
 public:
  explicit PythonCalls(CallContext context) : context_(std::move(context)) {}
  State read(std::string& text, bool at_end, std::vector<wire::AnswerPart>& out) override {
    for (;;) {
      skip_blanks(text);
      if (is_over_) {
        constexpr std::string_view kCloser = "<|tool_call_end|>";
        const auto front = front_of(text, kCloser);
        if (front == Front::there) text.erase(0, kCloser.size());
        return front == Front::perhaps && !at_end ? State::more : State::done;
      }
      if (text.empty()) return State::more;
      if (!is_open_) {
        if (text[0] != '[') return State::failed;
        text.erase(0, 1);
        is_open_ = true;
        continue;
      }
      if (text[0] == ']' || (text[0] == ',' && has_call_)) {
        is_over_ = text[0] == ']';
        if (is_over_ && !has_call_) return State::failed;
        text.erase(0, 1);
        continue;
      }
      // A text that is no call is known by its beginning: it is not held back to its end.
      const auto name_end = static_cast<size_t>(std::ranges::find_if_not(text, is_name_char) - text.begin());
      if (name_end == text.size()) return at_end ? State::failed : State::more;
      if (name_end == 0 || text[name_end] != '(') return State::failed;
      if (context_.known_only && !context_.find(text.substr(0, name_end))) return State::failed;
      const auto length = call_length(text);
      if (length == 0) return State::more;
      auto call = Literals(std::string_view(text).substr(0, length)).call();
      if (!call) return State::failed;
      text.erase(0, length);
      has_call_ = true;
      out.push_back({Kind::call, {}, std::move(call->first), {}});
      out.push_back({Kind::arguments, call->second.dump(), {}, {}});
    }
  }

 private:
  const CallContext context_;
  bool is_open_ = false, is_over_ = false, has_call_ = false;
};

std::unique_ptr<CallReader> reader(const CallContext& context, std::string_view) {
  return std::make_unique<PythonCalls>(context);
}

}  // namespace
extern constinit const OutputFormat pythonic_entry{.name = "pythonic",
                                                   .marks = {"[func_name1(params_name1=params_value1"},
                                                   .openers = {"<|tool_call_start|>", "<|python_start|>"},
                                                   .bare = '[',
                                                   .reader = reader};
}  // namespace hearth::inference::output_formats
