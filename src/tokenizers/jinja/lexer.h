// Lexer: a template's source as tokens; white space control is done here.
// Source: jinja2 3.1.6 lexer.py with trim_blocks and lstrip_blocks on, keep_trailing_newline off.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::jinja {

enum class TokenKind : uint8_t {
  data,
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  integer,
  real,
  op,
  end
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;  ///< data, a name, a string's value, a number's digits, an operator
  int line = 1;

  bool is(TokenKind k, std::string_view t) const { return kind == k && text == t; }
  bool is_op(std::string_view t) const { return is(TokenKind::op, t); }
  bool is_name(std::string_view t) const { return is(TokenKind::name, t); }
};

/// All tokens, the last of kind end. bad_input "line N: ...".
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace hearth::jinja
