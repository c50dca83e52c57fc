#include "tokenizers/jinja/value.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <functional>

#include "base/text.h"
#include "base/unicode.h"

namespace hearth::jinja {

namespace {

constexpr size_t kIndexedFrom = 9;  // dicts below this many items are searched item by item

size_t hash_text(std::string_view text) {
  return std::hash<std::string_view>()(text);
}

size_t combine(size_t seed, size_t value) {
  return seed * 1000003U ^ value;
}

template <class Same>
const Dict::Item* probe(const Dict& dict, size_t hashed, const Same& same) {
  const size_t mask = dict.slots.size() - 1;
  for (size_t slot = hashed & mask;; slot = (slot + 1) & mask) {
    const uint32_t number = dict.slots[slot];
    if (number == 0) return nullptr;
    if (same(dict.items[number - 1].first)) return &dict.items[number - 1];
  }
}

template <class Same>
const Dict::Item* scan(const Dict& dict, const Same& same) {
  for (const auto& item : dict.items)
    if (same(item.first)) return &item;
  return nullptr;
}

void place(Dict& dict, size_t hashed, uint32_t number) {
  const size_t mask = dict.slots.size() - 1;
  size_t slot = hashed & mask;
  while (dict.slots[slot] != 0) slot = (slot + 1) & mask;
  dict.slots[slot] = number;
}

bool equal_items(const std::vector<Value>& a, const std::vector<Value>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!equal(a[i], b[i])) return false;
  return true;
}

std::string repr_items(const std::vector<Value>& items, char open, char close) {
  std::string out(1, open);
  for (size_t i = 0; i < items.size(); ++i) {
    if (i != 0) out += ", ";
    out += repr(items[i]);
  }
  if (open == '(' && items.size() == 1) out += ',';
  return out += close;
}

constexpr int64_t kHeaviest = int64_t{1} << 40;

template <class Container>
std::shared_ptr<const Container> contain(std::vector<Value> items) {
  auto made = std::make_shared<Container>();
  for (const auto& item : items) {
    made->depth = std::max(made->depth, item.depth() + 1);
    made->weight = std::min(made->weight + item.weight(), kHeaviest);
  }
  made->items = std::move(items);
  return made;
}

}  // namespace

Value Value::list(std::vector<Value> items) {
  return Value(Variant(contain<List>(std::move(items))));
}

Value Value::tuple(std::vector<Value> items) {
  return Value(Variant(contain<Tuple>(std::move(items))));
}

int Value::depth() const {
  if (is_list()) return std::get<ListPtr>(v_)->depth;
  if (is_tuple()) return std::get<TuplePtr>(v_)->depth;
  if (is_dict()) return dict().depth;
  return is_object() ? object().depth() : 0;
}

int64_t Value::weight() const {
  if (is_string()) return 1 + static_cast<int64_t>(text().size() / 16);
  if (is_list()) return std::get<ListPtr>(v_)->weight;
  if (is_tuple()) return std::get<TuplePtr>(v_)->weight;
  if (is_dict()) return dict().weight;
  return is_object() ? object().weight() : 1;
}

Value Value::from_json(const Json& json) {
  if (json.is_null()) return Value();
  if (json.is_bool()) return Value(json.as_bool());
  if (json.is_int()) return Value(json.as_int());
  if (json.is_double()) return Value(json.as_double());
  if (json.is_string()) return Value(std::string(json.as_string()));
  if (json.is_array()) {
    std::vector<Value> items;
    items.reserve(json.array().size());
    for (const auto& item : json.array()) items.push_back(from_json(item));
    return list(std::move(items));
  }
  auto dict = std::make_shared<Dict>();
  dict->items.reserve(json.object().size());
  for (const auto& [key, value] : json.object()) dict->set(Value(key), from_json(value));
  return Value(DictPtr(std::move(dict)));
}

std::string_view Value::type_name() const {
  constexpr std::string_view kNames[] = {"NoneType", "Undefined", "bool",  "int", "float",
                                         "str",      "list",      "tuple", "dict"};
  if (is_object()) return object().type_name();
  return is_markup() ? "Markup" : kNames[v_.index()];
}

bool Value::truth() const {
  switch (v_.index()) {
    case 0:
    case 1:
      return false;
    case 2:
    case 3:
      return integer() != 0;
    case 4:
      return real() != 0;
    case 5:
      return !text().empty();
    case 6:
    case 7:
      return !items().empty();
    case 8:
      return !dict().items.empty();
    default:
      return object().truth();
  }
}

const Value* Dict::find(std::string_view key) const {
  const auto same = [&](const Value& other) { return other.is_string() && other.text() == key; };
  const auto* item = slots.empty() ? scan(*this, same) : probe(*this, hash_text(key), same);
  return item == nullptr ? nullptr : &item->second;
}

const Value* Dict::find(const Value& key) const {
  if (key.is_string()) return find(std::string_view(key.text()));
  const auto same = [&](const Value& other) { return equal(other, key); };
  const auto* item = slots.empty() ? scan(*this, same) : probe(*this, hash(key), same);
  return item == nullptr ? nullptr : &item->second;
}

void Dict::set(Value key, Value value) {
  depth = std::max({depth, key.depth() + 1, value.depth() + 1});
  weight = std::min(weight + key.weight() + value.weight(), kHeaviest);
  if (const Value* present = find(key)) {
    *const_cast<Value*>(present) = std::move(value);  // an item of this very dict
    return;
  }
  items.emplace_back(std::move(key), std::move(value));
  if (items.size() < kIndexedFrom) return;
  if (items.size() * 2 > slots.size()) {
    slots.assign(items.size() * 4 < 32 ? 32 : std::bit_ceil(items.size() * 4), 0);
    for (size_t i = 0; i < items.size(); ++i) place(*this, hash(items[i].first), static_cast<uint32_t>(i + 1));
  } else {
    place(*this, hash(items.back().first), static_cast<uint32_t>(items.size()));
  }
}

std::string Object::repr() const {
  return cat("<", type_name(), " object>");
}

Result<Value> Object::call(Machine&, const Arguments&) {
  return error(cat("'", type_name(), "' object is not callable"));
}

// ---------------------------------------------------------------- meaning

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_integer() && b.is_integer()) return a.integer() == b.integer();
    return a.real() == b.real();
  }
  if (a.is_string() && b.is_string()) return a.text() == b.text();
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  if ((a.is_list() && b.is_list()) || (a.is_tuple() && b.is_tuple())) return equal_items(a.items(), b.items());
  if (a.is_dict() && b.is_dict()) {
    if (a.dict().items.size() != b.dict().items.size()) return false;
    for (const auto& [key, value] : a.dict().items) {
      const Value* other = b.dict().find(key);
      if (other == nullptr || !equal(value, *other)) return false;
    }
    return true;
  }
  return a.is_object() && b.is_object() && &a.object() == &b.object();
}

Result<int> compare(const Value& a, const Value& b, std::string_view op) {
  if (a.is_undefined()) return error(a.undefined_message());
  if (b.is_undefined()) return error(b.undefined_message());
  if (a.is_number() && b.is_number()) {
    if (a.is_integer() && b.is_integer()) return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
    return a.real() < b.real() ? -1 : a.real() > b.real();
  }
  if (a.is_string() && b.is_string()) {
    const int order = a.text().compare(b.text());  // UTF-8 orders as its code points do
    return order < 0 ? -1 : order > 0;
  }
  if ((a.is_list() && b.is_list()) || (a.is_tuple() && b.is_tuple())) {
    const auto& x = a.items();
    const auto& y = b.items();
    for (size_t i = 0; i < x.size() && i < y.size(); ++i)
      if (!equal(x[i], y[i])) return compare(x[i], y[i], op);
    return x.size() < y.size() ? -1 : x.size() > y.size();
  }
  return error(cat("'", op, "' not supported between instances of '", a.type_name(), "' and '", b.type_name(), "'"));
}

bool hashable(const Value& v) {
  if (v.is_list() || v.is_dict()) return false;
  if (v.is_tuple())
    for (const auto& item : v.items())
      if (!hashable(item)) return false;
  return true;
}

size_t hash(const Value& v) {
  if (v.is_string()) return hash_text(v.text());
  if (v.is_integer()) return std::hash<double>()(static_cast<double>(v.integer()));  // 1, 1.0 and True are one key
  if (v.is_double()) return std::hash<double>()(v.real());
  if (v.is_tuple()) {
    size_t seed = 0x345678;
    for (const auto& item : v.items()) seed = combine(seed, hash(item));
    return seed;
  }
  if (v.is_object()) return std::hash<const void*>()(&v.object());
  return v.is_none() ? 1 : 2;
}

// ---------------------------------------------------------------- spelling

std::pair<std::string, int> shortest_digits(double d) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, d, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const auto e = text.find('e');
  std::string digits(text.substr(0, e));
  if (digits.size() > 1) digits.erase(1, 1);  // the point
  int exponent = 0;
  const auto sign = text[e + 1];
  std::from_chars(buffer + e + 2, end, exponent);
  return {std::move(digits), (sign == '-' ? -exponent : exponent) + 1};
}

std::string repr_double(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d < 0 ? "-inf" : "inf";
  const std::string sign = std::signbit(d) ? "-" : "";
  if (d == 0) return sign + "0.0";
  auto [digits, point] = shortest_digits(std::fabs(d));
  const int count = static_cast<int>(digits.size());
  if (point > 16 || point < -3) {  // repr goes scientific at 1e16 and below 1e-4
    std::string out = sign + digits.substr(0, 1);
    if (count > 1) out += "." + digits.substr(1);
    const int exponent = point - 1;
    const int magnitude = exponent < 0 ? -exponent : exponent;
    return cat(out, exponent < 0 ? "e-" : "e+", magnitude < 10 ? "0" : "", magnitude);
  }
  if (point <= 0) return cat(sign, "0.", std::string(static_cast<size_t>(-point), '0'), digits);
  if (count <= point) return cat(sign, digits, std::string(static_cast<size_t>(point - count), '0'), ".0");
  return cat(sign, digits.substr(0, static_cast<size_t>(point)), ".", digits.substr(static_cast<size_t>(point)));
}

namespace {

bool printable(char32_t c) {
  if (c == ' ') return true;
  using enum unicode::Category;
  switch (unicode::category(c)) {
    case Cc:
    case Cf:
    case Cs:
    case Co:
    case Cn:
    case Zl:
    case Zp:
    case Zs:
      return false;
    default:
      return true;
  }
}

void append_hex(std::string& out, char32_t c, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[c >> shift & 15];
}

}  // namespace

std::string repr_text(std::string_view text) {
  const char quote = contains(text, "'") && !contains(text, "\"") ? '"' : '\'';
  std::string out(1, quote);
  for (size_t i = 0; i < text.size();) {
    const size_t start = i;
    const char32_t c = utf8_next(text, i);
    if (c == static_cast<unsigned char>(quote) || c == '\\') {
      (out += '\\') += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (printable(c)) {
      out += text.substr(start, i - start);
    } else if (c < 0x100) {
      append_hex(out += "\\x", c, 2);
    } else if (c < 0x10000) {
      append_hex(out += "\\u", c, 4);
    } else {
      append_hex(out += "\\U", c, 8);
    }
  }
  return out += quote;
}

std::string repr(const Value& v) {
  if (v.is_undefined()) return "Undefined";
  if (v.is_string()) return v.is_markup() ? cat("Markup(", repr_text(v.text()), ")") : repr_text(v.text());
  if (v.is_list()) return repr_items(v.items(), '[', ']');
  if (v.is_tuple()) return repr_items(v.items(), '(', ')');
  if (v.is_dict()) {
    std::string out = "{";
    for (const auto& [key, value] : v.dict().items) {
      if (out.size() > 1) out += ", ";
      ((out += repr(key)) += ": ") += repr(value);
    }
    return out += '}';
  }
  return str(v);
}

std::string str(const Value& v) {
  if (v.is_none()) return "None";
  if (v.is_undefined()) return {};
  if (v.is_bool()) return v.truth() ? "True" : "False";
  if (v.is_integer()) return cat(v.integer());
  if (v.is_double()) return repr_double(v.real());
  if (v.is_string()) return v.text();
  if (v.is_object()) return v.object().repr();
  return repr(v);
}

std::string type_repr(const Value& v) {
  if (v.is_none()) return "None";
  if (v.is_undefined()) return "jinja2.runtime.Undefined object";
  return cat(v.type_name(), " object");
}

bool is_space(char32_t c) {
  return c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31) : unicode::is(c, unicode::space);
}

std::string_view strip_left(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t start = i;
    if (!is_space(utf8_next(text, i))) return text.substr(start);
  }
  return {};
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (text[start] & 0xC0) == 0x80) --start;
    size_t next = start;
    if (!is_space(utf8_next(text, next))) break;
    text = text.substr(0, start);
  }
  return text;
}

}  // namespace hearth::jinja
