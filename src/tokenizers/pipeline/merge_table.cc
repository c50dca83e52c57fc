#include "tokenizers/pipeline/merge_table.h"

#include <algorithm>
#include <functional>

namespace hearth::tokenizers {

namespace {

// Up to here looking at every pair for each merge is quicker than keeping a queue.
constexpr size_t kShortWord = 48;

void merge_short(std::vector<TokenId>& symbols, const MergeTable& table, MergeBuffers& b) {
  size_t n = symbols.size();
  b.merges.resize(n);
  TokenId* const s = symbols.data();
  Merge* const m = b.merges.data();
  const bool sized = !b.sizes.empty();
  for (size_t i = 0; i + 1 < n; ++i) m[i] = table.get(s[i], s[i + 1]);
  m[n - 1] = {};
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i)
      if (m[i].rank < m[best].rank) best = i;
    if (m[best].rank == UINT32_MAX) break;
    s[best] = m[best].id;
    if (sized) {
      b.sizes[best] += b.sizes[best + 1];
      b.sizes.erase(b.sizes.begin() + static_cast<ptrdiff_t>(best) + 1);
    }
    std::copy(s + best + 2, s + n, s + best + 1);
    std::copy(m + best + 2, m + n, m + best + 1);
    --n;
    m[best] = best + 1 < n ? table.get(s[best], s[best + 1]) : Merge{};
    if (best > 0) m[best - 1] = table.get(s[best - 1], s[best]);
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

void merge_word(std::vector<TokenId>& symbols, const MergeTable& table, MergeBuffers& buffers) {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(symbols, table, buffers);
  } else {
    merge_long(symbols, table, buffers);
  }
}

}  // namespace hearth::tokenizers
