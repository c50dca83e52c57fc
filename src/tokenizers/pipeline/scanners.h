// Hand-written matchers for the regular expressions that byte-level tokenizers cut text with. Each covers its text
// without gaps: from any position some alternative matches, so a matcher is "where does the piece that begins here
// end". Source: openai/gpt-2 encoder.py; openai/tiktoken cl100k_base; the patterns as tokenizer.json files spell them.
#pragma once

#include <cstddef>
#include <string_view>

#include "tokenizers/pipeline/find_pieces.h"

namespace hearth::tokenizers {

/// The end of the piece that begins at `at` < text.size(); the text is well-formed UTF-8.
using Scanner = size_t (*)(std::string_view text, size_t at);

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t scan_gpt2(std::string_view text, size_t at);

/// The same on what stands between digits (unicode::numeric), each of which is a piece: Digits(individual) and
/// ByteLevel.
size_t scan_gpt2_digits(std::string_view text, size_t at);

inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
/// LLaMA 3 (and cl100k): contractions in any case, up to three digits, line ends stay with punctuation.
inline constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
/// Qwen 2: the same with single digits.
inline constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
/// Qwen 3.5: marks belong to words.
inline constexpr std::string_view kQwen35Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The matcher of a pattern in exactly this spelling, or nullptr: then Oniguruma runs it.
Scanner known_scanner(std::string_view pattern);

/// What BertPreTokenizer asks of a character.
enum class BertKind { word, space, mark };
/// That of the character at `at`, which moves behind it.
BertKind bert_kind(std::string_view text, size_t& at);
/// The next piece of BertPreTokenizer at or after `at`, a mark or a word; an empty one at the end when there is none.
PieceSpan bert_piece(std::string_view text, size_t at);

}  // namespace hearth::tokenizers
