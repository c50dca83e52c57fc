#include "base/arguments.h"

#include <algorithm>

#include "base/text.h"

namespace hearth {
namespace {

Status unknown_option(std::string_view name, std::span<const Option> options) {
  const Option* nearest = nullptr;
  for (const auto& option : options)
    if (!nearest || edit_distance(name, option.name) < edit_distance(name, nearest->name)) nearest = &option;
  if (nearest && edit_distance(name, nearest->name) <= 3)
    return Status(Code::bad_input, cat("unknown option --", name, " (did you mean --", nearest->name, "?)"));
  return Status(Code::bad_input, cat("unknown option --", name, "; --help lists them"));
}

}  // namespace

Result<Arguments> Arguments::parse(std::span<const std::string_view> words, std::span<const Option> options) {
  Arguments out;
  bool only_words = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto word = words[i];
    if (only_words || word == "-" || !word.starts_with('-')) {
      out.positional_.emplace_back(word);
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    const auto equals = word.find('=');
    auto name = word.substr(0, equals);
    name = name.starts_with("--") ? name.substr(2) : name == "-h" ? std::string_view("help") : name.substr(1);
    const auto option = std::find_if(options.begin(), options.end(), [&](const Option& o) {
      return o.name == name || (!o.also.empty() && o.also == name);
    });
    if (option == options.end()) return unknown_option(name, options);
    name = option->name;
    if (option->value.empty()) {
      if (equals != std::string_view::npos) return Status(Code::bad_input, cat("--", name, " takes no value"));
      out.options_.emplace_back(name, "");
    } else if (equals != std::string_view::npos) {
      out.options_.emplace_back(name, word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      out.options_.emplace_back(name, words[++i]);
    } else {
      return Status(Code::bad_input, cat("--", name, " needs a value: --", name, " ", option->value));
    }
  }
  return out;
}

Arguments Arguments::from_words(std::span<const std::string_view> words) {
  Arguments out;
  size_t i = 0;
  for (; i < words.size() && words[i] != "--"; ++i) {
    const auto equals = words[i].find('=');
    const bool has_value = equals != std::string_view::npos;
    out.options_.emplace_back(words[i].substr(2, has_value ? equals - 2 : equals),
                              has_value ? words[i].substr(equals + 1) : "");
  }
  for (++i; i < words.size(); ++i) out.positional_.emplace_back(words[i]);
  return out;
}

std::vector<std::string> Arguments::words() const {
  std::vector<std::string> out;
  for (const auto& [name, value] : options_)
    out.push_back(value.empty() ? cat("--", name) : cat("--", name, "=", value));
  out.emplace_back("--");
  out.insert(out.end(), positional_.begin(), positional_.end());
  return out;
}

bool Arguments::has(std::string_view name) const {
  return std::any_of(options_.begin(), options_.end(), [&](const auto& option) { return option.first == name; });
}

std::string_view Arguments::get(std::string_view name, std::string_view otherwise) const {
  for (auto option = options_.rbegin(); option != options_.rend(); ++option)
    if (option->first == name) return option->second;
  return otherwise;
}

std::vector<std::string> Arguments::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& option : options_)
    if (option.first == name) out.push_back(option.second);
  return out;
}

Result<int64_t> Arguments::get_int(std::string_view name, int64_t otherwise, int64_t low, int64_t high) const {
  if (!has(name)) return otherwise;
  const auto value = parse_int(get(name));
  if (!value || *value < low || *value > high)
    return Status(Code::bad_input,
                  cat("--", name, " takes a whole number from ", low, " to ", high, ", not '", get(name), "'"));
  return *value;
}

Result<double> Arguments::get_double(std::string_view name, double otherwise, double low, double high) const {
  if (!has(name)) return otherwise;
  const auto value = parse_double(get(name));
  if (!value || !(*value >= low && *value <= high))
    return Status(Code::bad_input,
                  cat("--", name, " takes a number from ", low, " to ", high, ", not '", get(name), "'"));
  return *value;
}

Result<int64_t> Arguments::get_size(std::string_view name, int64_t otherwise) const {
  if (!has(name)) return otherwise;
  auto size = parse_size(get(name));
  if (!size.ok()) return std::move(size).status().with(cat("--", name));
  return size;
}

Result<int64_t> parse_size(std::string_view text) {
  const auto letters = text.find_first_not_of("0123456789.");
  const auto number = parse_double(trim(text.substr(0, letters)));
  auto unit = letters == std::string_view::npos ? std::string_view() : trim(text.substr(letters));
  if (unit.ends_with('b') || unit.ends_with('B')) unit.remove_suffix(1);
  double factor = 1;
  for (const std::string_view known : {"", "K", "M", "G", "T", "P"}) {
    if (equals_ignore_case(unit, known)) {
      if (number && *number >= 0 && *number * factor < 9e18) return static_cast<int64_t>(*number * factor);
      break;
    }
    factor *= 1000;
  }
  return Status(Code::bad_input, cat("'", text.substr(0, 40), "' is no size: 500MB, 100GB, 1.5TB"));
}

}  // namespace hearth
