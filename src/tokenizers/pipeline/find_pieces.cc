#include "tokenizers/pipeline/find_pieces.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tokenizers/pipeline/bit_window.h"
#include "tokenizers/pipeline/character_class.h"
#include "tokenizers/pipeline/scanners.h"

namespace hearth::tokenizers {

namespace {

struct Window {
  std::string_view text;
  size_t from = 0;    // in the text
  size_t size = 0;    // bytes of the window
  bool last = false;  // the text ends with it
  Row letter, number, numeric, space, blank, line_end, apostrophe, multi, tail, valid;
  Row begins;  // where pieces begin

  bool any_multi = false, any_apostrophe = false;
  uint64_t other(size_t w) const { return ~(letter.at(w) | number.at(w) | space.at(w)) & valid.at(w); }
};

// Characters of several bytes: each byte gets the class of its character.
template <uint32_t word>
void classify_multi(Window& w, size_t words) {
  for (size_t k = 0; k < words; ++k) {
    for (uint64_t left = w.multi.at(k) & ~w.tail.at(k); left != 0;) {
      const size_t i = k * 64 + static_cast<size_t>(std::countr_zero(left));
      left &= left - 1;
      if (w.tail.test(i)) continue;
      const auto c = look(w.text, w.from + i);
      for (size_t j = i; j < i + c.size && j < words * 64; ++j) {
        if (j > i) w.tail.set(j);
        if (c.kind & word) w.letter.set(j);
        if (c.kind & unicode::number) w.number.set(j);
        if (c.kind & kNumericBit) w.numeric.set(j);
        if (c.kind & kSpaceBit) w.space.set(j);
      }
      left &= ~w.tail.at(k);
    }
  }
}

// Returns how many words hold bytes of the window.
template <uint32_t word>
size_t classify(Window& w, std::string_view text, size_t from) {
  const Classify classify_bytes = classify_64();
  w.text = text;
  w.from = from;
  const size_t left = text.size() - from;
  w.last = left <= kPiecesMax;
  w.size = w.last ? left : kPiecesMax;
  const size_t known = std::min(left, kPiecesMax + 64), words = (known + 63) / 64;
  for (size_t k = 0; k < words; ++k) {
    const char* p = text.data() + from + k * 64;
    const size_t here = std::min<size_t>(64, known - k * 64);
    char padded[64];
    if (here < 64) {
      std::memset(padded, 0, sizeof padded);
      std::memcpy(padded, p, here);
      p = padded;
    }
    const ByteClasses c = classify_bytes(p);
    w.letter.at(k) = c.letter;
    w.number.at(k) = w.numeric.at(k) = c.number;
    w.space.at(k) = c.space;
    w.blank.at(k) = c.blank;
    w.line_end.at(k) = c.line_end;
    w.apostrophe.at(k) = c.apostrophe;
    w.multi.at(k) = c.multi;
    w.valid.at(k) = here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1;
    w.any_multi |= c.multi != 0;
    w.any_apostrophe |= c.apostrophe != 0;
  }
  if (w.any_multi) classify_multi<word>(w, words);
  return (w.size + 63) / 64;
}

// The end of the run of white space that begins at window byte i, in the text.
size_t space_run_end(const Window& w, size_t i) {
  for (size_t k = i / 64; k <= (w.size - 1) / 64; ++k) {
    uint64_t outside = ~w.space.at(k);
    if (k == i / 64) outside &= ~uint64_t{0} << (i % 64);
    if (outside != 0) return std::min(w.from + k * 64 + static_cast<size_t>(std::countr_zero(outside)), w.text.size());
  }
  size_t at = w.from + w.size;
  while (at < w.text.size()) {
    if ((static_cast<unsigned char>(w.text[at]) & 0xC0) == 0x80) {
      ++at;  // the window cut this character; it is white space
      continue;
    }
    const auto c = look(w.text, at);
    if (!(c.kind & kSpaceBit)) break;
    at += c.size;
  }
  return at;
}

// Where the last character of text[begin, end) begins.
size_t last_character(std::string_view text, size_t begin, size_t end) {
  --end;
  while (end > begin && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

void set_begin(Window& w, size_t at) {
  if (at - w.from < w.size) w.begins.set(at - w.from);
}

// Runs of white space that are more than one blank.
template <class F>
void for_space_runs(Window& w, size_t words, F&& f) {
  for (size_t k = 0; k < words; ++k) {
    const uint64_t first = w.space.at(k) & ~w.space.before(k);
    const uint64_t single = first & w.blank.at(k) & ~w.space.after(k);
    w.begins.at(k) |= first;
    for (uint64_t left = first & ~single & w.valid.at(k); left != 0; left &= left - 1) {
      const size_t i = k * 64 + static_cast<size_t>(std::countr_zero(left));
      if (i < w.size) f(w.from + i, space_run_end(w, i));
    }
  }
}

template <bool any_case>
void cut_contractions(Window& w, size_t words) {
  for (size_t k = 0; k < words; ++k) {
    for (uint64_t left = w.apostrophe.at(k) & w.begins.at(k); left != 0; left &= left - 1) {
      const size_t at = w.from + k * 64 + static_cast<size_t>(std::countr_zero(left));
      const size_t end = scan_contraction<any_case>(w.text, at);
      if (end == at) continue;
      for (size_t i = at + 1; i < end && i - w.from < w.size; ++i) w.begins.clear(i - w.from);
      if (end < w.text.size()) set_begin(w, end);
    }
  }
}

// Writes the pieces; `scan` gives the end of one that is longer than the window.
size_t write_pieces(const Window& w, size_t words, Scanner scan, size_t& from, PieceSpan* pieces) {
  PieceSpan* to = pieces;
  auto begin = static_cast<uint32_t>(w.from);
  for (size_t k = 0; k < words; ++k) {
    uint64_t left = w.begins.at(k) & w.valid.at(k);
    if (k == 0) left &= ~uint64_t{1};
    if (k + 1 == words && w.size % 64 != 0) left &= (uint64_t{1} << (w.size % 64)) - 1;
    const auto base = static_cast<uint32_t>(w.from + k * 64);
    for (; left != 0; left &= left - 1) {
      const uint32_t end = base + static_cast<uint32_t>(std::countr_zero(left));
      *to++ = {begin, end};
      begin = end;
    }
  }
  if (w.last) {
    *to++ = {begin, static_cast<uint32_t>(w.text.size())};
  } else if (to == pieces) {
    *to++ = {begin, static_cast<uint32_t>(scan(w.text, w.from))};
  }
  from = to[-1].end;
  return static_cast<size_t>(to - pieces);
}

// A run of white space ends a piece before its last character, unless the text ends with it.
template <bool digits>
void cut_spaces(Window& w, size_t words) {
  for (size_t k = 0; k < words; ++k) {
    const uint64_t space = w.space.at(k);
    uint64_t last = space & ~w.space.after(k);
    if (digits) last &= ~w.numeric.after(k);  // where a digit begins, a text ends
    if (w.last && k + 1 == words) last &= ~(uint64_t{1} << ((w.size - 1) % 64));
    for (uint64_t cut = last & w.tail.at(k); cut != 0; cut &= cut - 1) {  // the character begins further to the left
      size_t i = k * 64 + static_cast<size_t>(std::countr_zero(cut));
      while (w.tail.test(i)) --i;
      w.begins.set(i);
    }
    w.begins.at(k) |= (space & ~w.space.before(k)) | (last & ~w.tail.at(k));
  }
}

template <bool digits>
size_t find_like_gpt2(std::string_view text, size_t& from, PieceSpan* pieces) {
  Window w;
  const size_t words = classify<unicode::letter>(w, text, from);
  for (size_t k = 0; k < words; ++k) {
    uint64_t same = (w.letter.at(k) & w.letter.before(k)) | (w.number.at(k) & w.number.before(k));
    const uint64_t other = w.other(k);
    const uint64_t other_before = other << 1 | (k > 0 ? w.other(k - 1) >> 63 : 0);
    same |= other & other_before;
    uint64_t begins = ~w.space.at(k) & ~same & ~w.blank.before(k);
    if (digits) begins |= (w.numeric.at(k) | w.numeric.before(k)) & ~w.tail.at(k);
    w.begins.at(k) = begins;
  }
  cut_spaces<digits>(w, words);
  if (w.any_apostrophe) cut_contractions<false>(w, words);
  return write_pieces(w, words, digits ? scan_gpt2_digits : scan_gpt2, from, pieces);
}

// The family of cl100k; see scan_cl100k.
template <uint32_t word, int digits>
size_t find_like_cl100k(std::string_view text, size_t& next, PieceSpan* pieces) {
  const size_t from = next;
  Window w;
  const size_t words = classify<word>(w, text, from);
  Row other;
  for (size_t k = 0; k <= words && k <= kWindowWords; ++k) other.at(k) = w.other(k);
  for (size_t k = 0; k < words; ++k) {
    // A word takes the one character before it, if that begins a piece and is no line end.
    const uint64_t space_joins = w.space.before(k) & ~w.line_end.before(k);
    const uint64_t other_joins = other.before(k) & ~other.before(k, 2) & ~w.blank.before(k, 2);
    uint64_t letters = w.letter.at(k) & ~w.letter.before(k) & ~space_joins & ~other_joins;
    for (uint64_t left = letters & other.before(k) & w.multi.before(k); left != 0; left &= left - 1) {
      const size_t i = k * 64 + static_cast<size_t>(std::countr_zero(left));
      size_t lead = i - 1;
      while (lead > 0 && w.tail.test(lead)) --lead;
      if (lead == 0 || (!other.test(lead - 1) && !w.blank.test(lead - 1))) letters &= ~(left & -left);
    }
    const uint64_t numbers = w.number.at(k) & ~(digits == 1 ? w.tail.at(k) : w.number.before(k));
    w.begins.at(k) = letters | numbers | (other.at(k) & ~other.before(k) & ~w.blank.before(k));
  }
  for (size_t k = 0; digits > 1 && k < words; ++k) {
    const uint64_t numbers = w.number.at(k) & ~w.number.before(k);
    for (uint64_t left = numbers & w.number.after(k, 3); left != 0; left &= left - 1) {
      size_t i = k * 64 + static_cast<size_t>(std::countr_zero(left));
      for (int count = 0; i < w.size && w.number.test(i); ++count) {
        if (count == digits) {
          w.begins.set(i);
          count = 0;
        }
        ++i;
        while (i < w.size && w.tail.test(i)) ++i;
      }
    }
  }
  for_space_runs(w, words, [&](size_t begin, size_t end) {
    const auto is_line_end = [&](size_t i) { return text[i] == '\r' || text[i] == '\n'; };
    if (begin > from && other.test(begin - 1 - from)) {
      const size_t first = begin;
      while (begin < end && is_line_end(begin)) ++begin;  // these stay with what stands before them
      if (begin > first) w.begins.clear(first - from);
      if (begin < text.size()) set_begin(w, begin);
      if (begin == end) return;
    }
    size_t rest = end;
    while (rest > begin && !is_line_end(rest - 1)) --rest;
    if (rest == end) return;
    set_begin(w, rest);
    if (end < text.size()) set_begin(w, last_character(text, rest, end));
  });
  if (w.any_apostrophe) cut_contractions<true>(w, words);
  return write_pieces(w, words,
                      known_scanner(digits == 3               ? kLlama3Pattern
                                    : word == unicode::letter ? kQwen2Pattern
                                                              : kQwen35Pattern),
                      next, pieces);
}

}  // namespace

size_t find_gpt2(std::string_view text, size_t& from, PieceSpan* pieces) {
  return find_like_gpt2<false>(text, from, pieces);
}

size_t find_gpt2_digits(std::string_view text, size_t& from, PieceSpan* pieces) {
  return find_like_gpt2<true>(text, from, pieces);
}

FindPieces known_find_pieces(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return find_gpt2;
  if (pattern == kLlama3Pattern) return find_like_cl100k<unicode::letter, 3>;
  if (pattern == kQwen2Pattern) return find_like_cl100k<unicode::letter, 1>;
  if (pattern == kQwen35Pattern) return find_like_cl100k<unicode::letter | unicode::mark, 1>;
  return nullptr;
}

}  // namespace hearth::tokenizers
