#include "tokenizers/pipeline/merge_table.h"

#include <array>
#include <random>
#include <set>

#include <doctest/doctest.h>

namespace hearth::tokenizers {

namespace {

// Merges of random tokens, mostly of late and so of long ones. Orderly: each pair makes a token of its own.
MergeTable random_table(std::mt19937& random, TokenId letters, int merges, bool orderly) {
  MergeTable table;
  table.reserve(static_cast<size_t>(merges));
  std::set<std::pair<TokenId, TokenId>> pairs;
  TokenId next = letters;
  for (int i = 0; i < merges; ++i) {
    const auto any = [&] {
      const auto known = static_cast<unsigned>(next);
      return static_cast<TokenId>(random() % 3 ? random() % known : known - 1 - random() % std::min(known, 8u));
    };
    const TokenId left = any(), right = random() % 8 ? any() : left;
    if (orderly && !pairs.insert({left, right}).second) continue;
    const bool is_new = orderly || random() % 4;
    table.add(left, right, is_new ? next : any());
    next += is_new ? 1 : 0;
  }
  table.finish();
  return table;
}

WordTokens random_word(std::mt19937& random, TokenId letters, size_t size) {
  WordTokens out;
  const size_t kind = random() % 4, period = 1 + random() % 9;
  while (out.ids.size() < size) {
    const size_t at = out.ids.size();
    const bool again = (kind == 1 && at >= period) || (kind == 2 && at >= period && random() % 20) ||
                       (kind == 3 && at > 0 && random() % 3);
    out.ids.push_back(again ? out.ids[at - (kind == 3 ? 1 : period)]
                            : static_cast<TokenId>(random() % static_cast<unsigned>(letters)));
    out.sizes.push_back(1 + static_cast<uint32_t>(random() % 3));
  }
  return out;
}

}  // namespace

TEST_CASE("a word is merged in windows just as with a heap, by random tables and of random and periodic letters") {
  std::mt19937 random(17);
  MergeBuffers buffers, plain_buffers;
  size_t orderly = 0, wrong = 0;
  for (int round = 0; round < 1200; ++round) {
    const TokenId letters = std::array{1, 2, 3, 5, 26}[random() % 5];
    const auto table = random_table(random, letters, 1 + static_cast<int>(random() % 400), round % 6 != 0);
    orderly += table.is_orderly() ? 1 : 0;
    for (int k = 0; k < 4; ++k) {
      WordTokens word = random_word(random, letters, 2 + random() % (k == 0 ? 63 : 900)), want = word;
      merge_by_heap(want, table, plain_buffers);
      merge_word(word, table, buffers);
      wrong += word.ids == want.ids && word.sizes == want.sizes ? 0 : 1;
    }
  }
  CHECK(orderly >= 1000);
  CHECK(wrong == 0);
}

TEST_CASE("a table in which a token is made twice, or of a later one, or again, is not orderly") {
  const auto table = [](std::initializer_list<std::array<TokenId, 3>> merges) {
    MergeTable out;
    out.reserve(merges.size());
    for (const auto& [left, right, id] : merges) out.add(left, right, id);
    out.finish();
    return out;
  };
  CHECK(table({{0, 1, 2}, {2, 1, 3}}).is_orderly());
  CHECK(!table({{0, 1, 3}, {2, 1, 3}}).is_orderly());
  CHECK(!table({{2, 1, 3}, {0, 1, 2}}).is_orderly());
  CHECK(!table({{0, 1, 0}}).is_orderly());
  const auto again = table({{0, 1, 2}, {1, 1, 3}, {0, 1, 4}});  // the later one of a pair counts
  CHECK(again.is_orderly());
  CHECK(again.rank(0, 1) == 2);
  CHECK(again.get(0, 1).id == 4);
  CHECK(again.rank(1, 0) == MergeTable::kNone);
}

}  // namespace hearth::tokenizers
