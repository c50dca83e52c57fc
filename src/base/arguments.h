// Command lines: what a verb takes (Option), and what a person typed (Arguments).
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth {

/// One flag of a verb. Literal, so that tables of them need no constructor at start.
struct Option {
  std::string_view name;   ///< without dashes: "max-new-tokens"
  std::string_view value;  ///< what stands for the value in the help ("N", "DIR"); empty: a switch
  std::string_view help;
  bool repeated = false;       ///< may be given several times (--include)
  std::string_view also = {};  ///< a second spelling ("repo-type", or "y" for -y); Arguments knows it as `name`
};

/// A parsed command line: positional words in order, options by name.
class Arguments {
 public:
  /// `--name value`, `--name=value`, `--switch`, `-h`; `--` ends the options; `-` is a word. Unknown options, a missing
  /// value and a value given to a switch are bad_input and name the nearest known option.
  static Result<Arguments> parse(std::span<const std::string_view> words, std::span<const Option> options);
  /// Reads back what `words()` wrote; nothing is checked again.
  static Arguments from_words(std::span<const std::string_view> words);
  /// One canonical word an option (`--name=value`, `--switch`), then `--`, then the positional words: what crosses a
  /// door.
  std::vector<std::string> words() const;

  std::span<const std::string> positional() const { return positional_; }
  bool has(std::string_view name) const;
  /// The last value given, or `otherwise`.
  std::string_view get(std::string_view name, std::string_view otherwise = {}) const;
  std::vector<std::string> all(std::string_view name) const;
  /// bad_input that names the option when its value is no number or outside [low, high].
  Result<int64_t> get_int(std::string_view name, int64_t otherwise, int64_t low, int64_t high) const;
  Result<double> get_double(std::string_view name, double otherwise, double low, double high) const;
  /// bad_input that names the option when its value is no size.
  Result<int64_t> get_size(std::string_view name, int64_t otherwise) const;

 private:
  std::vector<std::string> positional_;
  std::vector<std::pair<std::string, std::string>> options_;
};

/// "100GB", "1.5 TB", "20M", "4096": bytes, in decimal units. bad_input otherwise.
Result<int64_t> parse_size(std::string_view text);

}  // namespace hearth
