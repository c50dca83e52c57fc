#include "tokenizers/pipeline/scanners.h"

#include "tokenizers/pipeline/character_class.h"

namespace hearth::tokenizers {

namespace {

using unicode::letter, unicode::mark, unicode::number;

// The end of the run of characters of the kinds `wanted`.
inline size_t run(std::string_view text, size_t at, uint32_t wanted) {
  while (at < text.size()) {
    const auto c = look(text, at);
    if (!(c.kind & wanted)) break;
    at += c.size;
  }
  return at;
}

// The end of the run of characters of none of the kinds `refused`.
inline size_t run_without(std::string_view text, size_t at, uint32_t refused) {
  while (at < text.size()) {
    const auto c = look(text, at);
    if (c.kind & refused) break;
    at += c.size;
  }
  return at;
}

// White space from `at` (there is some): \s*[\r\n]+ if `line_ends`, else \s+(?!\S), else \s+.
inline size_t scan_space(std::string_view text, size_t at, bool line_ends) {
  size_t end = at, last = at, after_line_end = at;
  while (end < text.size()) {
    const auto c = look(text, end);
    if (!(c.kind & kSpaceBit)) break;
    last = end;
    end += c.size;
    if (text[last] == '\n' || text[last] == '\r') after_line_end = end;
  }
  if (line_ends && after_line_end > at) return after_line_end;
  if (end == text.size() || last == at) return end;
  return last;  // all but the last: that one goes with the word after it, or is a piece of its own
}

// The family of cl100k: `word` is the letters of its words, `digits` the most of one piece.
template <uint32_t word, int digits>
size_t scan_cl100k(std::string_view text, size_t at) {
  const char first = text[at];
  if (first == '\'') {
    if (const size_t end = scan_contraction<true>(text, at); end > at) return end;
  }
  const auto c = look(text, at);
  const size_t after = at + c.size;
  if (c.kind & word) return run(text, after, word);
  if (c.kind & number) {
    size_t end = after;
    for (int i = 1; i < digits && end < text.size(); ++i) {
      const auto n = look(text, end);
      if (!(n.kind & number)) break;
      end += n.size;
    }
    return end;
  }
  if (first != '\r' && first != '\n' && after < text.size()) {
    if (look(text, after).kind & word) return run(text, after, word);
  }
  const bool one_space = first == ' ' && after < text.size() && !(look(text, after).kind & (kSpaceBit | word | number));
  if (!(c.kind & kSpaceBit) || one_space) {
    size_t end = run_without(text, after, kSpaceBit | word | number);
    while (end < text.size() && (text[end] == '\r' || text[end] == '\n')) ++end;
    return end;
  }
  return scan_space(text, at, /*line_ends=*/true);
}

struct Known {
  std::string_view pattern;
  Scanner scan;
};

}  // namespace

size_t scan_gpt2(std::string_view text, size_t at) {
  const char first = text[at];
  if (first == '\'') {
    if (const size_t end = scan_contraction<false>(text, at); end > at) return end;
  }
  auto c = look(text, at);
  size_t after = at + c.size;
  if (first == ' ') {
    if (after == text.size()) return after;
    c = look(text, after);
    if (c.kind & kSpaceBit) return scan_space(text, at, /*line_ends=*/false);
    after += c.size;
  }
  if (c.kind & letter) return run(text, after, letter);
  if (c.kind & number) return run(text, after, number);
  if (c.kind & kSpaceBit) return scan_space(text, at, /*line_ends=*/false);
  return run_without(text, after, kSpaceBit | letter | number);
}

size_t scan_gpt2_digits(std::string_view text, size_t at) {
  if (const auto c = look(text, at); c.kind & kNumericBit) return at + c.size;
  // A text ends where a digit begins, which may be in the piece or behind the white space after it.
  const size_t end = scan_gpt2(text, at);
  for (size_t i = at; i < text.size();) {
    const auto c = look(text, i);
    if (c.kind & kNumericBit) return scan_gpt2(text.substr(0, i), at);
    if (i >= end && !(c.kind & kSpaceBit)) break;
    i += c.size;
  }
  return end;
}

Scanner known_scanner(std::string_view pattern) {
  constexpr Known kKnown[] = {{kGpt2Pattern, scan_gpt2},
                              {kLlama3Pattern, scan_cl100k<letter, 3>},
                              {kQwen2Pattern, scan_cl100k<letter, 1>},
                              {kQwen35Pattern, scan_cl100k<letter | mark, 1>}};
  for (const auto& known : kKnown)
    if (known.pattern == pattern) return known.scan;
  return nullptr;
}

BertKind bert_kind(std::string_view text, size_t& at) {
  const auto b = static_cast<unsigned char>(text[at]);
  if (b >= 0x80) {
    const uint32_t record = unicode::record(utf8_next(text, at));
    return record & unicode::space ? BertKind::space : record & unicode::punctuation ? BertKind::mark : BertKind::word;
  }
  ++at;
  const uint32_t kind = kAsciiClasses[b];
  if (kind & kSpaceBit) return BertKind::space;
  return kind != 0 || b < 0x20 || b == 0x7F ? BertKind::word : BertKind::mark;
}

PieceSpan bert_piece(std::string_view text, size_t at) {
  size_t begin = at;
  while (at < text.size()) {
    const size_t here = at;
    const BertKind kind = bert_kind(text, at);
    if (kind == BertKind::word) continue;
    if (here > begin) return {static_cast<uint32_t>(begin), static_cast<uint32_t>(here)};
    if (kind == BertKind::mark) return {static_cast<uint32_t>(here), static_cast<uint32_t>(at)};
    begin = at;
  }
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(text.size())};
}

}  // namespace hearth::tokenizers
