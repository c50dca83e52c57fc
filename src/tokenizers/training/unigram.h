// The pieces of a Unigram model, learnt from counted words.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/training/progress.h"
#include "tokenizers/training/word_counts.h"

namespace hearth::tokenizers {

/// Pieces and their scores, special tokens and the unknown token not among them; the likeliest first. `room`: how many
/// there may be. bad_input when the characters alone are more, cancelled when the stop was asked for.
Result<std::vector<std::pair<std::string, double>>> learn_unigram(std::span<const CountedWordView> words,
                                                                  const UnigramTrainer& trainer, size_t room,
                                                                  Meter& meter);

}  // namespace hearth::tokenizers
