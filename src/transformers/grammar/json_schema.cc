// JSON Schemas as grammars.
// Source: JSON Schema 2020-12 (core and validation), the older names `definitions`, `items` as a list and
// `additionalItems`; llama.cpp common/json-schema-to-grammar.cpp for the order of members and closed objects.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "transformers/grammar/json_schema.h"
#include "transformers/grammar/json_values.h"
#include "transformers/grammar/regex.h"

namespace hearth::grammar {
namespace {

constexpr int kDepthMax = 100;
constexpr size_t kSchemasMax = 5000, kMembersMax = 1000, kNameMax = 500;
constexpr int64_t kCountMax = 100'000;
constexpr double kBoundMax = 999'999'999'999'999'999.0;  // 18 digits

// Keywords that a text could break unseen.
constexpr std::string_view kUnsupported[] = {"not",
                                             "if",
                                             "then",
                                             "else",
                                             "dependentSchemas",
                                             "dependentRequired",
                                             "dependencies",
                                             "patternProperties",
                                             "propertyNames",
                                             "minProperties",
                                             "maxProperties",
                                             "unevaluatedProperties",
                                             "unevaluatedItems",
                                             "contains",
                                             "minContains",
                                             "maxContains",
                                             "$dynamicRef",
                                             "$recursiveRef"};
// Keywords that decide which texts are of a schema. All others only tell of it.
constexpr std::string_view kDeciding[] = {"$ref",
                                          "type",
                                          "enum",
                                          "const",
                                          "anyOf",
                                          "oneOf",
                                          "allOf",
                                          "properties",
                                          "required",
                                          "additionalProperties",
                                          "items",
                                          "prefixItems",
                                          "additionalItems",
                                          "minItems",
                                          "maxItems",
                                          "uniqueItems",
                                          "pattern",
                                          "format",
                                          "minLength",
                                          "maxLength",
                                          "minimum",
                                          "maximum",
                                          "exclusiveMinimum",
                                          "exclusiveMaximum",
                                          "multipleOf"};

bool is_deciding(std::string_view key) {
  return std::ranges::find(kDeciding, key) != std::end(kDeciding) ||
         std::ranges::find(kUnsupported, key) != std::end(kUnsupported);
}

double number_of(const Json& value) {
  return value.as_double(static_cast<double>(value.as_int()));
}

bool is_whole(const Json& value) {
  return value.is_int() || (value.is_double() && std::floor(value.as_double()) == value.as_double());
}

/// Whether a value is of the type, or of one of the types, that a schema names.
bool is_of_type(const Json& value, const Json& type) {
  if (type.is_array())
    return std::ranges::any_of(type.array(), [&](const Json& one) { return is_of_type(value, one); });
  const auto name = type.as_string();
  if (name == "null") return value.is_null();
  if (name == "boolean") return value.is_bool();
  if (name == "string") return value.is_string();
  if (name == "integer") return is_whole(value);
  if (name == "number") return value.is_number();
  if (name == "array") return value.is_array();
  if (name == "object") return value.is_object();
  return true;
}

class Compiler {
 public:
  Compiler(Builder& to, const Json& document, std::string name)
      : document_(document), name_(std::move(name)), to_(to) {}

  Result<RuleId> compile() {
    const auto root = to_.rule(cat(name_, " #"));
    // A reference to "#" is this very rule.
    to_.define(root, to_.empty());
    to_.define(root, TRY(write(document_, "#", 0)));
    return root;
  }

 private:
  static Status wrong(const std::string& where, std::string_view what) {
    return {Code::bad_input, cat("the schema at ", where, ": ", what)};
  }
  static Status unsupported(const std::string& where, std::string_view what) {
    return {Code::unsupported, cat("the schema at ", where, ": ", what, " is not something that texts can be held to")};
  }

  Result<ExprId> write(const Json& schema, const std::string& where, int depth) {
    if (depth > kDepthMax || ++schemas_ > kSchemasMax) return wrong(where, "it is too large, or nests too deep");
    if (schema == Json(true)) return values_.value();
    if (schema == Json(false)) return to_.any_of({});
    if (!schema.is_object()) return wrong(where, "a schema is an object, true or false");
    for (const auto& [key, value] : schema.object())
      if (std::ranges::find(kUnsupported, key) != std::end(kUnsupported)) return unsupported(where, cat("'", key, "'"));
    if (const auto* ref = schema.find("$ref")) return reference(schema, *ref, where, depth);
    if (schema.find("allOf")) return write(TRY(flattened(schema, where, depth)), where, depth + 1);
    for (const std::string_view key : {"anyOf", "oneOf"})
      if (const auto* ways = schema.find(key)) return one_of(schema, *ways, key, where, depth);
    if (const auto* only = schema.find("const")) return values_.literal(*only);
    if (const auto* all = schema.find("enum")) {
      if (!all->is_array()) return wrong(where, "'enum' is a list");
      std::vector<ExprId> ways;
      for (const auto& value : all->array())
        if (is_of_type(value, schema["type"])) ways.push_back(values_.literal(value));
      return to_.any_of(std::move(ways));
    }
    return typed(schema, where, depth);
  }

  // ---- schemas of several ----

  /// A copy without one member.
  static Json without(const Json& schema, std::string_view key) {
    Json::Object out;
    for (const auto& member : schema.object())
      if (member.first != key) out.push_back(member);
    return out;
  }
  static bool decides(const Json& schema) {
    return std::ranges::any_of(schema.object(), [](const auto& member) { return is_deciding(member.first); });
  }

  Result<const Json*> target(const Json& ref, const std::string& where) const {
    const auto path = ref.as_string();
    if (!path.starts_with('#'))
      return unsupported(where, cat("'$ref' to ", ref.dump(), ", outside the schema itself,"));
    const Json* out = &document_;
    for (const auto part : split(path.substr(1), '/')) {
      if (part.empty()) continue;
      const auto key = replace_all(replace_all(part, "~1", "/"), "~0", "~");
      const auto index = parse_int(key);
      if (out->is_array() && index && *index >= 0 && static_cast<size_t>(*index) < out->size())
        out = &out->array()[static_cast<size_t>(*index)];
      else
        out = out->find(key);
      if (!out) return wrong(where, cat("'$ref' names ", path, ", which is not there"));
    }
    return out;
  }

  /// A rule for each place of the document that is referred to, so that schemas can name themselves.
  Result<ExprId> reference(const Json& schema, const Json& ref, const std::string& where, int depth) {
    const auto rest = without(schema, "$ref");
    if (decides(rest)) return write(TRY(flattened(schema, where, depth)), where, depth + 1);
    const auto* found = TRY(target(ref, where));
    std::string path(ref.as_string());
    if (path == "#/") path = "#";
    const auto rule = to_.rule(cat(name_, " ", path));
    if (!to_.is_defined(rule)) {
      to_.define(rule, to_.empty());
      to_.define(rule, TRY(write(*found, path, depth + 1)));
    }
    return to_.call(rule);
  }

  /// allOf, and a $ref with company, as one schema.
  Result<Json> flattened(const Json& schema, const std::string& where, int depth) {
    if (depth > kDepthMax || ++schemas_ > kSchemasMax)
      return wrong(where, "its parts refer to each other without end, or are too many");
    Json out = without(without(schema, "allOf"), "$ref");
    std::vector<Json> parts;
    if (const auto* ref = schema.find("$ref")) parts.push_back(*TRY(target(*ref, where)));
    if (const auto* all = schema.find("allOf")) {
      if (!all->is_array()) return wrong(where, "'allOf' is a list");
      for (const auto& part : all->array()) parts.push_back(part);
    }
    for (auto part : parts) {
      if (part == Json(true)) continue;
      if (!part.is_object()) return unsupported(where, "'allOf' with a part that is no object");
      if (part.find("allOf") || part.find("$ref")) part = TRY(flattened(part, where, depth + 1));
      out = TRY(merged(std::move(out), part, where));
    }
    return out;
  }

  /// What both schemas allow.
  static Result<Json> merged(Json a, const Json& b, const std::string& where) {
    const auto closed_names = [](const Json& closed, const Json& other) {
      return closed["additionalProperties"] != Json(false) ||
             std::ranges::all_of(other["properties"].object(), [&](const auto& member) {
               return closed["properties"].find(member.first) != nullptr;
             });
    };
    if (!closed_names(a, b) || !closed_names(b, a))
      return unsupported(where, "a part of 'allOf' whose additionalProperties shut out another's properties");
    for (const auto& [key, value] : b.object()) {
      const auto* mine = a.find(key);
      if (!mine || *mine == value || !is_deciding(key)) {
        if (!mine) a.set(key, value);
      } else if (key == "properties") {
        Json both = *mine;
        for (const auto& [name, schema] : value.object()) {
          const auto* same = both.find(name);
          both.set(name, same && *same != schema ? Json(Json::Object{{"allOf", Json::Array{*same, schema}}}) : schema);
        }
        a.set(key, both);
      } else if (key == "required") {
        Json both = *mine;
        for (const auto& name : value.array())
          if (std::ranges::find(both.array(), name) == both.array().end()) both.array().push_back(name);
        a.set(key, both);
      } else if (key == "enum" || key == "type") {
        const auto list = [](const Json& v) { return v.is_array() ? v.array() : Json::Array{v}; };
        Json::Array both;
        for (const auto& item : list(*mine))
          for (const auto& other : list(value)) {
            const bool is_narrower = key == "type" && item == Json("number") && other == Json("integer");
            const bool is_wider = key == "type" && item == Json("integer") && other == Json("number");
            if (item == other || is_wider || is_narrower) both.push_back(is_narrower ? other : item);
          }
        a.set(key, both);
      } else if (key.starts_with("min") || key == "exclusiveMinimum") {
        a.set(key, number_of(*mine) > number_of(value) ? *mine : value);
      } else if (key.starts_with("max") || key == "exclusiveMaximum") {
        a.set(key, number_of(*mine) < number_of(value) ? *mine : value);
      } else if (key == "additionalProperties") {
        a.set(key, *mine == Json(true)   ? value
                   : value == Json(true) ? *mine
                                         : Json(Json::Object{{"allOf", Json::Array{*mine, value}}}));
      } else {
        return unsupported(where, cat("'", key, "' of two parts of 'allOf'"));
      }
    }
    return a;
  }

  Result<ExprId> one_of(const Json& schema, const Json& ways, std::string_view key, const std::string& where,
                        int depth) {
    if (!ways.is_array() || ways.size() == 0) return wrong(where, cat("'", key, "' is a list of schemas"));
    const auto rest = without(schema, key);
    std::vector<ExprId> out;
    for (size_t i = 0; i < ways.size(); ++i) {
      const auto place = cat(where, "/", key, "/", i);
      const auto& way = ways.array()[i];
      const bool is_alone = !decides(rest) || way.is_bool();
      out.push_back(
          TRY(write(is_alone ? way : Json(Json::Object{{"allOf", Json::Array{rest, way}}}), place, depth + 1)));
    }
    return to_.any_of(std::move(out));
  }

  // ---- schemas of one type ----

  Result<ExprId> typed(const Json& schema, const std::string& where, int depth) {
    std::vector<std::string> types;
    const auto& given = schema["type"];
    if (given.is_string()) types.emplace_back(given.as_string());
    for (const auto& type : given.array()) types.emplace_back(type.as_string());
    if (types.empty() && !given.is_null() && !given.is_array())
      return wrong(where, "'type' is a name or a list of names");
    if (given.is_null()) types = guessed_types(schema);
    if (given.is_null() && types.empty()) return values_.value();
    std::vector<ExprId> ways;
    for (const auto& type : types) ways.push_back(TRY(write_type(type, schema, where, depth)));
    return to_.any_of(std::move(ways));
  }

  /// Of a schema that names no type: that which its keywords are about.
  static std::vector<std::string> guessed_types(const Json& schema) {
    const auto has = [&](std::initializer_list<std::string_view> keys) {
      return std::ranges::any_of(keys, [&](std::string_view key) { return schema.find(key) != nullptr; });
    };
    if (has({"properties", "required", "additionalProperties"})) return {"object"};
    if (has({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"})) return {"array"};
    if (has({"pattern", "format", "minLength", "maxLength"})) return {"string"};
    if (has({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})) return {"number"};
    return {};
  }

  Result<ExprId> write_type(std::string_view type, const Json& schema, const std::string& where, int depth) {
    if (type == "null") return to_.literal("null");
    if (type == "boolean") return to_.any_of({to_.literal("true"), to_.literal("false")});
    if (type == "string") return string(schema, where);
    if (type == "integer" || type == "number") return number(schema, type == "integer", where);
    if (type == "array") return array(schema, where, depth);
    if (type == "object") return object(schema, where, depth);
    return wrong(where, cat("type '", type, "' is not known (null, boolean, string, integer, number, array, object)"));
  }

  static Result<std::optional<int64_t>> count(const Json& schema, std::string_view key, const std::string& where) {
    const auto* value = schema.find(key);
    if (!value) return std::optional<int64_t>();
    if (!is_whole(*value) || number_of(*value) < 0) return wrong(where, cat("'", key, "' is a whole number from 0 on"));
    if (number_of(*value) > kCountMax)
      return Status(Code::too_large, cat("the schema at ", where, ": '", key, "' is above ", kCountMax));
    return std::optional(static_cast<int64_t>(number_of(*value)));
  }
  static Status check_counts(int64_t min, const std::optional<int64_t>& max, std::string_view what,
                             const std::string& where) {
    if (max && *max < min)
      return wrong(where, cat("min", what, " is ", min, ", max", what, " ", *max, ": nothing is both"));
    return {};
  }

  Result<ExprId> string(const Json& schema, const std::string& where) {
    const auto min = TRY(count(schema, "minLength", where));
    const auto max = TRY(count(schema, "maxLength", where));
    const auto* pattern = schema.find("pattern");
    const auto* format = schema.find("format");
    TRY(check_counts(min.value_or(0), max, "Length", where));
    const bool has_length = (min && *min > 0) || max;
    if ((pattern != nullptr) + (format != nullptr) + has_length > 1)
      return unsupported(where, "more than one of 'pattern', 'format' and a length");
    if (pattern) {
      auto inside = parse_regex(to_, pattern->as_string(), Spelling::json, /*is_search=*/true);
      if (!inside.ok()) return std::move(inside).status().with(cat("the schema at ", where));
      return values_.quoted(*inside);
    }
    if (format) {
      const auto known = values_.format(format->as_string());
      if (!known) return unsupported(where, cat("format ", format->dump(), " (of ", JsonValues::known_formats(), ")"));
      return *known;
    }
    return values_.string(min.value_or(0), max);
  }

  Result<ExprId> number(const Json& schema, bool is_integer, const std::string& where) {
    if (const auto* step = schema.find("multipleOf"); step && !(is_integer && number_of(*step) == 1))
      return unsupported(where, "'multipleOf'");
    std::optional<int64_t> low, high;
    bool open_low = false, open_high = false;
    for (const std::string_view key : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
      const auto* bound = schema.find(key);
      if (!bound) continue;
      if (!bound->is_number()) return wrong(where, cat("'", key, "' is a number"));
      if (!is_integer && !is_whole(*bound))
        return unsupported(where, cat("'", key, "' of ", bound->dump(), ", which is not whole,"));
      const bool is_low = key.ends_with("inimum"), is_open = key.starts_with("excl");
      const auto value = std::clamp(number_of(*bound), -kBoundMax, kBoundMax);
      auto whole = bound->is_int() && std::abs(value) < kBoundMax
                       ? bound->as_int()
                       : static_cast<int64_t>(is_low ? std::ceil(value) : std::floor(value));
      if (is_integer && is_open && is_whole(*bound)) whole += is_low ? 1 : -1;
      auto& side = is_low ? low : high;
      auto& open = is_low ? open_low : open_high;
      if (side && (is_low ? *side > whole : *side < whole)) continue;
      open = !is_integer && (is_open || (side == whole && open));
      side = whole;
    }
    const bool is_empty = low && high && (*low > *high || (*low == *high && (open_low || open_high)));
    if (is_empty) return wrong(where, "no number is within its bounds");
    if (is_integer) return values_.integer(low, high);
    if (!low && !high) return values_.number();
    return values_.bounded_number(low, open_low, high, open_high);
  }

  Result<ExprId> array(const Json& schema, const std::string& where, int depth) {
    if (schema["uniqueItems"] == Json(true)) return unsupported(where, "'uniqueItems'");
    const auto& items = schema["items"];
    const bool is_list = items.is_array();  // before 2020-12
    const auto& first = is_list ? items.array() : schema["prefixItems"].array();
    const Json* others = schema.find(is_list ? "additionalItems" : "items");
    const auto min = TRY(count(schema, "minItems", where)).value_or(0);
    auto max = TRY(count(schema, "maxItems", where));
    TRY(check_counts(min, max, "Items", where));
    const auto first_count = static_cast<int64_t>(first.size());
    if (first.size() > kMembersMax) return wrong(where, cat("it has more than ", kMembersMax, " items"));
    if (others && *others == Json(false)) max = std::min(max.value_or(first_count), first_count);
    TRY(check_counts(min, max, "Items", where));

    const auto end = to_.sequence({values_.blank(), to_.literal("]")});
    const auto comma = to_.literal(",");
    // From the end: what can follow `i` items.
    auto rest = end;
    if (!max || *max > first_count) {
      const auto item = to_.sequence(
          {values_.blank(), others ? TRY(write(*others, cat(where, "/items"), depth + 1)) : values_.value()});
      const auto least = std::max<int64_t>(min - first_count, 0);
      const auto most = max ? std::optional(*max - first_count) : std::nullopt;
      const auto more = to_.sequence({comma, item});
      if (first_count > 0) {
        rest = to_.sequence({to_.repeat(more, least, most), end});
      } else {
        const auto some = to_.sequence(
            {item, to_.repeat(more, std::max<int64_t>(least - 1, 0), most ? std::optional(*most - 1) : most)});
        rest = to_.sequence({least == 0 ? to_.optional(some) : some, end});
      }
    }
    for (auto i = first_count - 1; i >= 0; --i) {
      if (max && i >= *max) {
        rest = end;
        continue;
      }
      const auto item = TRY(write(first[static_cast<size_t>(i)], cat(where, "/prefixItems/", i), depth + 1));
      const auto with = to_.sequence({i > 0 ? comma : to_.empty(), values_.blank(), item, rest});
      rest = i >= min ? to_.any_of({with, end}) : with;
    }
    return to_.sequence({to_.literal("["), rest});
  }

  struct Member {
    ExprId text;  ///< name and value
    bool is_required;
  };

  Result<ExprId> object(const Json& schema, const std::string& where, int depth) {
    const auto& properties = schema["properties"].object();
    const auto& required = schema["required"].array();
    if (properties.size() + required.size() > kMembersMax)
      return wrong(where, cat("it has more than ", kMembersMax, " members"));
    const Json* others = schema.find("additionalProperties");
    const bool is_open = others ? *others != Json(false) : properties.empty();
    const Json any(true);
    std::vector<Member> members;
    std::vector<std::string> names;
    const auto add = [&](const std::string& name, const Json& value, bool is_required) -> Status {
      if (name.size() > kNameMax) return wrong(where, cat("a member's name has ", name.size(), " bytes"));
      const auto text = TRY(write(value, cat(where, "/properties/", name), depth + 1));
      members.push_back({to_.sequence({to_.literal(cat(Json(name).dump(), ":")), values_.blank(), text}), is_required});
      names.push_back(name);
      return {};
    };
    for (const auto& [name, value] : properties)
      TRY(add(name, value, std::ranges::find(required, Json(name)) != required.end()));
    for (const auto& name : required) {
      if (!name.is_string()) return wrong(where, "'required' is a list of names");
      if (std::ranges::find(names, name.as_string()) != names.end()) continue;
      if (!is_open) return wrong(where, cat("it requires '", name.as_string(), "', which is not among its properties"));
      TRY(add(std::string(name.as_string()), others ? *others : any, true));
    }
    const auto end = to_.sequence({values_.blank(), to_.literal("}")});
    const auto comma = to_.literal(",");
    auto after_none = end, after_some = end;  // what can follow, with and without a member before
    if (is_open) {
      const auto value = others ? TRY(write(*others, cat(where, "/additionalProperties"), depth + 1)) : values_.value();
      const auto other =
          to_.sequence({values_.blank(), values_.name_except(names), to_.literal(":"), values_.blank(), value});
      const auto more = to_.repeat(to_.sequence({comma, other}), 0);
      after_some = to_.sequence({more, end});
      after_none = to_.sequence({to_.optional(to_.sequence({other, more})), end});
    }
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
      const auto first = to_.sequence({values_.blank(), member->text, after_some});
      const auto next = to_.sequence({comma, values_.blank(), member->text, after_some});
      after_none = member->is_required ? first : to_.any_of({first, after_none});
      after_some = member->is_required ? next : to_.any_of({next, after_some});
    }
    return to_.sequence({to_.literal("{"), after_none});
  }

  const Json& document_;
  const std::string name_;
  Builder& to_;
  JsonValues values_{to_};
  size_t schemas_ = 0;
};

}  // namespace
Result<RuleId> parse_json_schema(Builder& builder, const Json& schema, std::string name) {
  return Compiler(builder, schema, std::move(name)).compile();
}

}  // namespace hearth::grammar

namespace hearth {

Result<Grammar> Grammar::from_json_schema(const Json& schema) {
  grammar::Builder builder;
  return builder.build(TRY(grammar::parse_json_schema(builder, schema, "schema")));
}

Grammar Grammar::json_object() {
  grammar::Builder builder;
  grammar::JsonValues values(builder);
  const auto root = builder.rule("root");
  builder.define(root, values.object());
  auto out = builder.build(root);
  VERIFY(out.ok(), "the grammar of JSON objects is well-formed");
  return *std::move(out);
}

}  // namespace hearth
