// The filters over sequences. What is a lazy generator in the original is worked out at once here, and can be walked
// once as there. Source: jinja2 3.1.6 filters.py.
#include <algorithm>

#include "base/text.h"
#include "tokenizers/jinja/filters.h"
#include "tokenizers/jinja/objects.h"

namespace hearth::jinja {
namespace {

Result<Value> generator(Machine& machine, std::string_view name, std::vector<Value> items) {
  TRY(machine.allocate(static_cast<int64_t>(items.size() * sizeof(Value))));
  auto made = std::make_shared<Generator>(name, std::move(items));
  if (made->depth() > 500) return error("a value nests too deep");
  return machine.object(std::move(made));
}

// What `attribute=` names: "a.b.0" goes down step by step; an absent one is the default, when that is given.
class Getter {
 public:
  Getter(const Value* attribute, const Value* otherwise, bool ignore_case)
      : attribute_(attribute), otherwise_(otherwise), ignore_case_(ignore_case) {}

  Result<Value> operator()(Machine& machine, const Value& item) const {
    Value v = item;
    if (attribute_ != nullptr && !attribute_->is_none()) {
      if (!attribute_->is_string()) {
        v = TRY(machine.item(v, *attribute_));
      } else {
        for (const auto part : split(attribute_->text(), '.')) {
          const bool digits = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
          const auto index = digits ? parse_int(part) : std::nullopt;
          v = TRY(machine.item(v, index ? Value(*index) : Value(std::string(part))));
          if (v.is_undefined() && otherwise_ != nullptr && !otherwise_->is_none()) v = *otherwise_;
        }
      }
    }
    if (!ignore_case_ || !v.is_string()) return v;
    return find_method(v, "lower")(machine, v, {});
  }

 private:
  const Value* attribute_;
  const Value* otherwise_;
  bool ignore_case_;
};

struct Keyed {
  std::vector<Value> key;
  Value item;
};

// A stable sort by keys; the first comparison that fails is the error.
Status sort_keyed(Machine& machine, std::vector<Keyed>& rows, bool reverse) {
  Status failed;
  const auto less = [&](const Keyed& a, const Keyed& b) {
    for (size_t i = 0; failed.ok() && i < a.key.size(); ++i) {
      auto order = machine.compare(a.key[i], b.key[i]);
      if (!order.ok())
        failed = std::move(order).status();
      else if (*order != 0)
        return *order < 0;
    }
    return false;
  };
  if (reverse)
    std::stable_sort(rows.begin(), rows.end(), [&](const Keyed& a, const Keyed& b) { return less(b, a); });
  else
    std::stable_sort(rows.begin(), rows.end(), less);
  return failed;
}

Result<Value> list_of(Machine& machine, std::vector<Keyed> rows) {
  std::vector<Value> out;
  out.reserve(rows.size());
  for (auto& row : rows) out.push_back(std::move(row.item));
  return machine.list(std::move(out));
}

Result<Value> sort(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  std::vector<Value> attributes;  // "a,b" sorts by a, then by b
  if (bound[2] != nullptr && bound[2]->is_string()) {
    for (const auto name : split(bound[2]->text(), ',')) attributes.emplace_back(std::string(name));
  } else {
    attributes.push_back(bound[2] == nullptr ? Value() : *bound[2]);
  }
  std::vector<Keyed> rows;
  for (auto& item : TRY(machine.items(v))) {
    Keyed row;
    for (const auto& name : attributes)
      row.key.push_back(TRY(Getter(&name, nullptr, !bound.truth(1, false))(machine, item)));
    row.item = std::move(item);
    rows.push_back(std::move(row));
  }
  TRY(sort_keyed(machine, rows, bound.truth(0, false)));
  return list_of(machine, std::move(rows));
}

Result<Value> dictsort(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_dictsort", arguments, {"case_sensitive", "by", "reverse"}));
  const auto by = bound[1] != nullptr && bound[1]->is_string() ? bound[1]->text() : std::string("key");
  if (v.is_undefined()) return error(v.undefined_message());
  if (!v.is_dict()) return error(cat(repr_text(type_repr(v)), " has no attribute 'items'"));
  if (by != "key" && by != "value") return error("You can only sort by either \"key\" or \"value\"");
  const Getter fold(nullptr, nullptr, !bound.truth(0, false));
  std::vector<Keyed> rows;
  for (const auto& [key, value] : v.dict().items)
    rows.push_back({{TRY(fold(machine, by == "key" ? key : value))}, TRY(machine.tuple({key, value}))});
  TRY(sort_keyed(machine, rows, bound.truth(2, false)));
  return list_of(machine, std::move(rows));
}

Result<Value> unique(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_unique", arguments, {"case_sensitive", "attribute"}));
  const Getter key_of(bound[1], nullptr, !bound.truth(0, false));
  Dict seen;
  std::vector<Value> out;
  for (auto& item : TRY(machine.items(v))) {
    auto key = TRY(key_of(machine, item));
    if (!hashable(key)) return error(cat("unhashable type: '", key.type_name(), "'"));
    if (seen.find(key) != nullptr) continue;
    seen.set(std::move(key), Value());
    out.push_back(std::move(item));
  }
  return generator(machine, "generator", std::move(out));
}

template <bool largest>
Result<Value> extreme(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind(largest ? "do_max" : "do_min", arguments, {"case_sensitive", "attribute"}));
  const Getter key_of(bound[1], nullptr, !bound.truth(0, false));
  const auto items = TRY(machine.items(v));
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  size_t best = 0;
  auto best_key = TRY(key_of(machine, items[0]));
  for (size_t i = 1; i < items.size(); ++i) {
    auto key = TRY(key_of(machine, items[i]));
    const int order = TRY(machine.compare(key, best_key, largest ? ">" : "<"));
    if (largest ? order <= 0 : order >= 0) continue;
    best = i;
    best_key = std::move(key);
  }
  return items[best];
}

Result<Value> join_items(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_join", arguments, {"d", "attribute"}));
  const auto between = bound[0] == nullptr ? std::string() : TRY(machine.str(*bound[0]));
  const Getter attribute(bound[1], nullptr, false);
  std::string out;
  bool first = true;
  for (const auto& item : TRY(machine.items(v))) {
    const auto part = TRY(attribute(machine, item));
    if (!std::exchange(first, false)) out += between;
    out += part.is_string() ? part.text() : TRY(machine.str(part));
    if (static_cast<int64_t>(out.size()) > machine.bytes_left()) return machine.allocate(INT64_MAX);
  }
  return machine.text(std::move(out));
}

Result<Value> length(Machine& machine, const Value& v, const Arguments&) {
  return Value(TRY(machine.length(v)));
}

Result<Value> to_list(Machine& machine, const Value& v, const Arguments&) {
  return machine.list(TRY(machine.items(v)));
}

Result<Value> first(Machine& machine, const Value& v, const Arguments&) {
  auto iteration = TRY(machine.iterate(v));
  if (auto item = TRY(iteration.next(machine))) return *std::move(item);
  return Value::undefined("No first item, sequence was empty.");
}

Result<Value> last(Machine& machine, const Value& v, const Arguments&) {
  if (v.as<Generator>() != nullptr) return error("'generator' object is not reversible");
  const auto items = TRY(machine.items(v));
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

// Any item is a random one; the first makes a rendering repeatable.
// Differs: the original draws, because a prompt that changes from call to call cannot be cached or compared.
Result<Value> random(Machine& machine, const Value& v, const Arguments&) {
  const auto items = TRY(machine.items(v));
  return items.empty() ? Value::undefined("No random item, sequence was empty.") : items.front();
}

Result<Value> reverse(Machine& machine, const Value& v, const Arguments&) {
  if (v.is_string()) {
    std::string out;
    for (size_t end = v.text().size(); end > 0;) {
      size_t start = end - 1;
      while (start > 0 && (v.text()[start] & 0xC0) == 0x80) --start;
      out.append(v.text(), start, end - start);
      end = start;
    }
    return machine.text(std::move(out), v.is_markup());
  }
  if (!v.is_undefined() && !machine.iterate(v).ok()) return error("argument must be iterable");
  auto items = TRY(machine.items(v));
  std::reverse(items.begin(), items.end());
  if (v.as<Generator>() != nullptr) return machine.list(std::move(items));
  return generator(machine, v.is_list() ? "list_reverseiterator" : "reversed", std::move(items));
}

Result<Value> dict_items(Machine& machine, const Value& v, const Arguments&) {
  if (v.is_undefined()) return generator(machine, "generator", {});
  if (!v.is_dict()) return error("Can only get item pairs from a mapping.");
  std::vector<Value> out;
  for (const auto& [key, value] : v.dict().items) out.push_back(TRY(machine.tuple({key, value})));
  return generator(machine, "generator", std::move(out));
}

Result<Value> map(Machine& machine, const Value& v, const Arguments& arguments) {
  if (!v.truth()) return generator(machine, "generator", {});
  std::vector<Value> out;
  if (arguments.positional.empty()) {
    const auto bound = TRY(Bound::bind("map", arguments, {"attribute", "default"}));
    if (bound[0] == nullptr) return error("map requires a filter argument");
    const Getter get(bound[0], bound[1], false);
    for (const auto& item : TRY(machine.items(v))) out.push_back(TRY(get(machine, item)));
  } else {
    const auto& name = arguments.positional[0];
    if (!name.is_string()) return error("map requires a filter argument");
    const Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
    for (const auto& item : TRY(machine.items(v))) out.push_back(TRY(machine.call_filter(name.text(), item, rest)));
  }
  return generator(machine, "generator", std::move(out));
}

template <bool keep, bool by_attribute>
Result<Value> choose(Machine& machine, const Value& v, const Arguments& arguments) {
  if (!v.truth()) return generator(machine, "generator", {});
  const size_t offset = by_attribute ? 1 : 0;
  if (arguments.positional.size() < offset) return error("Missing parameter for attribute name");
  const bool has_test = arguments.positional.size() > offset;
  const Value test = has_test ? arguments.positional[offset] : Value();
  if (has_test && !test.is_string()) return error("the name of a test is a string");
  Arguments rest;
  if (has_test) {
    rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(offset) + 1,
                           arguments.positional.end());
    rest.named = arguments.named;
  }
  const Getter get(by_attribute ? &arguments.positional[0] : nullptr, nullptr, false);
  std::vector<Value> out;
  for (auto& item : TRY(machine.items(v))) {
    const auto seen = TRY(get(machine, item));
    const bool holds = has_test ? TRY(machine.call_test(test.text(), seen, rest)) : seen.truth();
    if (holds == keep) out.push_back(std::move(item));
  }
  return generator(machine, "generator", std::move(out));
}

Result<Value> batch(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_batch", arguments, {"linecount", "fill_with"}, 1));
  const int64_t size = TRY(bound.integer(0, 0));
  std::vector<Value> out, line;
  for (auto& item : TRY(machine.items(v))) {
    if (static_cast<int64_t>(line.size()) == size) out.push_back(TRY(machine.list(std::exchange(line, {}))));
    line.push_back(std::move(item));
  }
  if (!line.empty()) {
    if (bound[1] != nullptr && !bound[1]->is_none()) {
      if (size > 1'000'000) return machine.allocate(INT64_MAX);
      while (static_cast<int64_t>(line.size()) < size) line.push_back(*bound[1]);
    }
    out.push_back(TRY(machine.list(std::move(line))));
  }
  return generator(machine, "generator", std::move(out));
}

Result<Value> slice(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_slice", arguments, {"slices", "fill_with"}, 1));
  const int64_t slices = TRY(bound.integer(0, 0));
  const auto items = TRY(machine.items(v));
  if (slices == 0) return error("integer division or modulo by zero");
  const auto count = static_cast<int64_t>(items.size());
  std::vector<Value> out;
  auto at = items.begin();
  for (int64_t i = 0; i < slices; ++i) {
    TRY(machine.step());
    const bool extra = i < count % slices;
    const auto end = at + count / slices + extra;
    std::vector<Value> part(at, end);
    if (!extra && bound[1] != nullptr && !bound[1]->is_none()) part.push_back(*bound[1]);
    out.push_back(TRY(machine.list(std::move(part))));
    at = end;
  }
  return generator(machine, "generator", std::move(out));
}

Result<Value> groupby(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_groupby", arguments, {"attribute", "default", "case_sensitive"}, 1));
  const Getter key_of(bound[0], bound[1], !bound.truth(2, false)), shown(bound[0], bound[1], false);
  std::vector<Keyed> rows;
  for (auto& item : TRY(machine.items(v))) {
    auto key = TRY(key_of(machine, item));
    rows.push_back({{std::move(key)}, std::move(item)});
  }
  TRY(sort_keyed(machine, rows, false));
  std::vector<Value> out;
  for (size_t i = 0; i < rows.size();) {
    std::vector<Value> group;
    const size_t start = i;
    for (; i < rows.size() && TRY(machine.equal(rows[i].key[0], rows[start].key[0])); ++i)
      group.push_back(rows[i].item);
    auto name = TRY(shown(machine, rows[start].item));
    out.push_back(TRY(machine.object(
        std::make_shared<Group>(TRY(machine.tuple({std::move(name), TRY(machine.list(std::move(group)))}))))));
  }
  return machine.list(std::move(out));
}

Result<Value> sum(Machine& machine, const Value& v, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("do_sum", arguments, {"attribute", "start"}));
  const Getter get(bound[0], nullptr, false);
  Value total = bound[1] == nullptr ? Value(int64_t{0}) : *bound[1];
  if (total.is_string()) return error("sum() can't sum strings [use ''.join(seq) instead]");
  for (const auto& item : TRY(machine.items(v))) total = TRY(binary(machine, "+", total, TRY(get(machine, item))));
  return total;
}

constexpr FilterRow kRows[] = {
    {"batch", batch},
    {"count", length},
    {"dictsort", dictsort},
    {"first", first},
    {"groupby", groupby},
    {"items", dict_items},
    {"join", join_items},
    {"last", last},
    {"length", length},
    {"list", to_list},
    {"map", map},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"random", random},
    {"reject", choose<false, false>},
    {"rejectattr", choose<false, true>},
    {"reverse", reverse},
    {"select", choose<true, false>},
    {"selectattr", choose<true, true>},
    {"slice", slice},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

}  // namespace

std::span<const FilterRow> sequence_filters() {
  return kRows;
}

}  // namespace hearth::jinja
