#include "tokenizers/pipeline/piece_ends.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "tokenizers/pipeline/character_class.h"
#include "tokenizers/pipeline/scanners.h"

namespace hearth::tokenizers {

namespace {

constexpr size_t kWords = kEndsMax / 64;

// One bit a byte of the window; the word after the last is known too, the one before the first is empty.
struct Row {
  uint64_t words[kWords + 2] = {};

  uint64_t& at(size_t w) { return words[w + 1]; }
  uint64_t at(size_t w) const { return words[w + 1]; }
  /// The bit of a byte's k-th predecessor, in the place of the byte's own.
  uint64_t before(size_t w, int k = 1) const { return at(w) << k | words[w] >> (64 - k); }
  uint64_t after(size_t w, int k = 1) const { return at(w) >> k | words[w + 2] << (64 - k); }
  bool test(size_t i) const { return (at(i / 64) >> (i % 64) & 1) != 0; }
  void set(size_t i) { at(i / 64) |= uint64_t{1} << (i % 64); }
  void clear(size_t i) { at(i / 64) &= ~(uint64_t{1} << (i % 64)); }
};

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

// The classes of 64 bytes.
struct Classes {
  uint64_t letter, number, space, blank, line_end, apostrophe, multi;
};

Classes classify_plain(const char* p) {
  Classes out{};
  for (size_t i = 0; i < 64; ++i) {
    const auto b = static_cast<unsigned char>(p[i]);
    const uint64_t bit = uint64_t{1} << i;
    if (b >= 0x80) {
      out.multi |= bit;
      continue;
    }
    const uint32_t kind = kAsciiClasses[b];
    if (kind & unicode::letter) out.letter |= bit;
    if (kind & unicode::number) out.number |= bit;
    if (kind & kSpaceBit) out.space |= bit;
    if (b == ' ') out.blank |= bit;
    if (b == '\r' || b == '\n') out.line_end |= bit;
    if (b == '\'') out.apostrophe |= bit;
  }
  return out;
}

#if defined(__x86_64__)
#define HEARTH_AVX512 __attribute__((target("avx512f,avx512bw")))
#define HEARTH_AVX2 __attribute__((target("avx2")))

HEARTH_AVX512 inline uint64_t between(__m512i b, char low, char count) {
  return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(b, _mm512_set1_epi8(low)), _mm512_set1_epi8(count));
}
HEARTH_AVX512 inline uint64_t equal(__m512i b, char c) {
  return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8(c));
}
HEARTH_AVX512 Classes classify_avx512(const char* p) {
  const __m512i b = _mm512_loadu_si512(p);
  const uint64_t blank = equal(b, ' ');
  return {between(_mm512_or_si512(b, _mm512_set1_epi8(0x20)), 'a', 26),
          between(b, '0', 10),
          between(b, 9, 5) | blank,
          blank,
          equal(b, '\r') | equal(b, '\n'),
          equal(b, '\''),
          _mm512_movepi8_mask(b)};
}

struct Halves {
  __m256i low, high;
};
HEARTH_AVX2 inline uint64_t bits(__m256i low, __m256i high) {
  return static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(low))) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
}
// Signed: bytes from 0x80 on are below all.
HEARTH_AVX2 inline uint64_t between(const Halves& b, char first, char last) {
  const __m256i below = _mm256_set1_epi8(static_cast<char>(first - 1));
  const __m256i above = _mm256_set1_epi8(static_cast<char>(last + 1));
  return bits(_mm256_and_si256(_mm256_cmpgt_epi8(b.low, below), _mm256_cmpgt_epi8(above, b.low)),
              _mm256_and_si256(_mm256_cmpgt_epi8(b.high, below), _mm256_cmpgt_epi8(above, b.high)));
}
HEARTH_AVX2 inline uint64_t equal(const Halves& b, char c) {
  const __m256i v = _mm256_set1_epi8(c);
  return bits(_mm256_cmpeq_epi8(b.low, v), _mm256_cmpeq_epi8(b.high, v));
}
HEARTH_AVX2 Classes classify_avx2(const char* p) {
  const Halves b{_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
                 _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
  const __m256i fold = _mm256_set1_epi8(0x20);
  const Halves folded{_mm256_or_si256(b.low, fold), _mm256_or_si256(b.high, fold)};
  const uint64_t blank = equal(b, ' ');
  return {between(folded, 'a', 'z'),       between(b, '0', '9'), between(b, 9, 13) | blank, blank,
          equal(b, '\r') | equal(b, '\n'), equal(b, '\''),       bits(b.low, b.high)};
}
#endif

using Classify = Classes (*)(const char* p);

Classify best_classify() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw")) return classify_avx512;
  if (__builtin_cpu_supports("avx2")) return classify_avx2;
#endif
  return classify_plain;
}

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
  static const Classify kClassify = best_classify();
  w.text = text;
  w.from = from;
  const size_t left = text.size() - from;
  w.last = left <= kEndsMax;
  w.size = w.last ? left : kEndsMax;
  const size_t known = std::min(left, kEndsMax + 64), words = (known + 63) / 64;
  for (size_t k = 0; k < words; ++k) {
    const char* p = text.data() + from + k * 64;
    const size_t here = std::min<size_t>(64, known - k * 64);
    char padded[64];
    if (here < 64) {
      std::memset(padded, 0, sizeof padded);
      std::memcpy(padded, p, here);
      p = padded;
    }
    const Classes c = kClassify(p);
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

// Writes the ends; `scan` gives the one end of a piece that is longer than the window.
size_t write_ends(const Window& w, size_t words, Scanner scan, uint32_t* ends) {
  size_t n = 0;
  for (size_t k = 0; k < words; ++k) {
    uint64_t left = w.begins.at(k) & w.valid.at(k);
    if (k == 0) left &= ~uint64_t{1};
    if (k + 1 == words && w.size % 64 != 0) left &= (uint64_t{1} << (w.size % 64)) - 1;
    const auto base = static_cast<uint32_t>(w.from + k * 64);
    for (; left != 0; left &= left - 1) ends[n++] = base + static_cast<uint32_t>(std::countr_zero(left));
  }
  if (w.last) {
    ends[n++] = static_cast<uint32_t>(w.text.size());
  } else if (n == 0) {
    ends[n++] = static_cast<uint32_t>(scan(w.text, w.from));
  }
  return n;
}

template <bool digits>
size_t ends_of_gpt2(std::string_view text, size_t from, uint32_t* ends) {
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
  for_space_runs(w, words, [&](size_t begin, size_t end) {
    if (end == text.size()) return;
    if (digits && (look(text, end).kind & kNumericBit)) return;  // where a digit begins, a text ends
    set_begin(w, last_character(text, begin, end));
  });
  if (w.any_apostrophe) cut_contractions<false>(w, words);
  return write_ends(w, words, digits ? scan_gpt2_digits : scan_gpt2, ends);
}

// The family of cl100k; see scan_cl100k.
template <uint32_t word, int digits>
size_t ends_of_cl100k(std::string_view text, size_t from, uint32_t* ends) {
  Window w;
  const size_t words = classify<word>(w, text, from);
  Row other;
  for (size_t k = 0; k <= words && k <= kWords; ++k) other.at(k) = w.other(k);
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
  return write_ends(w, words,
                    known_scanner(digits == 3               ? kLlama3Pattern
                                  : word == unicode::letter ? kQwen2Pattern
                                                            : kQwen35Pattern),
                    ends);
}

}  // namespace

size_t ends_gpt2(std::string_view text, size_t from, uint32_t* ends) {
  return ends_of_gpt2<false>(text, from, ends);
}

size_t ends_gpt2_digits(std::string_view text, size_t from, uint32_t* ends) {
  return ends_of_gpt2<true>(text, from, ends);
}

PieceEnds known_piece_ends(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return ends_gpt2;
  if (pattern == kLlama3Pattern) return ends_of_cl100k<unicode::letter, 3>;
  if (pattern == kQwen2Pattern) return ends_of_cl100k<unicode::letter, 1>;
  if (pattern == kQwen35Pattern) return ends_of_cl100k<unicode::letter | unicode::mark, 1>;
  return nullptr;
}

}  // namespace hearth::tokenizers
