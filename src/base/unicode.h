// What a code point is (category, letter, mark, number, white space, word), its case, and the four normalization forms.
// The tables are generated: scripts/unicode_tables.py says from which versions, and why from more than one.
// Source: Unicode Standard Annex 15 (normalization), 44 (properties).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace hearth::unicode {

enum class Category : uint8_t {
  Lu,
  Ll,
  Lt,
  Lm,
  Lo,
  Mn,
  Mc,
  Me,
  Nd,
  Nl,
  No,
  Pc,
  Pd,
  Ps,
  Pe,
  Pi,
  Pf,
  Po,
  Sm,
  Sc,
  Sk,
  So,
  Zs,
  Zl,
  Zp,
  Cc,
  Cf,
  Co,
  Cs,
  Cn
};

/// Bits of a record, beside the category (bits 0 to 4) and the canonical combining class (24 to 31).
enum Flag : uint32_t {
  letter = 1 << 5,        ///< \p{L}
  mark = 1 << 6,          ///< \p{M}
  number = 1 << 7,        ///< \p{N}
  space = 1 << 8,         ///< \s: White_Space
  word = 1 << 9,          ///< \w of Oniguruma
  numeric = 1 << 10,      ///< char::is_numeric of Rust, which knows a newer Unicode than \p{N}
  punctuation = 1 << 11,  ///< ASCII punctuation and P* of an older Unicode: the pre-tokenizer Punctuation
  nfc_moves = 1 << 12,    ///< may change, or join its neighbours, in this form
  nfd_moves = 1 << 13,
  nfkc_moves = 1 << 14,
  nfkd_moves = 1 << 15,
  token_word = 1 << 16,    ///< \w of Rust's regex: what a single_word token must not touch
  bert_control = 1 << 17,  ///< BertNormalizer takes it out of a text: NUL, U+FFFD, and controls of an older Unicode
  nonspacing = 1 << 18,    ///< Mn of an older Unicode: the accents that BertNormalizer strips
  accent = 1 << 19,        ///< M of an older Unicode: what StripAccents strips
};

enum class Form : uint8_t { nfc, nfd, nfkc, nfkd };

namespace detail {
extern const uint32_t* const records;
extern const uint16_t* const first_stage;
extern const uint8_t* const second_stage;
}  // namespace detail

/// The record of a code point below 0x110000: flags, category, combining class.
inline uint32_t record(char32_t code_point) {
  const uint32_t block = detail::first_stage[code_point >> 7];
  return detail::records[detail::second_stage[block << 7 | (code_point & 127)]];
}
inline bool is(char32_t code_point, uint32_t flags) {
  return (record(code_point) & flags) != 0;
}
inline Category category(char32_t code_point) {
  return static_cast<Category>(record(code_point) & 31);
}
/// Two letters: "Lu".
std::string_view category_name(Category category);

/// Full case mappings, one to up to three code points, without context (no final-sigma rule).
void append_lower(std::string& out, char32_t code_point);
void append_upper(std::string& out, char32_t code_point);
void append_title(std::string& out, char32_t code_point);
/// The whole of a well-formed text, code point by code point.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

/// True when `normalize` would surely return the same text; a quick look that may say false for such a text too.
bool is_surely_normal(std::string_view text, Form form);
/// A code point of normalized text, and what became of the text at it: 1, it was added behind its predecessor; 0, it
/// took a code point's place; -n, it took a code point's place and the n after that are gone.
struct Normalized {
  char32_t code_point;
  int32_t change;
};
/// Well-formed text in the form, with the changes as the Rust crate unicode-normalization-alignments 0.1.12 counts
/// them.
std::vector<Normalized> normalize_aligned(std::string_view text, Form form);
/// Well-formed text in the form.
std::string normalize(std::string_view text, Form form);

}  // namespace hearth::unicode
