// Cards: the YAML metadata at the top of a README.md, and its rules.
// Source: huggingface_hub 2.4.0 repocard.py (REGEX_YAML_BLOCK); hub-docs modelcard.md for the keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/repo_id.h"

namespace hearth::hub {

struct Card {
  Json data;         ///< an object, or null without metadata
  std::string body;  ///< the Markdown below
};

/// bad_input with the line when the block is not YAML, is no mapping, or is unreasonably large.
Result<Card> parse_card(std::string_view readme);

/// YAML as JSON, by YAML 1.2's core schema (`no` is a string, dates are strings). bad_input with line and column.
Result<Json> parse_yaml(std::string_view text);

struct CardCheck {
  std::vector<std::string> errors, warnings;
};
/// What the Hub says of a README before a commit takes it.
CardCheck validate_card(std::string_view readme, RepoKind kind);

}  // namespace hearth::hub
