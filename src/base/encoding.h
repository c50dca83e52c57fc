// Bytes as text: hexadecimal, base64, percent-encoding, form bodies.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth {

std::string to_hex(std::string_view bytes);
Result<std::string> from_hex(std::string_view hex);
std::string to_base64(std::string_view bytes);
/// RFC 4648 with padding; white space inside is skipped, anything else is bad_input.
Result<std::string> from_base64(std::string_view text);

/// Escapes all but RFC 3986 unreserved characters; `/` stays when `keep_slash`.
std::string percent_encode(std::string_view text, bool keep_slash = false);
/// bad_input on a cut or non-hexadecimal escape. `plus_is_space`: as in form bodies and queries.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

using Parameters = std::vector<std::pair<std::string, std::string>>;
/// `a=1&b=2` of a query or an x-www-form-urlencoded body, in order, keys repeated as sent.
Result<Parameters> parse_query(std::string_view query);

/// Escapes & < > " ' for HTML text and attribute values.
std::string html_escape(std::string_view text);

}  // namespace hearth
