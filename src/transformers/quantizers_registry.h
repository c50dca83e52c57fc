// The methods of quantization_config.quant_method: each file of quantizers/ is one.
#pragma once

#include <span>

#include "transformers/quantized_weights.h"

namespace hearth::transformers::quantizers {
using Entry = Quantizer;
std::span<const Entry* const> entries();
}  // namespace hearth::transformers::quantizers
