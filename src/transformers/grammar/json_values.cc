#include "transformers/grammar/json_values.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "transformers/grammar/regex.h"

namespace hearth::grammar {
namespace {

constexpr int64_t kDigitsMax = 18;

struct Format {
  std::string_view name, pattern;
};
#define HEARTH_DATE                                                                                                   \
  "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-" \
  "9]|2[0-8]))"
#define HEARTH_TIME \
  "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
#define HEARTH_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define HEARTH_BYTE "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
// A day is one of any year: the 29th of February is not written.
constexpr Format kFormats[] = {
    {"date", HEARTH_DATE},
    {"time", HEARTH_TIME},
    {"date-time", HEARTH_DATE "T" HEARTH_TIME},
    {"duration",
     "P(?:[0-9]{1,9}W|(?:[0-9]{1,9}Y(?:[0-9]{1,9}M(?:[0-9]{1,9}D)?)?|[0-9]{1,9}M(?:[0-9]{1,9}D)?|[0-9]{1,9}D)"
     "(?:T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S))?"
     "|T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S))"},
    {"uuid", "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"},
    {"email", "[A-Za-z0-9_+-]{1,32}(?:\\.[A-Za-z0-9_+-]{1,30}){0,1}@" HEARTH_LABEL "(?:\\." HEARTH_LABEL "){1,3}"},
    {"hostname", HEARTH_LABEL "(?:\\." HEARTH_LABEL "){0,3}"},
    {"ipv4", HEARTH_BYTE "(?:\\." HEARTH_BYTE "){3}"},
    {"ipv6", "(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|::|(?:[0-9a-fA-F]{1,4}:){1,6}:[0-9a-fA-F]{1,4}"},
    {"uri", "[a-z][a-z0-9+.-]{0,20}://" HEARTH_LABEL "(?:\\." HEARTH_LABEL
            "){0,3}(?::[0-9]{1,4})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]{0,200}){0,16}(?:\\?[A-Za-z0-9._~!$&'()*+,;=:@/"
            "?-]{0,500})?"},
};
#undef HEARTH_DATE
#undef HEARTH_TIME
#undef HEARTH_LABEL
#undef HEARTH_BYTE

}  // namespace

ExprId JsonValues::blank() {
  return once("json blank", [&] {
    const auto spaces = to_.repeat(to_.bytes(ByteSet().set(' ').set('\t')), 0, 20);
    return to_.any_of({to_.empty(), to_.literal(" "), to_.sequence({to_.literal("\n"), spaces})});
  });
}

ExprId JsonValues::value() {
  return once("json value", [&] {
    return to_.any_of(
        {object(), array(), string(), number(), to_.literal("true"), to_.literal("false"), to_.literal("null")});
  });
}

ExprId JsonValues::object() {
  return once("json object", [&] {
    const auto member = to_.sequence({blank(), string(), to_.literal(":"), blank(), value()});
    const auto more = to_.repeat(to_.sequence({to_.literal(","), member}), 0);
    return to_.sequence({to_.literal("{"), to_.optional(to_.sequence({member, more})), blank(), to_.literal("}")});
  });
}

ExprId JsonValues::array() {
  return once("json array", [&] {
    const auto item = to_.sequence({blank(), value()});
    const auto more = to_.repeat(to_.sequence({to_.literal(","), item}), 0);
    return to_.sequence({to_.literal("["), to_.optional(to_.sequence({item, more})), blank(), to_.literal("]")});
  });
}

ExprId JsonValues::character() {
  return once("json character", [&] {
    const auto hex = [&](std::string_view digits) { return to_.chars(CharSet::of(digits)); };
    const auto any = hex("0123456789abcdefABCDEF");
    const auto u = to_.literal("\\u");
    const auto high = to_.sequence({u, hex("dD"), hex("89abAB"), any, any});
    const auto low = to_.sequence({u, hex("dD"), hex("cdefCDEF"), any, any});
    return to_.any_of({
        to_.chars(CharSet::of("\"\\").add(0, 0x1F).inverted()),
        to_.sequence({to_.literal("\\"), to_.chars(CharSet::of("\"\\/bfnrt"))}),
        to_.sequence({u, hex("0123456789abcefABCEF"), any, any, any}),
        to_.sequence({u, hex("dD"), hex("01234567"), any, any}),
        to_.sequence({high, low}),
    });
  });
}

ExprId JsonValues::string(int64_t min, std::optional<int64_t> max) {
  const auto body = [&] { return quoted(to_.repeat(character(), min, max)); };
  return min == 0 && !max ? once("json string", body) : body();
}

ExprId JsonValues::name_except(const std::vector<std::string>& names) {
  std::vector<std::u32string> all;
  for (const auto& name : names) {
    auto& letters = all.emplace_back();
    for (size_t i = 0; i < name.size();) letters += utf8_next(name, i);
  }
  const auto any = to_.repeat(spelled(to_, CharSet::all(), Spelling::json), 0);
  // What can stand behind a beginning that `names` share from `at` on.
  const auto rest = [&](const auto& self, const std::vector<std::u32string>& some, size_t at) -> ExprId {
    std::map<char32_t, std::vector<std::u32string>> next;
    bool is_name = false;
    for (const auto& name : some) name.size() == at ? void(is_name = true) : next[name[at]].push_back(name);
    std::vector<ExprId> ways;
    CharSet used;
    for (const auto& [c, those] : next) {
      used.add(c, c);
      ways.push_back(to_.sequence({spelled(to_, CharSet::of(c, c), Spelling::json), self(self, those, at + 1)}));
    }
    ways.push_back(to_.sequence({spelled(to_, used.inverted(), Spelling::json), any}));
    if (!is_name) ways.push_back(to_.empty());
    return to_.any_of(std::move(ways));
  };
  return quoted(rest(rest, all, 0));
}

ExprId JsonValues::literal(const Json& value) {
  if (!value.is_array() && !value.is_object()) return to_.literal(value.dump());
  const bool is_array = value.is_array();
  std::vector<ExprId> parts{to_.literal(is_array ? "[" : "{")};
  const auto begin_part = [&] {
    if (parts.size() > 1) parts.push_back(to_.literal(","));
    parts.push_back(blank());
  };
  for (const auto& item : value.array()) {
    begin_part();
    parts.push_back(literal(item));
  }
  for (const auto& [name, member] : value.object()) {
    begin_part();
    parts.insert(parts.end(), {to_.literal(cat(Json(name).dump(), ":")), blank(), literal(member)});
  }
  parts.insert(parts.end(), {blank(), to_.literal(is_array ? "]" : "}")});
  return to_.sequence(std::move(parts));
}

ExprId JsonValues::number() {
  return once("json number", [&] {
    const auto digit = to_.chars(CharSet::of('0', '9'));
    const auto whole =
        to_.any_of({to_.literal("0"), to_.sequence({to_.chars(CharSet::of('1', '9')), to_.repeat(digit, 0, 15)})});
    const auto exponent = to_.sequence(
        {to_.chars(CharSet::of("eE")), to_.optional(to_.chars(CharSet::of("+-"))), to_.repeat(digit, 1, 3)});
    return to_.sequence({to_.optional(to_.literal("-")), whole, to_.optional(fraction()), to_.optional(exponent)});
  });
}

ExprId JsonValues::fraction() {
  return to_.sequence({to_.literal("."), to_.repeat(to_.chars(CharSet::of('0', '9')), 1, 24)});
}

/// low <= n <= high, of no sign. Differs from a range of numbers in being one of digits: 120 to 345 is 1, then 20 to
/// 99; or 2, then anything; or 3, then 00 to 45.
ExprId JsonValues::naturals(int64_t low, std::optional<int64_t> high) {
  const auto digits = [&](size_t count) {
    return to_.repeat(to_.chars(CharSet::of('0', '9')), static_cast<int64_t>(count), static_cast<int64_t>(count));
  };
  const auto between = [&](const auto& self, std::string_view from, std::string_view to) -> ExprId {
    const auto is_all = [](std::string_view text, char c) {
      return text.find_first_not_of(c) == std::string_view::npos;
    };
    if (is_all(from, '0') && is_all(to, '9')) return digits(from.size());
    const auto rest = from.size() - 1;
    const auto digit = [&](char first, char last) {
      return to_.chars(CharSet::of(static_cast<char32_t>(first), static_cast<char32_t>(last)));
    };
    if (from[0] == to[0]) return to_.sequence({digit(from[0], from[0]), self(self, from.substr(1), to.substr(1))});
    const std::string nines(rest, '9'), zeros(rest, '0');
    std::vector<ExprId> ways{to_.sequence({digit(from[0], from[0]), self(self, from.substr(1), nines)})};
    if (from[0] + 1 < to[0])
      ways.push_back(to_.sequence({digit(static_cast<char>(from[0] + 1), static_cast<char>(to[0] - 1)), digits(rest)}));
    ways.push_back(to_.sequence({digit(to[0], to[0]), self(self, zeros, to.substr(1))}));
    return to_.any_of(std::move(ways));
  };
  std::vector<ExprId> ways;
  const auto first = cat(low), last = high ? cat(*high) : std::string(std::max<size_t>(first.size(), kDigitsMax), '9');
  for (auto length = first.size(); length <= last.size(); ++length) {
    const auto from = length == first.size() ? first : cat("1", std::string(length - 1, '0'));
    const auto to = length == last.size() ? last : std::string(length, '9');
    ways.push_back(between(between, from, to));
  }
  return to_.any_of(std::move(ways));
}

ExprId JsonValues::integer(std::optional<int64_t> low, std::optional<int64_t> high) {
  std::vector<ExprId> ways;
  if (!low || *low < 0) {
    const auto smallest = high && *high < 0 ? -*high : 1;
    ways.push_back(to_.sequence({to_.literal("-"), naturals(smallest, low ? std::optional(-*low) : std::nullopt)}));
  }
  if (!high || *high >= 0) ways.push_back(naturals(std::max<int64_t>(low.value_or(0), 0), high));
  return to_.any_of(std::move(ways));
}

ExprId JsonValues::bounded_number(std::optional<int64_t> low, bool open_low, std::optional<int64_t> high,
                                  bool open_high) {
  const auto digit = to_.chars(CharSet::of('0', '9'));
  const auto zero = to_.sequence({to_.literal("."), to_.repeat(to_.literal("0"), 1, 24)});
  const auto above_zero = to_.sequence(
      {to_.literal("."), to_.repeat(digit, 0, 12), to_.chars(CharSet::of('1', '9')), to_.repeat(digit, 0, 11)});
  std::vector<ExprId> ways;
  // |x| from `from` to `to`: what lies between, then the bounds themselves.
  const auto side = [&](std::string_view sign, int64_t from, bool is_open_from, std::optional<int64_t> to,
                        bool is_open_to) {
    const auto add = [&](ExprId whole, ExprId part) { ways.push_back(to_.sequence({to_.literal(sign), whole, part})); };
    if (to && *to < from) return;
    if (!to || *to > from) {
      add(naturals(from, from), above_zero);
      const auto last = to ? std::optional(*to - 1) : std::nullopt;
      if (!last || *last > from) add(naturals(from + 1, last), to_.optional(fraction()));
      if (to && !is_open_to) add(naturals(*to, *to), to_.optional(zero));
    }
    const bool has_from = !is_open_from && !(to == from && is_open_to);
    if (has_from) add(naturals(from, from), to_.optional(zero));
  };
  if (!low || *low < 0) {
    const bool is_below_zero = high && *high <= 0;
    side("-", is_below_zero ? -*high : 0, is_below_zero ? open_high : true, low ? std::optional(-*low) : std::nullopt,
         open_low);
  }
  if (!high || *high >= 0) {
    const bool is_above_zero = low && *low >= 0;
    side("", is_above_zero ? *low : 0, is_above_zero && open_low, high, open_high);
  }
  return to_.any_of(std::move(ways));
}

std::optional<ExprId> JsonValues::format(std::string_view name) {
  const auto* found = std::ranges::find(kFormats, name, &Format::name);
  if (found == std::end(kFormats)) return std::nullopt;
  return once(cat("json ", name), [&] {
    auto inside = parse_regex(to_, found->pattern, Spelling::json, /*is_search=*/false);
    VERIFY(inside.ok(), "the patterns of formats are well-formed");
    return quoted(*inside);
  });
}

std::string JsonValues::known_formats() {
  std::vector<std::string> out;
  for (const auto& format : kFormats) out.emplace_back(format.name);
  return join(out, ", ");
}

}  // namespace hearth::grammar
