// The model families: each file of models/ is one.
#pragma once

#include <span>

#include "transformers/text_model.h"

namespace hearth::transformers::models {
using Entry = Family;
std::span<const Entry* const> entries();
}  // namespace hearth::transformers::models
