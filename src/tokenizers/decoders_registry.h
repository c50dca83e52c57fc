// The decoders of tokenizer.json: one file of decoders/ a type.
#pragma once

#include <span>

#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers::decoders {
using Entry = Kind<Decoder>;
std::span<const Entry* const> entries();
}  // namespace hearth::tokenizers::decoders
