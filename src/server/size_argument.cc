#include "server/size_argument.h"

#include "base/text.h"

namespace hearth::server {

Result<int64_t> parse_size(std::string_view text) {
  const auto letters = text.find_first_not_of("0123456789.");
  const auto number = parse_double(trim(text.substr(0, letters)));
  const auto unit = letters == std::string_view::npos ? std::string_view() : trim(text.substr(letters));
  double factor = 1;
  for (const std::string_view known : {"B", "KB", "MB", "GB", "TB", "PB"}) {
    if (equals_ignore_case(unit, known) || (unit.empty() && known == "B")) {
      if (number && *number >= 0 && *number * factor < 9e18) return static_cast<int64_t>(*number * factor);
      break;
    }
    factor *= 1000;
  }
  return Status(Code::bad_input, cat("'", text.substr(0, 40), "' is no size: 500MB, 100GB, 1.5TB"));
}

}  // namespace hearth::server
