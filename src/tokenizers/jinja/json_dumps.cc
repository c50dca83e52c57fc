// json.dumps, which is what the filter tojson is in chat templates.
// Source: CPython 3.11 json/encoder.py.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "tokenizers/jinja/value.h"

namespace hearth::jinja {
namespace {

class Dumper {
 public:
  Dumper(const JsonStyle& style, size_t max_bytes) : style_(style), max_bytes_(max_bytes) {}

  Status write(const Value& v, int depth) {
    if (out_.size() > max_bytes_) return error("tojson: the text is over the rendering's memory limit");
    if (depth > 1000) return error("maximum recursion depth exceeded while encoding a JSON object");
    if (v.is_none()) {
      out_ += "null";
    } else if (v.is_bool()) {
      out_ += v.truth() ? "true" : "false";
    } else if (v.is_number()) {
      out_ += number(v);
    } else if (v.is_string()) {
      string(v.text());
    } else if (v.is_list() || v.is_tuple()) {
      return list(v.items(), depth);
    } else if (v.is_dict()) {
      return dict(v.dict(), depth);
    } else {
      return error(cat("Object of type ", v.type_name(), " is not JSON serializable"));
    }
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string number(const Value& v) {
    if (v.is_integer()) return cat(v.integer());
    if (std::isnan(v.real())) return "NaN";
    if (std::isinf(v.real())) return v.real() < 0 ? "-Infinity" : "Infinity";
    return repr_double(v.real());
  }

  void unit(char32_t c) {
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_ += "0123456789abcdef"[c >> shift & 15];
  }

  void string(std::string_view text) {
    out_ += '"';
    for (size_t i = 0; i < text.size();) {
      const size_t start = i;
      const char32_t c = utf8_next(text, i);
      constexpr std::string_view kShort = "\"\\\n\r\t\f\b";
      if (const auto at = c < 0x80 ? kShort.find(static_cast<char>(c)) : kShort.npos; at != kShort.npos) {
        (out_ += '\\') += "\"\\nrtfb"[at];
      } else if (c < 0x20 || (style_.ensure_ascii && c >= 0x7F && c < 0x10000)) {
        unit(c);
      } else if (style_.ensure_ascii && c >= 0x10000) {
        unit(0xD800 + ((c - 0x10000) >> 10));
        unit(0xDC00 + ((c - 0x10000) & 0x3FF));
      } else {
        out_ += text.substr(start, i - start);
      }
    }
    out_ += '"';
  }

  void line(int depth) {
    if (!style_.indent) return;
    out_ += '\n';
    for (int i = 0; i < depth; ++i) out_ += *style_.indent;
  }

  Status list(const std::vector<Value>& items, int depth) {
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i != 0) out_ += style_.item_separator;
      line(depth + 1);
      TRY(write(items[i], depth + 1));
    }
    if (!items.empty()) line(depth);
    out_ += ']';
    return {};
  }

  Status dict(const Dict& dict, int depth) {
    std::vector<const Dict::Item*> order;
    for (const auto& item : dict.items) order.push_back(&item);
    if (style_.sort_keys) {
      Status failed;
      std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
        auto less = compare(a->first, b->first);
        if (!less.ok()) failed = std::move(less).status();
        return less.ok() && *less < 0;
      });
      TRY(std::move(failed));
    }
    out_ += '{';
    for (size_t i = 0; i < order.size(); ++i) {
      if (i != 0) out_ += style_.item_separator;
      line(depth + 1);
      const Value& key = order[i]->first;
      if (key.is_string()) {
        string(key.text());
      } else if (key.is_none() || key.is_bool()) {
        out_ += key.is_none() ? "\"null\"" : key.truth() ? "\"true\"" : "\"false\"";
      } else if (key.is_number()) {
        out_ += cat("\"", number(key), "\"");
      } else {
        return error(cat("keys must be str, int, float, bool or None, not ", key.type_name()));
      }
      out_ += style_.key_separator;
      TRY(write(order[i]->second, depth + 1));
    }
    if (!order.empty()) line(depth);
    out_ += '}';
    return {};
  }

  const JsonStyle& style_;
  size_t max_bytes_;
  std::string out_;
};

}  // namespace

Result<std::string> json_dumps(const Value& v, const JsonStyle& style, size_t max_bytes) {
  Dumper dumper(style, max_bytes);
  TRY(dumper.write(v, 0));
  return dumper.take();
}

}  // namespace hearth::jinja
