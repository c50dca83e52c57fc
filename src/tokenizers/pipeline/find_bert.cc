// find_bert: BertPreTokenizer, 64 bytes at a time.
#include <algorithm>
#include <bit>
#include <cstring>

#include "tokenizers/pipeline/bit_window.h"
#include "tokenizers/pipeline/scanners.h"

namespace hearth::tokenizers {

namespace {

struct Window {
  Row word, mark, tail;  // tail: bytes of a character after its first
};

// Characters of several bytes: each byte gets the class of its character.
void classify_multi(Window& w, std::string_view text, size_t from, size_t bytes, uint64_t multi, size_t k) {
  for (uint64_t left = multi; left != 0;) {
    const size_t i = k * 64 + static_cast<size_t>(std::countr_zero(left));
    left &= left - 1;
    if (w.tail.test(i)) continue;
    size_t end = from + i;
    const BertKind kind = bert_kind(text, end);
    for (size_t j = i; j < end - from && j < bytes; ++j) {
      if (j > i) w.tail.set(j);
      if (kind == BertKind::word) w.word.set(j);
      if (kind == BertKind::mark) w.mark.set(j);
    }
    left &= ~w.tail.at(k);
  }
}

}  // namespace

size_t find_bert(std::string_view text, size_t& from, PieceSpan* pieces) {
  const Classify classify = classify_64();
  Window w;
  const size_t left = text.size() - from, size = std::min(left, kPiecesMax), known = std::min(left, kPiecesMax + 64);
  const size_t words = (size + 63) / 64, words_known = (known + 63) / 64;
  for (size_t k = 0; k < words_known; ++k) {
    const char* p = text.data() + from + k * 64;
    char padded[64];
    if (k * 64 + 64 > known) {
      std::memset(padded, ' ', sizeof padded);
      std::memcpy(padded, p, known - k * 64);
      p = padded;
    }
    const ByteClasses c = classify(p);
    const uint64_t alphanumeric = c.letter | c.number;
    w.mark.at(k) |= c.visible & ~alphanumeric;
    w.word.at(k) |= ~(c.visible | c.space | c.multi) | alphanumeric;
    if (c.multi != 0) classify_multi(w, text, from, words_known * 64, c.multi, k);
  }
  // Begins and ends, each for itself in order.
  const auto base = static_cast<uint32_t>(from);
  PieceSpan *begin = pieces, *end = pieces;
  for (size_t k = 0; k < words; ++k) {
    const uint64_t word = w.word.at(k), mark = w.mark.at(k), word_before = w.word.before(k), tail = w.tail.at(k);
    uint64_t begins = (word & ~word_before) | (mark & ~tail);
    uint64_t ends = (~word & word_before) | (w.mark.before(k) & ~tail);
    if (k + 1 == words && size % 64 != 0) {
      const uint64_t inside = (uint64_t{1} << (size % 64)) - 1;
      begins &= inside;
      ends &= inside;
    }
    const auto here = base + static_cast<uint32_t>(k * 64);
    for (; begins != 0; begins &= begins - 1) begin++->begin = here + static_cast<uint32_t>(std::countr_zero(begins));
    for (; ends != 0; ends &= ends - 1) end++->end = here + static_cast<uint32_t>(std::countr_zero(ends));
  }
  if (size == left) {
    if (begin > end) end++->end = static_cast<uint32_t>(text.size());
    from = text.size();
  } else if (begin == end) {
    from += size;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  } else if (end->begin > from) {
    from = end->begin;  // this one goes on beyond the window
  } else {
    *end++ = bert_piece(text, from);
    from = pieces->end;
  }
  return static_cast<size_t>(end - pieces);
}

}  // namespace hearth::tokenizers
