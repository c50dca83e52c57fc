// Credentials that somebody left in a text: known forms of keys and tokens, told by their prefix and alphabet.
// Source: the issuers' documentation of their tokens' forms; the Hub's documentation, "Secrets Scanning".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::hub::scan {

struct Secret {
  std::string_view kind;  ///< "Hugging Face token"
  int64_t line = 0;       ///< 1 is the first; the secret itself is never kept
};

/// At most 100, in the order of the text.
std::vector<Secret> find_secrets(std::string_view text);

}  // namespace hearth::hub::scan
