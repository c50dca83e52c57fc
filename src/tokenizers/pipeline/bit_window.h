// A stretch of text as words of bits: one bit a byte for each class of characters. What find_pieces.h is made of.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tokenizers/pipeline/find_pieces.h"

namespace hearth::tokenizers {

inline constexpr size_t kWindowWords = kPiecesMax / 64;

/// One bit a byte of the window; the word after the last is known too, the one before the first is empty.
struct Row {
  uint64_t words[kWindowWords + 2] = {};

  uint64_t& at(size_t w) { return words[w + 1]; }
  uint64_t at(size_t w) const { return words[w + 1]; }
  /// The bit of a byte's k-th predecessor, in the place of the byte's own.
  uint64_t before(size_t w, int k = 1) const { return at(w) << k | words[w] >> (64 - k); }
  uint64_t after(size_t w, int k = 1) const { return at(w) >> k | words[w + 2] << (64 - k); }
  bool test(size_t i) const { return (at(i / 64) >> (i % 64) & 1) != 0; }
  void set(size_t i) { at(i / 64) |= uint64_t{1} << (i % 64); }
  void clear(size_t i) { at(i / 64) &= ~(uint64_t{1} << (i % 64)); }
};

/// The classes of 64 bytes, of which those of ASCII have one.
struct ByteClasses {
  uint64_t letter, number, space, blank, line_end, apostrophe, visible, multi;
};

using Classify = ByteClasses (*)(const char* p);

/// The quickest that this machine has.
Classify classify_64();
/// The same without special instructions, which defines it.
ByteClasses classify_64_plain(const char* p);

}  // namespace hearth::tokenizers
