// SentencePieceProcessor: the sentencepiece library's own way from text to pieces and back. A tokenizer.json made from
// the same model cuts a few texts otherwise; transformers' classes in Python code ask the library.
// Source: sentencepiece 0.2.3 normalizer.cc, unigram_model.cc, bpe_model.cc, char_model.cc, sentencepiece_processor.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizers/auto/sentencepiece.h"
#include "tokenizers/encoding.h"
#include "tokenizers/pipeline/chars_map.h"
#include "tokenizers/pipeline/trie.h"

namespace hearth::tokenizers {

/// Immutable; any number of threads may use one at once.
class SentencePieceProcessor {
 public:
  struct Token {
    std::string text;
    TokenId id;
    TextSpan place;  ///< in bytes of the text
  };

  /// bad_input for a model that is broken, unsupported for one of whole words.
  static Result<SentencePieceProcessor> make(SentencePieceModel model);

  /// The text must be well-formed UTF-8.
  std::vector<Token> encode(std::string_view text) const;
  std::string decode(std::span<const std::string_view> pieces) const;

  /// The unknown piece's for what is no piece.
  TokenId piece_to_id(std::string_view piece) const;
  /// Nothing for an id out of range.
  std::optional<std::string_view> id_to_piece(TokenId id) const;
  int64_t size() const { return static_cast<int64_t>(model_.pieces.size()); }

 private:
  struct Normalized {
    std::string text;
    std::vector<uint32_t> origins;  // of each byte and of the end: a byte of the input
  };
  struct Cut {
    uint32_t begin, end;
    TokenId id;
  };
  SentencePieceProcessor() = default;
  Normalized normalize(std::string_view text) const;
  CharsMap::Match next_part(std::string_view text) const;
  size_t user_defined_at(std::string_view text) const;
  std::vector<Cut> cut_unigram(std::string_view text) const;
  std::vector<Cut> cut_bpe(std::string_view text) const;
  std::vector<Cut> cut_characters(std::string_view text) const;
  const SentencePiece& piece(TokenId id) const { return model_.pieces[static_cast<size_t>(id)]; }

  SentencePieceModel model_;
  std::optional<CharsMap> map_, denormalizer_;
  std::unordered_map<std::string, TokenId> ids_;  // of pieces that text is cut into
  std::unordered_map<std::string, TokenId> reserved_;
  std::optional<Trie> trie_;  // of ids_; its keys lie in model_
  Trie user_defined_;
  bool has_user_defined_ = false;
  TokenId unk_ = 0;
  float score_min_ = 0, score_max_ = 0;
};

}  // namespace hearth::tokenizers
