// The post-processors of tokenizer.json: one file of postprocessors/ a type.
#pragma once

#include <span>

#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers::postprocessors {
using Entry = Kind<PostProcessor>;
std::span<const Entry* const> entries();
}  // namespace hearth::tokenizers::postprocessors
