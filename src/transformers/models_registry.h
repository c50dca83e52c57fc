// The model families: each file of models/ is one.
#pragma once

#include <span>

#include "transformers/causal_lm.h"

namespace hearth::transformers::models {
using Entry = Family;
std::span<const Entry* const> entries();
}  // namespace hearth::transformers::models
