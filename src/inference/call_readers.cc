#include "inference/call_readers.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::inference {
namespace {

using wire::AnswerPart;
using Kind = AnswerPart::Kind;
using State = CallReader::State;

constexpr size_t kNameMax = 256;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The bytes of the JSON string that `text` begins with, quotes too; 0 while it is not whole.
size_t string_length(std::string_view text) {
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return 0;
}

std::string take_front(std::string& text, size_t count) {
  auto out = text.substr(0, count);
  text.erase(0, count);
  return out;
}

}  // namespace

Front front_of(std::string_view text, std::string_view marker) {
  if (text.starts_with(marker)) return Front::there;
  return marker.starts_with(text) ? Front::perhaps : Front::absent;
}

void skip_blanks(std::string& text) {
  text.erase(0, static_cast<size_t>(std::ranges::find_if_not(text, is_blank) - text.begin()));
}

Json argument_value(const wire::Tool* tool, std::string_view key, std::string_view written) {
  if (tool && tool->parameters["properties"][key]["type"].as_string() == "string") return written;
  auto json = Json::parse(written);
  return json.ok() ? *std::move(json) : Json(written);
}

size_t JsonValueScan::take(std::string_view text) {
  size_t at = 0;
  for (; at < text.size() && !is_over_; ++at) {
    const char c = text[at];
    if (in_string_) {
      if (is_escaped_)
        is_escaped_ = false;
      else if (c == '\\')
        is_escaped_ = true;
      else if (c == '"')
        in_string_ = false, is_over_ = depth_ == 0;
      continue;
    }
    const bool ends_scalar = c == ',' || c == '}' || c == ']' || is_blank(c);
    if (depth_ == 0 && has_begun_ && ends_scalar) {
      is_over_ = true;
      return at;
    }
    has_begun_ = true;
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if (c == '}' || c == ']') is_over_ = --depth_ <= 0;
  }
  return at;
}

// ---- JsonCalls ----

State JsonCalls::step_outside(std::string& text, bool at_end) {
  const auto end = [&] { return has_call_ && lists_ == 0 ? State::done : State::failed; };
  skip_blanks(text);
  if (text.empty()) return at_end ? end() : State::more;
  const auto front = closer_.empty() ? Front::absent : front_of(text, closer_);
  if (front == Front::there) {
    text.erase(0, closer_.size());
    return State::done;
  }
  if (front == Front::perhaps && !at_end) return State::more;
  const char c = text[0];
  if (c == '{') {
    is_named_ = has_arguments_ = false;
    step_ = Step::key;
  } else if (c == '[') {
    ++lists_;
  } else if (c == ']' && lists_ > 0) {
    --lists_;
  } else if ((c != ',' && c != ';') || !has_call_) {
    return end();
  }
  text.erase(0, 1);
  return State::more;
}

State JsonCalls::end_object(std::vector<AnswerPart>& out) {
  step_ = Step::key;
  if (nested_ > 0) {
    --nested_;
    return State::more;
  }
  step_ = Step::outside;
  if (!is_named_) return State::failed;
  if (!has_arguments_) out.push_back({Kind::arguments, "{}", {}, {}});
  return State::more;
}

State JsonCalls::take_name(std::string name, std::vector<AnswerPart>& out) {
  if (is_named_ || name.empty() || (context_.known_only && !context_.find(name))) return State::failed;
  out.push_back({Kind::call, {}, std::move(name), {}});
  is_named_ = has_call_ = true;
  if (!kept_.empty()) {
    out.push_back({Kind::arguments, std::move(kept_), {}, {}});
    has_arguments_ = true;
    kept_.clear();
  }
  step_ = Step::key;
  return State::more;
}

// The beginning of a member's value: what becomes of it.
State JsonCalls::step_value(std::string& text, std::vector<AnswerPart>& out) {
  const bool is_arguments = key_ == "arguments" || key_ == "parameters";
  scan_ = {};
  if (key_ == "name" || (is_arguments && text[0] == '"')) {
    if (text[0] != '"') return State::failed;
    const auto length = string_length(text);
    if (length == 0) return State::more;
    const auto decoded = Json::parse(take_front(text, length));
    if (!decoded.ok()) return State::failed;
    if (key_ == "name") return take_name(std::string(decoded->as_string()), out);
    step_ = Step::key;  // arguments inside a text
    if (!is_named_) {
      kept_ = decoded->as_string();
      return State::more;
    }
    has_arguments_ = true;
    out.push_back({Kind::arguments, std::string(decoded->as_string()), {}, {}});
  } else if (key_ == "function" && text[0] == '{') {
    text.erase(0, 1);
    ++nested_;
    step_ = Step::key;
  } else {
    has_arguments_ = has_arguments_ || (is_arguments && is_named_);
    step_ = !is_arguments ? Step::skipped : is_named_ ? Step::streamed : Step::kept;
  }
  return State::more;
}

State JsonCalls::read(std::string& text, bool at_end, std::vector<AnswerPart>& out) {
  for (;;) {
    const auto size_before = text.size();
    const auto step_before = step_;
    auto state = State::more;
    if (step_ == Step::outside) {
      state = step_outside(text, at_end);
    } else if (step_ == Step::skipped || step_ == Step::streamed || step_ == Step::kept) {
      auto bytes = take_front(text, scan_.take(text));
      if (step_ == Step::kept)
        kept_ += bytes;
      else if (step_ == Step::streamed && !bytes.empty())
        out.push_back({Kind::arguments, std::move(bytes), {}, {}});
      if (scan_.is_over()) step_ = Step::key;
    } else {
      skip_blanks(text);
      if (text.empty()) return State::more;
      const char c = text[0];
      if (step_ == Step::key && (c == ',' || c == '}')) {
        text.erase(0, 1);
        if (c == '}') state = end_object(out);
      } else if (step_ == Step::key) {
        if (c != '"') return State::failed;
        const auto length = string_length(text);
        if (length == 0) return State::more;
        const auto key = Json::parse(take_front(text, length));
        if (!key.ok()) return State::failed;
        key_ = key->as_string();
        step_ = Step::colon;
      } else if (step_ == Step::colon) {
        if (c != ':') return State::failed;
        text.erase(0, 1);
        step_ = Step::value;
      } else {
        state = step_value(text, out);
      }
    }
    if (state != State::more) return state;
    if (text.size() == size_before && step_ == step_before) return State::more;
  }
}

// ---- NamedCalls ----

State NamedCalls::read(std::string& text, bool at_end, std::vector<AnswerPart>& out) {
  for (;;) {
    if (step_ == Step::outside) {
      skip_blanks(text);
      if (text.empty() && at_end && has_call_) return State::done;
      if (!form_.closer.empty()) {
        const auto front = front_of(text, form_.closer);
        if (front == Front::there) {
          text.erase(0, form_.closer.size());
          return State::done;
        }
        if (front == Front::perhaps && text.size() > 1) return State::more;
      } else if (has_call_) {
        return State::done;
      }
      const auto front = front_of(text, form_.before_name);
      if (front == Front::perhaps) return State::more;
      if (front == Front::absent) return State::failed;
      text.erase(0, form_.before_name.size());
      step_ = Step::name;
    }
    if (step_ == Step::name) {
      const auto end = text.find(form_.after_name);
      if (end == std::string::npos) return text.size() > kNameMax ? State::failed : State::more;
      const auto written = trim(std::string_view(text).substr(0, end));
      auto name = form_.clean_name ? form_.clean_name(written) : std::string(written);
      if (name.empty() || name.size() > kNameMax) return State::failed;
      text.erase(0, end + form_.after_name.size());
      out.push_back({Kind::call, {}, std::move(name), {}});
      has_call_ = true;
      scan_ = {};
      step_ = Step::arguments;
      skip_blanks(text);
    }
    if (step_ == Step::arguments) {
      auto bytes = take_front(text, scan_.take(text));
      if (!bytes.empty()) out.push_back({Kind::arguments, std::move(bytes), {}, {}});
      if (!scan_.is_over()) return State::more;
      step_ = Step::behind;
    }
    const auto end = text.find(form_.after_arguments);
    if (end == std::string::npos) return at_end ? State::done : State::more;
    text.erase(0, end + form_.after_arguments.size());
    step_ = Step::outside;
  }
}

// ---- TagCalls ----

void TagCalls::end_call(std::vector<AnswerPart>& out) {
  out.push_back({Kind::arguments, has_arguments_ ? "}" : "{}", {}, {}});
  has_arguments_ = false;
  name_.clear();
  step_ = Step::outside;
}

State TagCalls::read(std::string& text, bool at_end, std::vector<AnswerPart>& out) {
  for (;;) {
    if (step_ != Step::value) skip_blanks(text);
    switch (step_) {
      case Step::outside: {
        if (text.empty()) return at_end && !out.empty() ? State::done : State::more;
        const auto closed = front_of(text, form_.closer), begun = front_of(text, form_.before_name);
        if (closed == Front::there) {
          text.erase(0, form_.closer.size());
          return State::done;
        }
        if (closed == Front::perhaps || begun == Front::perhaps) return State::more;
        if (begun == Front::absent) return State::failed;
        text.erase(0, form_.before_name.size());
        step_ = Step::name;
        break;
      }
      case Step::name: {
        const auto end = form_.after_name.empty() ? text.find_first_of("\n<") : text.find(form_.after_name);
        if (end == std::string::npos) return text.size() > kNameMax ? State::failed : State::more;
        name_ = trim(std::string_view(text).substr(0, end));
        if (name_.empty()) return State::failed;
        text.erase(0, end + form_.after_name.size());
        out.push_back({Kind::call, {}, name_, {}});
        step_ = Step::key;
        break;
      }
      case Step::key: {
        const auto& end = form_.after_call.empty() ? form_.closer : form_.after_call;
        const auto ended = front_of(text, end), begun = front_of(text, form_.before_key);
        if (ended == Front::there) {
          end_call(out);
          if (!form_.after_call.empty()) text.erase(0, end.size());
          break;
        }
        if (begun != Front::there)
          return begun == Front::perhaps || ended == Front::perhaps ? State::more : State::failed;
        const auto key_end = text.find(form_.after_key);
        if (key_end == std::string::npos) return text.size() > kNameMax ? State::failed : State::more;
        key_ = trim(std::string_view(text).substr(form_.before_key.size(), key_end - form_.before_key.size()));
        text.erase(0, key_end + form_.after_key.size());
        step_ = Step::value;
        break;
      }
      case Step::value: {
        const auto end = text.find(form_.after_value);
        if (end == std::string::npos) return State::more;
        std::string_view written = std::string_view(text).substr(0, end);
        if (!form_.before_value.empty()) {
          const auto begin = written.find(form_.before_value);
          if (begin == std::string_view::npos) return State::failed;
          written.remove_prefix(begin + form_.before_value.size());
        } else {
          // The template writes a value on lines of its own.
          if (written.starts_with('\n')) written.remove_prefix(1);
          if (written.ends_with('\n')) written.remove_suffix(1);
        }
        const auto value = argument_value(context_.find(name_), key_, written);
        out.push_back(
            {Kind::arguments, cat(has_arguments_ ? ", " : "{", Json(key_).dump(), ": ", value.dump()), {}, {}});
        has_arguments_ = true;
        text.erase(0, end + form_.after_value.size());
        step_ = Step::key;
        break;
      }
    }
  }
}

}  // namespace hearth::inference
