// The syntax tree of a template.
// Source: jinja2 3.1.6 nodes.py.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/jinja/value.h"

namespace hearth::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

/// What stands between the parentheses of a call, a filter or a test.
struct CallSyntax {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr star;       ///< *args
  ExpressionPtr star_star;  ///< **kwargs
};

enum class ExpressionKind : uint8_t {
  constant,
  name,       ///< text
  list,       ///< parts
  tuple,      ///< parts
  dict,       ///< parts: key, value, key, value
  attribute,  ///< parts[0].text
  item,       ///< parts[0][parts[1]]
  slice,      ///< only as an item's index; parts: start, stop, step, each may be null
  call,       ///< parts[0](arguments)
  filter,     ///< parts[0] | text(arguments); parts[0] null: the body of a block
  test,       ///< parts[0] is text(arguments)
  negate,
  plus,
  logical_not,
  logical_and,
  logical_or,
  binary,               ///< text: + - * / // % **
  compare,              ///< parts[0] operators[0] parts[1] operators[1] ...
  concat,               ///< parts joined by ~
  conditional,          ///< parts[0] if parts[1] else parts[2], which may be null
  namespace_attribute,  ///< target of an assignment: text.attribute
};

struct Expression {
  ExpressionKind kind;
  int line = 1;
  int depth = 1;  ///< of the tree below, itself counted
  Value constant;
  std::string text;
  std::string attribute;
  std::vector<ExpressionPtr> parts;
  std::vector<std::string> operators;
  CallSyntax arguments;
};

struct Statement;
using Body = std::vector<std::unique_ptr<Statement>>;

struct Parameter {
  std::string name;
  ExpressionPtr otherwise;  ///< null: none given
};

enum class StatementKind : uint8_t {
  data,          ///< text
  output,        ///< value
  if_else,       ///< value, body, orelse
  for_loop,      ///< target, value, condition, body, orelse, recursive
  set,           ///< target, value
  set_block,     ///< target, value (filters or null), body
  macro,         ///< text (name), parameters, body
  call_block,    ///< value (a call), parameters, body
  filter_block,  ///< value, body
  with,          ///< assignments, body
  scope,         ///< body in a scope of its own: block, autoescape
  generation,    ///< body
  break_loop,
  continue_loop,
};

struct Statement {
  StatementKind kind;
  int line = 1;
  std::string text;
  ExpressionPtr target, value, condition;
  Body body, orelse;
  bool recursive = false;
  std::vector<Parameter> parameters;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> assignments;
  bool uses_caller = false, uses_kwargs = false, uses_varargs = false;  ///< macro: names its body reads
};

struct Program {
  std::string source;
  Body body;
};

}  // namespace hearth::jinja
