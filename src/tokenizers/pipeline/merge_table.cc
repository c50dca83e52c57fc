#include "tokenizers/pipeline/merge_table.h"

#include <algorithm>
#include <functional>

namespace hearth::tokenizers {

namespace {

// Up to here looking at every pair for each merge is quicker than keeping a queue.
constexpr size_t kShortWord = 64;
constexpr uint32_t kRankMax = 1u << 24;  // a rank and a place make one number
constexpr uint32_t kNone = UINT32_MAX;

// The least of n numbers; n is a multiple of four.
uint32_t least_of(const uint32_t* numbers, size_t n) {
  uint32_t a = kNone, b = kNone, c = kNone, d = kNone;
  for (size_t i = 0; i < n; i += 4) {
    a = std::min(a, numbers[i]);
    b = std::min(b, numbers[i + 1]);
    c = std::min(c, numbers[i + 2]);
    d = std::min(d, numbers[i + 3]);
  }
  return std::min(std::min(a, b), std::min(c, d));
}

// Symbols stay where they are and are linked; a pair is rank << 8 | place, so that the least one is the next to merge.
void merge_short(WordTokens& word, const MergeTable& table, std::string_view bytes, const BytePairs& byte_pairs) {
  const size_t n = word.ids.size();
  uint32_t pairs[kShortWord + 4];
  TokenId merged[kShortWord];
  uint8_t next[kShortWord + 1], previous[kShortWord + 1];
  TokenId* const s = word.ids.data();
  uint32_t* const sizes = word.sizes.data();
  const auto set = [&](size_t i, const Merge& merge) {
    pairs[i] = merge.rank < kRankMax ? merge.rank << 8 | static_cast<uint32_t>(i) : kNone;
    merged[i] = merge.id;
  };
  for (size_t i = 0; i < n; ++i) {
    next[i] = static_cast<uint8_t>(i + 1);
    previous[i] = static_cast<uint8_t>(i - 1);
  }
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  for (size_t i = 0; i + 1 < n; ++i)
    set(i, byte_pairs.empty() ? table.get(s[i], s[i + 1]) : byte_pairs[byte(i) << 8 | byte(i + 1)]);
  const size_t lanes = (n + 2) / 4 * 4;  // n - 1 pairs
  for (size_t i = n - 1; i < lanes; ++i) pairs[i] = kNone;
  for (uint32_t least; (least = least_of(pairs, lanes)) != kNone;) {
    const size_t at = least & 255, gone = next[at], after = next[gone];
    s[at] = merged[at];
    sizes[at] += sizes[gone];
    next[at] = static_cast<uint8_t>(after);
    if (gone + 1 < n) pairs[gone] = kNone;
    if (after < n) {
      previous[after] = static_cast<uint8_t>(at);
      set(at, table.get(s[at], s[after]));
    } else {
      pairs[at] = kNone;
    }
    if (at > 0) set(previous[at], table.get(s[previous[at]], s[at]));
  }
  size_t kept = 0;
  for (size_t i = 0; i < n; i = next[i]) {
    s[kept] = s[i];
    sizes[kept] = sizes[i];
    ++kept;
  }
  word.ids.resize(kept);
  word.sizes.resize(kept);
}

// Symbols stay where they are and are linked; a queue entry is stale when its pair has another rank by now.
void merge_long(WordTokens& word, const MergeTable& table, MergeBuffers& b) {
  constexpr uint32_t kEnd = UINT32_MAX, kGone = UINT32_MAX;
  auto& [symbols, sizes] = word;
  const auto n = static_cast<uint32_t>(symbols.size());
  b.merges.assign(n, {});
  b.previous.resize(n);
  b.next.resize(n);
  b.queue.clear();
  const auto by_rank = std::greater<uint64_t>();
  const auto entry = [](uint32_t rank, uint32_t at) { return static_cast<uint64_t>(rank) << 32 | at; };
  for (uint32_t i = 0; i < n; ++i) {
    b.previous[i] = i == 0 ? kEnd : i - 1;
    b.next[i] = i + 1 == n ? kEnd : i + 1;
    if (i + 1 < n) b.merges[i] = table.get(symbols[i], symbols[i + 1]);
    if (b.merges[i].rank != kEnd) b.queue.push_back(entry(b.merges[i].rank, i));
  }
  std::make_heap(b.queue.begin(), b.queue.end(), by_rank);
  const auto look = [&](uint32_t at) {
    b.merges[at] = b.next[at] == kEnd ? Merge{} : table.get(symbols[at], symbols[b.next[at]]);
    if (b.merges[at].rank == kEnd) return;
    b.queue.push_back(entry(b.merges[at].rank, at));
    std::push_heap(b.queue.begin(), b.queue.end(), by_rank);
  };
  while (!b.queue.empty()) {
    const uint64_t top = b.queue.front();
    std::pop_heap(b.queue.begin(), b.queue.end(), by_rank);
    b.queue.pop_back();
    const auto at = static_cast<uint32_t>(top);
    if (b.merges[at].rank != top >> 32) continue;
    const uint32_t gone = b.next[at];
    symbols[at] = b.merges[at].id;
    symbols[gone] = -1;
    sizes[at] += sizes[gone];
    sizes[gone] = kGone;
    b.merges[gone] = {};
    b.next[at] = b.next[gone];
    if (b.next[at] != kEnd) b.previous[b.next[at]] = at;
    look(at);
    if (b.previous[at] != kEnd) look(b.previous[at]);
  }
  std::erase(symbols, -1);
  std::erase(sizes, kGone);
}

}  // namespace

void merge_word(WordTokens& word, const MergeTable& table, MergeBuffers& buffers, std::string_view bytes,
                const BytePairs& byte_pairs) {
  if (word.ids.size() < 2) return;
  if (word.ids.size() <= kShortWord && table.rank_end() < kRankMax) {
    merge_short(word, table, bytes, byte_pairs);
  } else {
    merge_long(word, table, buffers);
  }
}

}  // namespace hearth::tokenizers
