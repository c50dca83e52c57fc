// The flags of run and chat: how the model computes and how the next token is chosen.
#pragma once

#include "base/arguments.h"

namespace hearth::cli {

constexpr Option kMaxNewTokensOption{"max-new-tokens", "N", "length of the answer at most (256)"};
constexpr Option kTemperatureOption{"temperature", "T", "above 0: sample; 0: always the likeliest token"};
constexpr Option kTopKOption{"top-k", "K", "sample among the K likeliest tokens (50; 0: all)"};
constexpr Option kTopPOption{"top-p", "P", "sample among the likeliest tokens that make up P (1)"};
constexpr Option kSeedOption{"seed", "N", "the same answer for the same seed"};
constexpr Option kRegexOption{"regex", "PATTERN", "the answer is a text of this regular expression"};
constexpr Option kJsonSchemaOption{"json-schema", "FILE|JSON", "the answer is JSON of this schema"};
constexpr Option kGrammarOption{"grammar", "FILE", "the answer is a text of this grammar (GBNF)"};
constexpr Option kExactOption{"exact", "", "dequantized weights and f32 arithmetic: the numbers of transformers"};
constexpr Option kFastOption{"fast", "", "8-bit activations with quantized weights (their default)"};
constexpr Option kDTypeOption{"dtype", "TYPE", "arithmetic of exact numerics: f32 (default) or bf16"};
constexpr Option kQuantizeOption{"quantize", "TYPE",
                                 "round plain weights to 4, 5 or 8 bits while loading: q4_0, q4_1, q5_0, q5_1, q8_0"};
constexpr Option kBackendOption{"backend", "NAME", "native (default), or aten: libtorch"};

}  // namespace hearth::cli
