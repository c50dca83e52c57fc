#include "tokenizers/pipeline/merge_table.h"

#include <algorithm>
#include <functional>

namespace hearth::tokenizers {

namespace {

// Up to here looking at every pair for each merge is quicker than keeping a queue.
constexpr size_t kShortWord = 128;
constexpr size_t kLanes = 16;  // ranks that are compared at once
constexpr uint32_t kNone = UINT32_MAX;

// The place of the lowest of `ranks`, the first of equal ones; `n` is a multiple of kLanes.
size_t lowest(const uint32_t* ranks, size_t n) {
  uint32_t low[kLanes];
  std::copy(ranks, ranks + kLanes, low);
  for (size_t i = kLanes; i < n; i += kLanes)
    for (size_t k = 0; k < kLanes; ++k) low[k] = std::min(low[k], ranks[i + k]);
  const uint32_t least = *std::min_element(low, low + kLanes);
  if (least == kNone) return n;
  size_t at = 0;
  while (ranks[at] != least) ++at;
  return at;
}

void merge_short(std::vector<TokenId>& symbols, const MergeTable& table, MergeBuffers& b, std::string_view bytes,
                 const BytePairs& byte_pairs) {
  size_t n = symbols.size();
  b.ranks.assign((n + kLanes) / kLanes * kLanes, kNone);
  b.merged.resize(n);
  TokenId* const s = symbols.data();
  uint32_t* const ranks = b.ranks.data();
  TokenId* const merged = b.merged.data();
  for (size_t i = 0; i + 1 < n; ++i) {
    const Merge merge = byte_pairs.empty() ? table.get(s[i], s[i + 1])
                                           : byte_pairs[static_cast<size_t>(static_cast<unsigned char>(bytes[i])) << 8 |
                                                        static_cast<unsigned char>(bytes[i + 1])];
    ranks[i] = merge.rank;
    merged[i] = merge.id;
  }
  const auto look = [&](size_t i) {
    const Merge merge = table.get(s[i], s[i + 1]);
    ranks[i] = merge.rank;
    merged[i] = merge.id;
  };
  const bool sized = !b.sizes.empty();
  while (n > 1) {
    const size_t lanes = (n - 1 + kLanes - 1) / kLanes * kLanes, best = lowest(ranks, lanes);
    if (best == lanes) break;
    s[best] = merged[best];
    if (sized) {
      b.sizes[best] += b.sizes[best + 1];
      b.sizes.erase(b.sizes.begin() + static_cast<ptrdiff_t>(best) + 1);
    }
    std::copy(s + best + 2, s + n, s + best + 1);
    std::copy(ranks + best + 2, ranks + n, ranks + best + 1);
    std::copy(merged + best + 2, merged + n, merged + best + 1);
    --n;
    ranks[n - 1] = ranks[n] = kNone;
    if (best + 1 < n) look(best);
    if (best > 0) look(best - 1);
  }
  symbols.resize(n);
}

// Symbols stay where they are and are linked; a queue entry is stale when its pair has another rank by now.
void merge_long(std::vector<TokenId>& symbols, const MergeTable& table, MergeBuffers& b) {
  constexpr uint32_t kEnd = UINT32_MAX, kGone = UINT32_MAX;
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
    if (!b.sizes.empty()) {
      b.sizes[at] += b.sizes[gone];
      b.sizes[gone] = kGone;
    }
    b.merges[gone] = {};
    b.next[at] = b.next[gone];
    if (b.next[at] != kEnd) b.previous[b.next[at]] = at;
    look(at);
    if (b.previous[at] != kEnd) look(b.previous[at]);
  }
  std::erase(symbols, -1);
  std::erase(b.sizes, kGone);
}

}  // namespace

void merge_word(std::vector<TokenId>& symbols, const MergeTable& table, MergeBuffers& buffers, std::string_view bytes,
                const BytePairs& byte_pairs) {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(symbols, table, buffers, bytes, byte_pairs);
  } else {
    merge_long(symbols, table, buffers);
  }
}

}  // namespace hearth::tokenizers
