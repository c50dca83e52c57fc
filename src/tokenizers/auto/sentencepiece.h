// A SentencePiece model file, as far as a tokenizer needs it.
// Source: sentencepiece 0.2.3 sentencepiece_model.proto (protocol buffers, wire format of developers.google.com).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::tokenizers {

enum class PieceType : uint8_t { normal = 1, unknown, control, user_defined, unused, byte };

struct SentencePiece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::normal;
};

struct SentencePieceModel {
  std::vector<SentencePiece> pieces;
  int64_t model_type = 1;  ///< 1 Unigram, 2 BPE, 3 words, 4 characters
  bool byte_fallback = false;
  int64_t unk_id = 0, bos_id = 1, eos_id = 2;  ///< -1: none
  std::string unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>";
  std::string unk_surface = " \u2047 ";  ///< what an unknown piece is decoded to
  bool treat_whitespace_as_suffix = false;
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
  std::string precompiled_charsmap;
  std::string denormalizer_charsmap;  ///< for decoded text; empty: none

  /// bad_input where the bytes are no such model. Takes no more memory than the file has.
  static Result<SentencePieceModel> parse(std::string_view bytes);
};

}  // namespace hearth::tokenizers
