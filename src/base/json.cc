#include "base/json.h"

#include <simdjson.h>

#include <cmath>

namespace hearth {
namespace {

constexpr int kMaxDepth = 1024;

Json convert(simdjson::dom::element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
      return nullptr;
    case simdjson::dom::element_type::BOOL:
      return element.get_bool().value_unsafe();
    case simdjson::dom::element_type::INT64:
      return element.get_int64().value_unsafe();
    case simdjson::dom::element_type::UINT64:
      return static_cast<double>(element.get_uint64().value_unsafe());
    case simdjson::dom::element_type::DOUBLE:
      return element.get_double().value_unsafe();
    case simdjson::dom::element_type::STRING:
      return std::string(element.get_string().value_unsafe());
    case simdjson::dom::element_type::ARRAY: {
      const auto source = element.get_array().value_unsafe();
      Json::Array out;
      out.reserve(source.size());
      for (auto item : source) out.push_back(convert(item));
      return out;
    }
    case simdjson::dom::element_type::OBJECT: {
      const auto source = element.get_object().value_unsafe();
      Json::Object out;
      out.reserve(source.size());
      for (auto [name, item] : source) out.emplace_back(std::string(name), convert(item));
      return out;
    }
  }
  return nullptr;
}

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) return void(out.append("null"));  // JSON has no NaN
  const size_t begin = out.size();
  detail::append(out, number);
  // 1.0 stays a float for readers that tell them apart.
  if (out.find_first_of(".en", begin) == std::string::npos) out.append(".0");
}

// Python writes integers of any length (tokenizer_config.json: 1000000000000000019884624838656); simdjson refuses those
// beyond 64 bits. With an exponent they are doubles.
std::string widen_integers(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (in_string || !((c >= '0' && c <= '9') || c == '-')) {
      if (in_string && c == '\\' && i + 1 < text.size())
        out.push_back(text[i++]);
      else if (c == '"')
        in_string = !in_string;
      out.push_back(text[i++]);
      continue;
    }
    const size_t end = std::min(text.find_first_not_of("+-.0123456789eE", i), text.size());
    const auto number = text.substr(i, end - i);
    out.append(number);
    if (number.size() >= 19 && number.find_first_of(".eE") == std::string_view::npos) out.append("e0");
    i = end;
  }
  return out;
}

const Json& null_json() {
  static const Json null;
  return null;
}

}  // namespace

Result<Json> Json::parse(std::string_view text) {
  if (text.empty()) return Status(Code::bad_input, "not JSON: no text");  // simdjson would copy from a null pointer
  simdjson::dom::parser parser;
  if (auto error = parser.allocate(std::max<size_t>(text.size(), 64), kMaxDepth))
    return Status(Code::too_large, cat("JSON of ", text.size(), " bytes: ", simdjson::error_message(error)));
  simdjson::dom::element root;
  auto error = parser.parse(text.data(), text.size()).get(root);
  if (error == simdjson::NUMBER_ERROR) {
    const auto widened = widen_integers(text);
    error = parser.parse(widened.data(), widened.size()).get(root);
    if (!error) return convert(root);
  }
  if (error) return Status(Code::bad_input, cat("not JSON: ", simdjson::error_message(error)));
  return convert(root);
}

Result<std::vector<std::pair<std::string, std::string_view>>> json_members(std::string_view text) {
  const simdjson::padded_string padded(text);
  simdjson::ondemand::parser parser;
  std::vector<std::pair<std::string, std::string_view>> out;
  const auto failed = [](simdjson::error_code error) {
    return Status(Code::bad_input, cat("not a JSON object: ", simdjson::error_message(error)));
  };
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  if (const auto error = parser.iterate(padded).get(document)) return failed(error);
  if (const auto error = document.get_object().get(object)) return failed(error);
  for (auto field : object) {
    std::string_view key, value;
    if (const auto error = field.unescaped_key().get(key)) return failed(error);
    auto& member = out.emplace_back(std::string(key), std::string_view());
    simdjson::ondemand::value element;
    simdjson::ondemand::json_type type;
    if (const auto error = field.value().get(element)) return failed(error);
    if (const auto error = element.type().get(type)) return failed(error);
    simdjson::error_code error{};
    if (type == simdjson::ondemand::json_type::object) {
      simdjson::ondemand::object inner;
      error = element.get_object().get(inner);
      if (!error) error = inner.raw_json().get(value);
    } else if (type == simdjson::ondemand::json_type::array) {
      simdjson::ondemand::array inner;
      error = element.get_array().get(inner);
      if (!error) error = inner.raw_json().get(value);
    } else {
      value = element.raw_json_token();
    }
    if (error) return failed(error);
    value = trim(value);
    member.second = text.substr(static_cast<size_t>(value.data() - padded.data()), value.size());
  }
  const char* rest = nullptr;
  if (!document.current_location().get(rest))
    return Status(Code::bad_input, "not a JSON object: more follows behind it");
  return out;
}

bool Json::as_bool(bool otherwise) const {
  const auto* b = std::get_if<bool>(&value_);
  return b ? *b : otherwise;
}
int64_t Json::as_int(int64_t otherwise) const {
  if (const auto* i = std::get_if<int64_t>(&value_)) return *i;
  const auto* d = std::get_if<double>(&value_);
  return d && std::abs(*d) < 9.2e18 && std::trunc(*d) == *d ? static_cast<int64_t>(*d) : otherwise;
}
double Json::as_double(double otherwise) const {
  if (const auto* i = std::get_if<int64_t>(&value_)) return static_cast<double>(*i);
  const auto* d = std::get_if<double>(&value_);
  return d ? *d : otherwise;
}
std::string_view Json::as_string(std::string_view otherwise) const {
  const auto* s = std::get_if<std::string>(&value_);
  return s ? std::string_view(*s) : otherwise;
}
const Json::Array& Json::array() const {
  static const Array empty;
  const auto* a = std::get_if<Array>(&value_);
  return a ? *a : empty;
}
const Json::Object& Json::object() const {
  static const Object empty;
  const auto* o = std::get_if<Object>(&value_);
  return o ? *o : empty;
}
Json::Array& Json::array() {
  if (!is_array()) value_ = Array();
  return std::get<Array>(value_);
}
Json::Object& Json::object() {
  if (!is_object()) value_ = Object();
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
  const auto& members = object();
  for (auto member = members.rbegin(); member != members.rend(); ++member)
    if (member->first == key) return &member->second;
  return nullptr;
}
const Json& Json::operator[](std::string_view key) const {
  const auto* found = find(key);
  return found ? *found : null_json();
}
Json& Json::set(std::string_view key, Json value) {
  auto& members = object();
  for (auto& member : members)
    if (member.first == key) return member.second = std::move(value);
  return members.emplace_back(std::string(key), std::move(value)).second;
}
size_t Json::size() const {
  return is_array() ? array().size() : object().size();
}

namespace {

void dump_to(std::string& out, const Json& json, int indent, int depth) {
  const auto line = [&](int level) {
    if (indent > 0) out.append("\n").append(static_cast<size_t>(indent) * static_cast<size_t>(level), ' ');
  };
  if (json.is_null()) return void(out.append("null"));
  if (json.is_bool()) return detail::append(out, json.as_bool());
  if (json.is_int()) return detail::append(out, json.as_int());
  if (json.is_double()) return append_number(out, json.as_double());
  if (json.is_string()) return append_json_string(out, json.as_string());
  out.push_back(json.is_array() ? '[' : '{');
  bool first = true;
  const auto separate = [&] {
    if (!first) out.push_back(',');
    first = false;
    line(depth + 1);
  };
  for (const auto& item : json.array()) {
    separate();
    dump_to(out, item, indent, depth + 1);
  }
  for (const auto& [name, item] : json.object()) {
    separate();
    append_json_string(out, name);
    out.append(indent > 0 ? ": " : ":");
    dump_to(out, item, indent, depth + 1);
  }
  if (!first) line(depth);
  out.push_back(json.is_array() ? ']' : '}');
}

}  // namespace

std::string Json::dump(int indent) const {
  std::string out;
  dump_to(out, *this, indent, 0);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t plain = 0;  // where what needs no escape began
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      case '\b':
        out.append("\\b");
        break;
      case '\f':
        out.append("\\f");
        break;
      default:
        constexpr char kHex[] = "0123456789abcdef";
        out.append("\\u00").append(1, kHex[c >> 4]).append(1, kHex[c & 15]);
    }
  }
  out.append(text, plain);
  out.push_back('"');
}

void JsonWriter::separate() {
  if (!first_ && !after_key_) out_.push_back(',');
  first_ = after_key_ = false;
}
JsonWriter& JsonWriter::begin_object() {
  separate();
  out_.push_back('{');
  closers_.push_back('}');
  first_ = true;
  return *this;
}
JsonWriter& JsonWriter::begin_array() {
  separate();
  out_.push_back('[');
  closers_.push_back(']');
  first_ = true;
  return *this;
}
JsonWriter& JsonWriter::end() {
  VERIFY(!closers_.empty(), "every end() closes a begin");
  out_.push_back(closers_.back());
  closers_.pop_back();
  first_ = false;
  return *this;
}
JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_.push_back(':');
  after_key_ = true;
  return *this;
}
JsonWriter& JsonWriter::null() {
  return raw("null");
}
JsonWriter& JsonWriter::value(bool b) {
  return raw(b ? "true" : "false");
}
JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}
JsonWriter& JsonWriter::value(double number) {
  separate();
  append_number(out_, number);
  return *this;
}
JsonWriter& JsonWriter::value(const Json& json) {
  separate();
  dump_to(out_, json, 0, 0);
  return *this;
}
JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

}  // namespace hearth
