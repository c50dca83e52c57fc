#include "tokenizers/pipeline/find_pieces.h"

#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tokenizers/pipeline/scanners.h"

namespace hearth::tokenizers {

namespace {

struct Pair {
  const char* name;
  FindPieces fast;
  Scanner plain;
};

std::vector<PieceSpan> by_scanner(std::string_view text, Scanner scan) {
  std::vector<PieceSpan> out;
  for (size_t at = 0, end; at < text.size(); at = end) {
    end = scan(text, at);
    out.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
  }
  return out;
}

std::vector<PieceSpan> bert_pieces(std::string_view text) {
  std::vector<PieceSpan> out;
  for (size_t at = 0; at < text.size();) {
    const auto piece = bert_piece(text, at);
    if (piece.begin < piece.end) out.push_back(piece);
    at = piece.end;
  }
  return out;
}

std::vector<PieceSpan> by_words(std::string_view text, FindPieces find) {
  std::vector<PieceSpan> out, pieces(kPiecesMax + 8);
  for (size_t from = 0; from < text.size();) {
    const size_t before = from, n = find(text, from, pieces.data());
    REQUIRE(from > before);
    out.insert(out.end(), pieces.begin(), pieces.begin() + static_cast<ptrdiff_t>(n));
  }
  return out;
}

constexpr std::string_view kParts[] = {"a",
                                       "Z",
                                       "word",
                                       "ing",
                                       "7",
                                       "42",
                                       "2026",
                                       "123456",
                                       " ",
                                       "  ",
                                       "\t",
                                       "\n",
                                       "\r\n",
                                       "\n\n  ",
                                       "'",
                                       "''",
                                       "'s",
                                       "'S",
                                       "'ll",
                                       "'LL",
                                       "'re",
                                       "'ve",
                                       "'d",
                                       "'\u017F",
                                       ".",
                                       ",",
                                       "(",
                                       "((",
                                       "-",
                                       "--",
                                       "!?",
                                       "_",
                                       std::string_view("\0x", 2),
                                       "\u00e9",
                                       "\u0416",
                                       "\u4e2d",
                                       "\u00a0",
                                       "\u3000",
                                       "\u2028",
                                       "\u0085",
                                       "\u0301",
                                       "\u0660",
                                       "\u0661\u0662\u0663\u0664",
                                       "\u00bd",
                                       "\u2014",
                                       "\u201c",
                                       "\U0001F600",
                                       "\u200d",
                                       "\U0010FFFF",
                                       "\ufeff",
                                       "\u2167"};

}  // namespace

TEST_CASE("the fast matchers find the pieces of the plain ones") {
  const Pair pairs[] = {{"gpt2", find_gpt2, scan_gpt2},
                        {"digits, gpt2", find_gpt2_digits, scan_gpt2_digits},
                        {"llama3", known_find_pieces(kLlama3Pattern), known_scanner(kLlama3Pattern)},
                        {"qwen2", known_find_pieces(kQwen2Pattern), known_scanner(kQwen2Pattern)},
                        {"qwen35", known_find_pieces(kQwen35Pattern), known_scanner(kQwen35Pattern)}};
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    // Short texts for the cases, long ones for the windows, and now and then one part over and over.
    const size_t size = round % 40 == 0 ? 20000 : 1 + random() % 200;
    const size_t kinds = 1 + random() % std::size(kParts), first = random() % std::size(kParts);
    std::string text;
    while (text.size() < size) text += kParts[(first + random() % kinds) % std::size(kParts)];
    for (const auto& pair : pairs) {
      CAPTURE(pair.name);
      CAPTURE(text);
      REQUIRE(by_words(text, pair.fast) == by_scanner(text, pair.plain));
    }
    CAPTURE(text);
    REQUIRE(by_words(text, find_bert) == bert_pieces(text));
  }
}

}  // namespace hearth::tokenizers
