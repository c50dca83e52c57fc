#include "tokenizers/pipeline/unicode_ranges.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace hearth::tokenizers {

namespace {

#include "tokenizers/pipeline/unicode_ranges.inc"

template <size_t n>
uint8_t value_of(char32_t c, const char32_t (&starts)[n], const uint8_t (&values)[n]) {
  return values[std::upper_bound(starts, starts + n, c) - starts - 1];
}

// The values of kGraphemeValues: how it joins, in bits 0 to 3; a pictograph; its part in Indic conjuncts.
enum Join : uint8_t { other, cr, lf, control, extend, zwj, regional, prepend, spacing, l, v, t, lv, lvt };
constexpr uint8_t kJoinMask = 15, kPictograph = 16, kConjunctMask = 96;
constexpr uint8_t kConsonant = 32, kLinker = 64, kConjunctExtend = 96;

// What the rules of UAX 29 ask about the characters before a place, in one cluster.
struct State {
  uint8_t last;                // the value of the last one
  bool after_pictograph;       // pictograph extend*: a ZWJ joins the next pictograph
  bool pictograph_zwj;         // pictograph extend* zwj
  bool consonant;              // consonant (conjunct extend | linker)*
  bool linked;                 // and a linker among these
  bool odd_regionals = false;  // the last of an odd number of regional indicators

  explicit State(uint8_t first)
      : last(first),
        after_pictograph((first & kPictograph) != 0),
        pictograph_zwj(false),
        consonant((first & kConjunctMask) == kConsonant),
        linked(false),
        odd_regionals((first & kJoinMask) == regional) {}

  void pass(uint8_t value) {
    const uint8_t join = value & kJoinMask, conjunct = value & kConjunctMask;
    pictograph_zwj = after_pictograph && join == zwj;
    after_pictograph = (value & kPictograph) != 0 || (after_pictograph && join == extend);
    linked = consonant && (conjunct == kLinker || (linked && conjunct == kConjunctExtend));
    consonant = conjunct == kConsonant || (consonant && (conjunct == kLinker || conjunct == kConjunctExtend));
    odd_regionals = join == regional && !odd_regionals;
    last = value;
  }

  bool joins(uint8_t value) const {
    const uint8_t a = last & kJoinMask, b = value & kJoinMask;
    if (a == cr) return b == lf;                                                      // GB3
    if (a == lf || a == control || b == cr || b == lf || b == control) return false;  // GB4, GB5
    if (a == l && (b == l || b == v || b == lv || b == lvt)) return true;             // GB6
    if ((a == lv || a == v) && (b == v || b == t)) return true;                       // GB7
    if ((a == lvt || a == t) && b == t) return true;                                  // GB8
    if (b == extend || b == zwj || b == spacing || a == prepend) return true;         // GB9, GB9a, GB9b
    if (linked && (value & kConjunctMask) == kConsonant) return true;                 // GB9c
    if (pictograph_zwj && (value & kPictograph) != 0) return true;                    // GB11
    return odd_regionals && b == regional;                                            // GB12, GB13
  }
};

}  // namespace

uint8_t script_of(char32_t c) {
  return value_of(c, kScriptStarts, kScriptValues);
}

size_t grapheme_end(std::string_view text, size_t at) {
  const auto value = [](char32_t c) { return value_of(c, kGraphemeStarts, kGraphemeValues); };
  State state(value(utf8_next(text, at)));
  while (at < text.size()) {
    size_t next = at;
    const uint8_t following = value(utf8_next(text, next));
    if (!state.joins(following)) break;
    state.pass(following);
    at = next;
  }
  return at;
}

}  // namespace hearth::tokenizers
