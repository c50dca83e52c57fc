// The merges of BPE, learnt from counted words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/training/progress.h"
#include "tokenizers/training/word_counts.h"

namespace hearth::tokenizers {

struct LearntBpe {
  std::vector<std::string> tokens;                    ///< by id
  std::vector<std::pair<uint32_t, uint32_t>> merges;  ///< ids, in the order in which they apply
};

/// The words in the order in which tokens with a prefix or suffix get their ids. cancelled when the stop was asked for.
Result<LearntBpe> learn_bpe(std::span<const CountedWordView> words, const BpeTrainer& trainer, Meter& meter);

}  // namespace hearth::tokenizers
