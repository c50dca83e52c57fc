// PieceEnds: the matchers of scanners.h for long texts, 64 bytes at a time. Each byte's class (letter, number, white
// space, other) is a bit, the places where pieces begin follow from a few operations on words of bits, and only what no
// such operation says (contractions, runs of white space, long numbers) is looked at by itself.
// scanners.h is the definition: piece_ends_test.cc holds the two against one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth::tokenizers {

/// How many ends one call writes at most.
inline constexpr size_t kEndsMax = 4096;

/// Writes the ends of the pieces that begin at `from` and after it, one at least, in order, and returns how many.
/// `text` is well-formed UTF-8 of less than 4 GiB; a piece begins at `from` < text.size().
using PieceEnds = size_t (*)(std::string_view text, size_t from, uint32_t* ends);

/// GPT-2's pattern; and the same on what stands between digits, each of which is a piece of its own (SmolLM's Digits
/// and ByteLevel).
size_t ends_gpt2(std::string_view text, size_t from, uint32_t* ends);
size_t ends_gpt2_digits(std::string_view text, size_t from, uint32_t* ends);
/// The version for a pattern in exactly this spelling, or nullptr.
PieceEnds known_piece_ends(std::string_view pattern);

}  // namespace hearth::tokenizers
