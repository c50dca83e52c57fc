// The tokenizer classes of transformers that are read as their Python code builds them: a file of classes/ for related
// ones.
#pragma once

#include <span>

#include "tokenizers/auto/loading.h"

namespace hearth::tokenizers::classes {
using Entry = TokenizerClasses;
std::span<const Entry* const> entries();
}  // namespace hearth::tokenizers::classes
