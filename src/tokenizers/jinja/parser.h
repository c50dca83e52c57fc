// Parser: tokens to a syntax tree.
// Source: jinja2 3.1.6 parser.py with the extensions loopcontrols and transformers' {% generation %}.
#pragma once

#include <memory>
#include <string>

#include "tokenizers/jinja/ast.h"

namespace hearth::jinja {

/// bad_input "line N: ...".
Result<std::shared_ptr<const Program>> parse_program(std::string source);

}  // namespace hearth::jinja
