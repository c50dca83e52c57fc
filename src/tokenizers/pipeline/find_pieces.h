// FindPieces: the matchers of scanners.h for long texts, 64 bytes at a time. Each byte's class (letter, number, white
// space, other) is a bit, the places where pieces begin follow from a few operations on words of bits, and only what no
// such operation says (contractions, some runs of white space, long numbers) is looked at by itself.
// scanners.h and BertPreTokenizer are the definitions: find_pieces_test.cc holds each pair against one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth::tokenizers {

/// Bytes [begin, end) of a text.
struct PieceSpan {
  uint32_t begin, end;
  friend bool operator==(const PieceSpan&, const PieceSpan&) = default;
};

/// How many pieces one call writes at most.
inline constexpr size_t kPiecesMax = 4096;

/// Writes the pieces that begin at `from` and after it, in order, and returns how many; `from` becomes where the next
/// call goes on: text.size() when all were found. There is room for kPiecesMax + 8 pieces. `text` is well-formed UTF-8
/// of less than 4 GiB; a piece, or what stands between two, begins at `from` < text.size().
using FindPieces = size_t (*)(std::string_view text, size_t& from, PieceSpan* pieces);

/// GPT-2's pattern; and the same on what stands between digits, each of which is a piece of its own (SmolLM's Digits
/// and ByteLevel).
size_t find_gpt2(std::string_view text, size_t& from, PieceSpan* pieces);
size_t find_gpt2_digits(std::string_view text, size_t& from, PieceSpan* pieces);
/// The version for a pattern in exactly this spelling, or nullptr.
FindPieces known_find_pieces(std::string_view pattern);

/// BertPreTokenizer: words without the white space between, and each punctuation mark alone.
size_t find_bert(std::string_view text, size_t& from, PieceSpan* pieces);

}  // namespace hearth::tokenizers
