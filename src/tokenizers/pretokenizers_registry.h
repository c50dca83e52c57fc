// The pre-tokenizers of tokenizer.json: one file of pretokenizers/ a type.
#pragma once

#include <span>

#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers::pretokenizers {
using Entry = Kind<PreTokenizer>;
std::span<const Entry* const> entries();
}  // namespace hearth::tokenizers::pretokenizers
