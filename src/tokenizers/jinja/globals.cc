// The names that every template has: range, namespace, dict, cycler, joiner, raise_exception, strftime_now.
// Source: jinja2 3.1.6 defaults.py, sandbox.py (safe_range); transformers 5.23.0 utils/chat_template_utils.py.
#include <algorithm>
#include <ctime>

#include "base/text.h"
#include "tokenizers/jinja/objects.h"

namespace hearth::jinja {

Result<Value> raise_exception(Machine& machine, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("raise_exception", arguments, {"message"}, 1));
  auto message = TRY(machine.str(*bound[0]));
  machine.raised_ = true;
  return error(std::move(message));
}

namespace {

constexpr int64_t kLongestRange = 100000;  // MAX_RANGE of the sandbox

Result<Value> range(Machine& machine, const Arguments& arguments) {
  const auto& given = arguments.positional;
  if (!arguments.named.empty()) return error("range() takes no keyword arguments");
  if (given.empty() || given.size() > 3) return error(cat("range expected 1 to 3 arguments, got ", given.size()));
  const auto bound = TRY(Bound::bind("range", arguments, {"start", "stop", "step"}));
  constexpr int64_t kFar = int64_t{1} << 61;
  int64_t numbers[3] = {0, 0, 1};
  for (size_t i = 0; i < given.size(); ++i) numbers[i] = std::clamp(TRY(bound.integer(i, 0)), -kFar, kFar);
  if (given.size() == 1) std::swap(numbers[0], numbers[1]);
  if (numbers[2] == 0) return error("range() arg 3 must not be zero");
  auto made = std::make_shared<Range>(numbers[0], numbers[1], numbers[2]);
  if (made->count() > kLongestRange)
    return error(cat("Range too big. The sandbox blocks ranges larger than MAX_RANGE (", kLongestRange, ")."));
  return machine.object(std::move(made));
}

// dict(pairs or mapping, **named)
Result<std::shared_ptr<Dict>> merge(Machine& machine, const Arguments& arguments) {
  auto out = std::make_shared<Dict>();
  if (arguments.positional.size() > 1)
    return error(cat("dict expected at most 1 argument, got ", arguments.positional.size()));
  if (!arguments.positional.empty()) {
    const auto& from = arguments.positional[0];
    if (from.is_dict()) {
      TRY(machine.step(static_cast<int64_t>(from.dict().items.size())));
      *out = from.dict();
    } else {
      for (const auto& item : TRY(machine.items(from))) {
        auto pair = TRY(machine.items(item));
        if (pair.size() != 2)
          return error(cat("dictionary update sequence element has length ", pair.size(), "; 2 is required"));
        if (!hashable(pair[0])) return error(cat("unhashable type: '", pair[0].type_name(), "'"));
        out->set(std::move(pair[0]), std::move(pair[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) out->set(Value(name), value);
  return out;
}

Result<Value> make_dict(Machine& machine, const Arguments& arguments) {
  return machine.dict(TRY(merge(machine, arguments)));
}

Result<Value> make_namespace(Machine& machine, const Arguments& arguments) {
  auto made = std::make_shared<Namespace>();
  const auto names = TRY(merge(machine, arguments));
  for (const auto& [name, value] : names->items) {
    if (!name.is_string()) continue;  // unreachable as an attribute
    if (name.text().starts_with('_'))
      return error(cat("Chat templates cannot store underscore-prefixed attributes on a namespace, but got ",
                       repr_text(name.text()), ". Please rename the attribute."));
    made->set(name.text(), value);
  }
  return machine.object(std::move(made));
}

Result<Value> make_cycler(Machine& machine, const Arguments& arguments) {
  if (arguments.positional.empty()) return error("at least one item has to be provided");
  return machine.object(std::make_shared<Cycler>(arguments.positional));
}

Result<Value> make_joiner(Machine& machine, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("joiner", arguments, {"sep"}));
  return machine.object(std::make_shared<Joiner>(bound[0] == nullptr ? Value(std::string(", ")) : *bound[0]));
}

Result<Value> strftime_now(Machine& machine, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("strftime_now", arguments, {"format"}, 1));
  if (!bound[0]->is_string()) return error(cat("strftime() argument 1 must be str, not ", bound[0]->type_name()));
  const auto& format = bound[0]->text();
  if (format.size() > 4096) return error("strftime_now: the format is longer than 4096 bytes");
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  localtime_r(&now.tv_sec, &parts);
  char micros[8];
  std::snprintf(micros, sizeof micros, "%06ld", now.tv_nsec / 1000 % 1000000);
  // strftime has no %f, and Python's time without a zone prints nothing for %z and %Z.
  std::string pattern;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      pattern += format[i];
      continue;
    }
    const char c = format[++i];
    if (c == 'f')
      pattern += micros;
    else if (c != 'z' && c != 'Z')
      (pattern += '%') += c;
  }
  pattern += '.';  // so that an empty result is no failure
  std::string out(pattern.size() * 16 + 256, '\0');
  out.resize(std::strftime(out.data(), out.size(), pattern.c_str(), &parts));
  if (!out.empty()) out.pop_back();
  return machine.text(std::move(out));
}

Result<Value> lipsum(Machine& machine, const Arguments&) {
  return machine.text("<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit.</p>", true);
}

struct Row {
  std::string_view name;
  Function function;
};
constexpr Row kRows[] = {
    {"range", range},        {"dict", make_dict}, {"namespace", make_namespace},        {"cycler", make_cycler},
    {"joiner", make_joiner}, {"lipsum", lipsum},  {"raise_exception", raise_exception}, {"strftime_now", strftime_now},
};

}  // namespace

Function find_global(std::string_view name) {
  for (const auto& row : kRows)
    if (row.name == name) return row.function;
  return nullptr;
}

}  // namespace hearth::jinja
