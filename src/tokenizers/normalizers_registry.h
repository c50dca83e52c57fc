// The normalizers of tokenizer.json: one file of normalizers/ a type.
#pragma once

#include <span>

#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers::normalizers {
using Entry = Kind<Normalizer>;
std::span<const Entry* const> entries();
}  // namespace hearth::tokenizers::normalizers
