// The models of tokenizer.json: one file of models/ a type.
#pragma once

#include <span>

#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers::models {
using Entry = Kind<Model>;
std::span<const Entry* const> entries();
}  // namespace hearth::tokenizers::models
