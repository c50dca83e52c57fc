// WordCutter: the words that a text is for a trainer: what the normalizer and the pre-tokenizer make of it.
// Source: tokenizers 0.23 tokenizer/mod.rs (the closures in TokenizerImpl::train and train_from_files).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "tokenizers/pipeline/added_tokens.h"
#include "tokenizers/pipeline/parts.h"
#include "tokenizers/training/word_counts.h"

namespace hearth::tokenizers {

/// Built once, then only read; each thread has its own Scratch.
class WordCutter {
 public:
  /// `root`: a tokenizer.json, whose model is not looked at.
  static Result<WordCutter> make(const ConfigView& root);

  struct Scratch {
    PiecesView pieces;
    std::vector<Section> sections, inner;
    AlignedText normalized;
    std::vector<PieceSpan> spans;
    WordCounts words;   ///< of the pre-tokenizer: raw bytes if it is byte-level
    WordCounts tokens;  ///< added tokens in the texts: to the original they are words too
  };
  /// Counts the words of well-formed text.
  void count(std::string_view text, Scratch& scratch) const;
  /// All words that were counted, as the vocabulary spells them.
  WordCounts spelt(const WordCounts& words, const WordCounts& tokens) const;

 private:
  void count_section(TextView text, Scratch& scratch) const;
  void count_plain(TextView text, Scratch& scratch) const;

  std::unique_ptr<Normalizer> normalizer_;
  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  AddedTokens added_;
  FindPieces find_pieces_ = nullptr;
  bool bytes_ = false;  // words are raw bytes, to be spelt in the byte alphabet
};

}  // namespace hearth::tokenizers
