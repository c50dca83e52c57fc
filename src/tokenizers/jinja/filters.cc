// The filters over text, numbers and single values; those over sequences are in filters_sequence.cc. Source:
// jinja2 3.1.6 filters.py; tojson: transformers 5.23.0 utils/chat_template_utils.py.
#include "tokenizers/jinja/filters.h"

#include <algorithm>
#include <cmath>

#include "base/encoding.h"
#include "base/text.h"
#include "base/unicode.h"
#include "tokenizers/jinja/objects.h"

namespace hearth::jinja {

std::string escape_markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> out;
  size_t start = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t at = i;
    const char32_t c = utf8_next(text, i);
    const bool breaks = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (!breaks) continue;
    if (c == '\r' && i < text.size() && text[i] == '\n') ++i;
    out.push_back(text.substr(start, at - start));
    start = i;
  }
  if (start < text.size()) out.push_back(text.substr(start));
  return out;
}

Result<Bound> Bound::bind(std::string_view function, const Arguments& arguments,
                          std::initializer_list<std::string_view> names, size_t required) {
  Bound out;
  out.values_.assign(names.size(), nullptr);
  if (arguments.positional.size() > names.size())
    return error(
        cat(function, "() takes at most ", names.size(), " arguments (", arguments.positional.size(), " given)"));
  for (size_t i = 0; i < arguments.positional.size(); ++i) out.values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) return error(cat(function, "() got an unexpected keyword argument ", repr_text(name)));
    auto& slot = out.values_[static_cast<size_t>(it - names.begin())];
    if (slot != nullptr) return error(cat(function, "() got multiple values for argument ", repr_text(name)));
    slot = &value;
  }
  for (size_t i = 0; i < required; ++i)
    if (out.values_[i] == nullptr)
      return error(cat(function, "() missing required argument: '", *(names.begin() + i), "'"));
  return out;
}

Result<int64_t> Bound::integer(size_t index, int64_t otherwise) const {
  const Value* v = values_[index];
  if (v == nullptr || v->is_none()) return otherwise;
  if (v->is_undefined()) return error(v->undefined_message());
  if (!v->is_integer()) return error(cat("'", v->type_name(), "' object cannot be interpreted as an integer"));
  return v->integer();
}

namespace {

// The value as text: soft_str, which keeps Markup.
Result<Value> soft(Machine& machine, const Value& v) {
  if (v.is_string()) return v;
  return machine.text(TRY(machine.str(v)));
}

Result<Value> method(Machine& machine, const Value& v, std::string_view name, const Arguments& arguments = {}) {
  const auto text = TRY(soft(machine, v));
  return find_method(text, name)(machine, text, arguments);
}

Result<Value> upper(Machine& machine, const Value& v, const Arguments&) {
  return method(machine, v, "upper");
}
Result<Value> lower(Machine& machine, const Value& v, const Arguments&) {
  return method(machine, v, "lower");
}
Result<Value> capitalize(Machine& machine, const Value& v, const Arguments&) {
  return method(machine, v, "capitalize");
}
Result<Value> string(Machine& machine, const Value& v, const Arguments&) {
  return soft(machine, v);
}

Result<Value> trim(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_trim", arguments, {"chars"}));
  Arguments chars;
  if (bound[0] != nullptr) chars.positional.push_back(*bound[0]);
  return method(machine, v, "strip", chars);
}

Result<Value> center(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_center", arguments, {"width"}));
  return method(machine, v, "center", {{Value(TRY(bound.integer(0, 80)))}, {}});
}

Result<Value> replace(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_replace", arguments, {"old", "new", "count"}, 2));
  Arguments strings;
  for (size_t i = 0; i < 2; ++i) strings.positional.emplace_back(TRY(machine.str(*bound[i])));
  strings.positional.emplace_back(TRY(bound.integer(2, -1)));
  const Value text{TRY(machine.str(v))};
  return find_method(text, "replace")(machine, text, strings);
}

// Each piece between separators: its first character upper, the others lower.
Result<Value> title(Machine& machine, const Value& v, const Arguments&) {
  const auto text = TRY(soft(machine, v));
  const std::string& whole = text.text();
  std::string out, piece;
  bool first = true;
  const auto flush = [&] {
    out += unicode::to_lower(piece);
    piece.clear();
  };
  for (size_t i = 0; i < whole.size();) {
    const char32_t c = utf8_next(whole, i);
    const bool separates = is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    if (separates || first) flush();
    if (separates)
      utf8_append(out, c);
    else if (first)
      unicode::append_upper(out, c);
    else
      utf8_append(piece, c);
    first = separates;
  }
  flush();
  return machine.text(std::move(out));
}

Result<Value> fallback(Machine&, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_default", arguments, {"default_value", "boolean"}));
  if (!v.is_undefined() && !(bound.truth(1, false) && !v.truth())) return v;
  return bound[0] == nullptr ? Value(std::string()) : *bound[0];
}

Result<Value> to_json(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ensure_ascii = bound.truth(0, false);
  style.sort_keys = bound.truth(3, false);
  if (const Value* indent = bound[1]; indent != nullptr && !indent->is_none()) {
    if (indent->is_string()) {
      style.indent = indent->text();
    } else {
      const int64_t width = TRY(bound.integer(1, 0));
      if (width > 1000) return error("tojson: indent is over 1000");
      style.indent = std::string(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
    }
    style.item_separator = ",";
  }
  if (const Value* separators = bound[2]; separators != nullptr && !separators->is_none()) {
    const auto pair = TRY(machine.items(*separators));
    if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
      return error("tojson: separators are a pair of strings");
    style.item_separator = pair[0].text();
    style.key_separator = pair[1].text();
  }
  TRY(machine.step(v.weight()));
  return machine.text(TRY(json_dumps(v, style, static_cast<size_t>(machine.bytes_left()))));
}

Result<Value> indent(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_indent", arguments, {"width", "first", "blank"}));
  if (v.is_undefined()) return error(v.undefined_message());
  if (!v.is_string()) return error(cat("unsupported operand type(s) for +=: '", v.type_name(), "' and 'str'"));
  std::string indention;
  if (bound[0] != nullptr && bound[0]->is_string()) {
    indention = bound[0]->text();
  } else {
    const auto width = std::max<int64_t>(TRY(bound.integer(0, 4)), 0);
    if (width > (1 << 16)) return error("indent: width is over 65536");
    indention.assign(static_cast<size_t>(width), ' ');
  }
  const auto whole = v.text() + "\n";  // so that a last empty line counts
  const auto lines = split_lines(whole);
  TRY(machine.allocate(static_cast<int64_t>(lines.size() * indention.size())));
  std::string out = bound.truth(1, false) ? indention : "";
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i > 0 && (!lines[i].empty() || bound.truth(2, false))) out += indention;
    out += lines[i];
  }
  return machine.text(std::move(out), v.is_markup());
}

Result<Value> truncate(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_truncate", arguments, {"length", "killwords", "end", "leeway"}));
  if (!v.is_string()) return error(cat("object of type '", v.type_name(), "' has no len()"));
  const std::string end = bound[2] != nullptr ? TRY(machine.str(*bound[2])) : "...";
  const int64_t length = TRY(bound.integer(0, 255)), leeway = TRY(bound.integer(3, 5));
  const auto end_length = static_cast<int64_t>(utf8_length(end));
  if (length < end_length) return error(cat("expected length >= ", end_length, ", got ", length));
  if (leeway < 0) return error(cat("expected leeway >= 0, got ", leeway));
  const std::string& text = v.text();
  if (static_cast<int64_t>(utf8_length(text)) <= length + leeway) return v;
  size_t cut = 0;
  for (int64_t i = 0; i < length - end_length; ++i) utf8_next(text, cut);
  auto kept = text.substr(0, cut);
  if (!bound.truth(1, false))
    if (const auto space = kept.rfind(' '); space != kept.npos) kept.resize(space);
  return machine.text(kept + end);
}

// textwrap.wrap of one line, which keeps its white space inside and breaks after hyphens between letters.
void wrap_line(std::string_view line, size_t width, bool break_long, bool on_hyphens, std::vector<std::string>& out) {
  std::vector<std::string> chunks;
  for (size_t i = 0; i < line.size();) {
    size_t end = i;
    const bool space = line[i] == ' ' || line[i] == '\t';
    while (end < line.size() && (line[end] == ' ' || line[end] == '\t') == space) {
      ++end;
      if (!space && on_hyphens && line[end - 1] == '-' && end - i > 1 && end < line.size() &&
          std::isalpha(static_cast<unsigned char>(line[end - 2])) != 0 &&
          std::isalpha(static_cast<unsigned char>(line[end])) != 0)
        break;
    }
    chunks.emplace_back(line.substr(i, end - i));
    i = end;
  }
  std::string current;
  size_t length = 0;
  const auto flush = [&] {
    const auto last = current.find_last_not_of(" \t");
    current.resize(last == current.npos ? 0 : last + 1);
    if (!current.empty()) out.push_back(std::move(current));
    current.clear();
    length = 0;
  };
  for (auto& chunk : chunks) {
    size_t size = utf8_length(chunk);
    const bool blank = chunk.find_first_not_of(" \t") == chunk.npos;
    if (length + size > width && length > 0 && !(size > width && break_long)) flush();
    if (blank && length == 0 && !out.empty()) continue;
    while (size > width && break_long) {
      const size_t room = std::max<size_t>(width - length, 1);
      size_t cut = 0;
      for (size_t i = 0; i < room && cut < chunk.size(); ++i) utf8_next(chunk, cut);
      current += chunk.substr(0, cut);
      flush();
      chunk.erase(0, cut);
      size = utf8_length(chunk);
    }
    current += chunk;
    length += size;
  }
  flush();
}

Result<Value> wordwrap(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound =
      TRY(Bound::bind("do_wordwrap", arguments, {"width", "break_long_words", "wrapstring", "break_on_hyphens"}));
  if (!v.is_string()) return error(cat(repr_text(type_repr(v)), " has no attribute 'splitlines'"));
  const int64_t width = TRY(bound.integer(0, 79));
  if (width <= 0) return error(cat("invalid width ", width, " (must be > 0)"));
  const auto between = bound[2] != nullptr && bound[2]->is_string() ? bound[2]->text() : std::string("\n");
  std::vector<std::string> paragraphs;
  for (const auto line : split_lines(v.text())) {
    std::vector<std::string> lines;
    wrap_line(line, static_cast<size_t>(width), bound.truth(1, true), bound.truth(3, true), lines);
    TRY(machine.allocate(static_cast<int64_t>(line.size() + lines.size() * between.size())));
    paragraphs.push_back(join(lines, between));
  }
  return machine.text(join(paragraphs, between));
}

Result<Value> wordcount(Machine& machine, const Value& v, const Arguments&) {
  const auto text = TRY(soft(machine, v));
  int64_t count = 0;
  bool inside = false;
  for (size_t i = 0; i < text.text().size();) {
    const char32_t c = utf8_next(text.text(), i);
    const bool word = c == '_' || unicode::is(c, unicode::letter | unicode::number);
    count += word && !inside;
    inside = word;
  }
  return Value(count);
}

Result<Value> to_int(Machine&, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_int", arguments, {"default", "base"}));
  const Value otherwise = bound[0] == nullptr ? Value(int64_t{0}) : *bound[0];
  const auto of_double = [&](double d) { return std::fabs(d) < 9.2e18 ? Value(static_cast<int64_t>(d)) : otherwise; };
  if (v.is_integer()) return Value(v.integer());
  if (v.is_double()) {
    if (!std::isfinite(v.real())) return otherwise;
    return of_double(v.real());
  }
  if (v.is_undefined()) return error(v.undefined_message());
  if (!v.is_string()) return otherwise;
  if (const auto n = int_of_text(v.text(), static_cast<int>(TRY(bound.integer(1, 10))))) return Value(*n);
  if (const auto d = float_of_text(v.text()); d && std::isfinite(*d)) return of_double(*d);
  return otherwise;
}

Result<Value> to_float(Machine&, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_float", arguments, {"default"}));
  if (v.is_number()) return Value(v.real());
  if (v.is_undefined()) return error(v.undefined_message());
  if (v.is_string())
    if (const auto d = float_of_text(v.text())) return Value(*d);
  return bound[0] == nullptr ? Value(0.0) : *bound[0];
}

Result<Value> round(Machine&, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_round", arguments, {"precision", "method"}));
  const int64_t precision = TRY(bound.integer(0, 0));
  const auto mode = bound[1] != nullptr && bound[1]->is_string() ? bound[1]->text() : std::string("common");
  if (v.is_undefined()) return error(v.undefined_message());
  if (mode != "common" && mode != "ceil" && mode != "floor") return error("method must be common, ceil or floor");
  if (!v.is_number()) return error(cat("type ", v.type_name(), " doesn't define __round__ method"));
  if (mode == "common") {
    if (v.is_double()) return Value(round_decimal(v.real(), precision));
    if (precision >= 0) return Value(v.integer());
    if (precision < -18) return Value(int64_t{0});
    const auto scale = static_cast<int64_t>(std::pow(10, -precision));
    int64_t down = v.integer() / scale * scale;
    if (down > v.integer()) down -= scale;
    const int64_t twice = 2 * (v.integer() - down);
    return Value(twice > scale || (twice == scale && (down / scale) % 2 != 0) ? down + scale : down);
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double moved = mode == "ceil" ? std::ceil(v.real() * scale) : std::floor(v.real() * scale);
  return Value(moved / scale);
}

Result<Value> absolute(Machine& machine, const Value& v, const Arguments&) {
  if (v.is_undefined()) return error(v.undefined_message());
  if (!v.is_number()) return error(cat("bad operand type for abs(): '", v.type_name(), "'"));
  if (v.is_double()) return Value(std::fabs(v.real()));
  return v.integer() < 0 ? binary(machine, "*", v, Value(int64_t{-1})) : Result<Value>(Value(v.integer()));
}

Result<Value> format(Machine& machine, const Value& v, const Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    return error("can't handle positional and keyword arguments at the same time");
  const auto text = TRY(soft(machine, v));
  Value operand = TRY(machine.tuple(arguments.positional));
  if (!arguments.named.empty()) {
    auto named = std::make_shared<Dict>();
    for (const auto& [name, value] : arguments.named) named->set(Value(name), value);
    operand = TRY(machine.dict(std::move(named)));
  }
  return format_percent(machine, text.text(), operand, text.is_markup());
}

Result<Value> safe(Machine& machine, const Value& v, const Arguments&) {
  return machine.text(TRY(machine.str(v)), true);
}
Result<Value> escape(Machine& machine, const Value& v, const Arguments&) {
  if (v.is_markup()) return v;
  return machine.text(escape_markup(TRY(machine.str(v))), true);
}
Result<Value> force_escape(Machine& machine, const Value& v, const Arguments&) {
  return machine.text(escape_markup(TRY(machine.str(v))), true);
}

std::string unescape_markup(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"&lt;", "<"},    {"&gt;", ">"},        {"&#39;", "'"}, {"&#34;", "\""},
      {"&quot;", "\""}, {"&nbsp;", "\u00A0"}, {"&amp;", "&"}};
  for (const auto& [from, to] : kNames) text = replace_all(text, from, to);
  return text;
}

Result<Value> striptags(Machine& machine, const Value& v, const Arguments&) {
  std::string text = TRY(machine.str(v));
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"<!--", "-->"}, {"<", ">"}}) {
    std::string out;
    size_t at = 0;
    while (true) {
      const auto start = text.find(open, at);
      const auto end = start == text.npos ? text.npos : text.find(close, start + open.size());
      if (end == text.npos) break;
      out.append(text, at, start - at);
      at = end + close.size();
    }
    text = out.append(text, at);
  }
  std::string out;
  for (auto rest = strip_left(text); !rest.empty(); rest = strip_left(rest)) {
    size_t end = 0;
    for (size_t next = 0; end < rest.size(); end = next)
      if (is_space(utf8_next(rest, next))) break;
    if (!out.empty()) out += ' ';
    out += rest.substr(0, end);
    rest.remove_prefix(end);
  }
  return machine.text(unescape_markup(std::move(out)));
}

Result<std::string> url_quote(Machine& machine, const Value& v, bool for_query) {
  auto out = percent_encode(TRY(machine.str(v)), /*keep_slash=*/!for_query);
  return for_query ? replace_all(out, "%20", "+") : out;
}

Result<Value> urlencode(Machine& machine, const Value& v, const Arguments&) {
  if (v.is_string() || !machine.iterate(v).ok()) return machine.text(TRY(url_quote(machine, v, false)));
  std::string out;
  const auto add = [&](const Value& key, const Value& value) -> Status {
    if (!out.empty()) out += '&';
    out += TRY(url_quote(machine, key, true));
    out += '=';
    out += TRY(url_quote(machine, value, true));
    return {};
  };
  if (v.is_dict()) {
    for (const auto& [key, value] : v.dict().items) TRY(add(key, value));
  } else {
    for (const auto& item : TRY(machine.items(v))) {
      const auto pair = TRY(machine.items(item));
      if (pair.size() != 2) return error(cat("not enough values to unpack (expected 2, got ", pair.size(), ")"));
      TRY(add(pair[0], pair[1]));
    }
  }
  return machine.text(std::move(out));
}

Result<Value> xmlattr(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_xmlattr", arguments, {"autospace"}));
  if (!v.is_dict()) return error(cat(repr_text(type_repr(v)), " has no attribute 'items'"));
  std::string out;
  for (const auto& [key, value] : v.dict().items) {
    if (value.is_none() || value.is_undefined()) continue;
    const auto name = TRY(machine.str(key));
    if (name.find_first_of(" \t\n\r\f\v/>=") != name.npos)
      return error(cat("Invalid character in attribute name: ", repr_text(name)));
    if (!out.empty()) out += ' ';
    out += cat(escape_markup(name), "=\"", escape_markup(TRY(machine.str(value))), "\"");
  }
  if (bound.truth(0, true) && !out.empty()) out.insert(0, " ");
  return machine.text(std::move(out));
}

Result<Value> filesizeformat(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_filesizeformat", arguments, {"binary"}));
  const auto number = v.is_number() ? v.real() : v.is_string() ? float_of_text(v.text()) : std::nullopt;
  if (!number) return error(cat("could not convert to float: ", TRY(machine.repr(v))));
  const bool binary = bound.truth(0, false);
  const double base = binary ? 1024 : 1000;
  if (*number == 1) return machine.text("1 Byte");
  if (*number < base) return machine.text(cat(static_cast<int64_t>(*number), " Bytes"));
  constexpr std::string_view kLetters = "kMGTPEZY";
  double unit = base;
  for (size_t i = 0;; ++i) {
    unit *= base;
    if (*number >= unit && i + 1 < kLetters.size()) continue;
    const auto shown = TRY(format_value(Value(base * *number / unit), ".1f"));
    const std::string letter(1, binary && i == 0 ? 'K' : kLetters[i]);
    return machine.text(cat(shown, " ", letter, binary ? "iB" : "B"));
  }
}

Result<Value> attribute(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_attr", arguments, {"name"}, 1));
  if (!bound[0]->is_string()) return error("attribute name must be string");
  const auto& name = bound[0]->text();
  if (v.is_dict() && find_method(v, name) == nullptr && !is_mutating_method(v, name))
    return Value::undefined(cat("'dict object' has no attribute ", repr_text(name)));
  return machine.attribute(v, name);
}

Result<Value> pprint(Machine& machine, const Value& v, const Arguments&) {
  return machine.text(TRY(machine.repr(v)));
}

constexpr FilterRow kRows[] = {
    {"abs", absolute},
    {"attr", attribute},
    {"capitalize", capitalize},
    {"center", center},
    {"d", fallback},
    {"default", fallback},
    {"e", escape},
    {"escape", escape},
    {"filesizeformat", filesizeformat},
    {"float", to_float},
    {"forceescape", force_escape},
    {"format", format},
    {"indent", indent},
    {"int", to_int},
    {"lower", lower},
    {"pprint", pprint},
    {"replace", replace},
    {"round", round},
    {"safe", safe},
    {"string", string},
    {"striptags", striptags},
    {"title", title},
    {"tojson", to_json},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", upper},
    {"urlencode", urlencode},
    {"wordcount", wordcount},
    {"wordwrap", wordwrap},
    {"xmlattr", xmlattr},
};

}  // namespace

FilterFunction find_filter(std::string_view name) {
  for (const auto rows : {std::span<const FilterRow>(kRows), sequence_filters()})
    for (const auto& row : rows)
      if (row.name == name) return row.function;
  return nullptr;
}

}  // namespace hearth::jinja
