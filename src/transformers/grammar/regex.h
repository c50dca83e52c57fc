// Regular expressions as grammars: Python's `re` syntax, as far as an automaton can follow it.
#pragma once

#include <string_view>

#include "transformers/grammar/automaton.h"

namespace hearth::grammar {

/// How the characters that an expression matches are written.
enum class Spelling : uint8_t {
  plain,  ///< as UTF-8
  json,   ///< as inside a JSON string: quotes, backslashes and control characters by their escapes
};
/// A character of a set.
ExprId spelled(Builder& builder, const CharSet& set, Spelling spelling);

/// What re.fullmatch takes, or re.search: then anything may stand before and behind, but for ^ and $. unsupported names
/// what no automaton has; bad_input the place of a fault.
Result<ExprId> parse_regex(Builder& builder, std::string_view pattern, Spelling spelling, bool is_search);

}  // namespace hearth::grammar
