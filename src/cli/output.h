// How a verb's result is printed: for a person, as JSON (--json), or bare for scripts (--quiet), as the `hf` tool does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/arguments.h"
#include "base/json.h"
#include "base/terminal.h"

namespace hearth::cli {

inline constexpr Option kJsonOption{"json", "", "The result as one line of JSON on standard output."};
inline constexpr Option kQuietOption{"quiet", "", "Only the essential word of each result.", false, "q"};
inline constexpr Option kFormatOption{"format", "FORMAT",
                                      "auto, human, json or quiet: another way to say --json or -q."};

enum class Format { human, json, quiet };

/// Prints results in the format that --json, --quiet or --format chose.
class Output {
 public:
  static Result<Output> make(const Arguments& arguments, Terminal& terminal);
  Format format() const { return format_; }
  bool is_human() const { return format_ == Format::human; }
  Terminal& terminal() const { return terminal_; }

  /// A line for people only.
  void text(std::string_view line) const;
  /// One thing done: "message" and its data as lines; `{"key": value}`; or the first value.
  void result(std::string_view message, const Json& data) const;
  /// Rows (objects) as a table of `columns`; as a JSON array with all their members; or one `columns[0]` a line.
  void table(const Json::Array& rows, const std::vector<std::string>& columns) const;

 private:
  Output(Format format, Terminal& terminal) : format_(format), terminal_(terminal) {}
  Format format_;
  Terminal& terminal_;
};

}  // namespace hearth::cli
