// The flags of sampling that run and chat share, over what the checkpoint sets.
#pragma once

#include <optional>
#include <string>

#include "base/arguments.h"
#include "base/result.h"
#include "transformers/text_generation.h"

namespace hearth::inference {

/// --max-new-tokens, --temperature, --top-k, --top-p, --seed, and of run --min-p, --repetition-penalty, --num-beams,
/// --num-beam-groups, --diversity-penalty, --length-penalty, --penalty-alpha, --prompt-lookup, --cache-implementation,
/// --cache-config, --stop. A temperature above 0 samples; without --seed each call draws anew.
Result<GenerationConfig> generation_options(const Arguments& arguments, const GenerationConfig& defaults);

/// --regex, --json-schema (a file or the schema itself), --grammar (a file): what the answer must be. bad_input when
/// there is more than one.
Result<std::optional<Grammar>> grammar_option(const Arguments& arguments);

/// "31.4 tokens/s, 64 tokens after a prompt of 12 in 0.08 s; fast numerics on native".
std::string summary_line(const GenerateResult& made, const CausalLM& model);

}  // namespace hearth::inference
