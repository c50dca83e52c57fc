// JSON Schemas as rules of a grammar.
#pragma once

#include <string>

#include "base/json.h"
#include "transformers/grammar/automaton.h"

namespace hearth::grammar {

/// The JSON texts of a schema, as Grammar::from_json_schema has them. `name` keeps its rules apart from those of other
/// schemas in the same builder.
Result<RuleId> parse_json_schema(Builder& builder, const Json& schema, std::string name);

}  // namespace hearth::grammar
