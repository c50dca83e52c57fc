// What the trainers share: from counted words to the `model` of a tokenizer.json.
#pragma once

#include "base/json.h"
#include "tokenizers/training/progress.h"
#include "tokenizers/training/word_counts.h"

namespace hearth::tokenizers {

struct LearntModel {
  Json config;         ///< `old` with another vocabulary
  int64_t merges = 0;  ///< of BPE and WordPiece
};

/// `old` is the model's JSON before; its options stay. Each is bad_input for a vocabulary without room for what must be
/// in it, cancelled when the stop was asked for.
Result<LearntModel> learn(const WordCounts& words, const BpeTrainer& trainer, const Json& old, Meter& meter);
Result<LearntModel> learn(const WordCounts& words, const WordPieceTrainer& trainer, const Json& old, Meter& meter);
Result<LearntModel> learn(const WordCounts& words, const UnigramTrainer& trainer, const Json& old, Meter& meter);
Result<LearntModel> learn(const WordCounts& words, const WordLevelTrainer& trainer, const Json& old, Meter& meter);

}  // namespace hearth::tokenizers
