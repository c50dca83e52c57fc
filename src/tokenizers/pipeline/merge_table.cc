#include "tokenizers/pipeline/merge_table.h"

#include <functional>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hearth::tokenizers {

namespace {

// Up to here looking at every pair for each merge is quicker than keeping a queue.
constexpr size_t kWindow = 64;
constexpr uint32_t kRankMax = 1u << 24;  // a rank and a place make one number
constexpr uint32_t kNone = MergeTable::kNone;
constexpr size_t kLanes = 8;

// The least of n numbers; n is a multiple of kLanes, not 0.
using LeastOf = uint32_t (*)(const uint32_t* numbers, size_t n);

uint32_t least_plain(const uint32_t* numbers, size_t n) {
  uint32_t a = kNone, b = kNone, c = kNone, d = kNone;
  for (size_t i = 0; i < n; i += 4) {
    a = std::min(a, numbers[i]);
    b = std::min(b, numbers[i + 1]);
    c = std::min(c, numbers[i + 2]);
    d = std::min(d, numbers[i + 3]);
  }
  return std::min(std::min(a, b), std::min(c, d));
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) uint32_t least_avx2(const uint32_t* numbers, size_t n) {
  __m256i least = _mm256_set1_epi32(-1);
  for (size_t i = 0; i < n; i += kLanes)
    least = _mm256_min_epu32(least, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers + i)));
  __m128i four = _mm_min_epu32(_mm256_castsi256_si128(least), _mm256_extracti128_si256(least, 1));
  four = _mm_min_epu32(four, _mm_shuffle_epi32(four, 0x4E));
  four = _mm_min_epu32(four, _mm_shuffle_epi32(four, 0xB1));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(four));
}
#endif

LeastOf least_of() {
#if defined(__x86_64__)
  static const LeastOf kBest = __builtin_cpu_supports("avx2") ? least_avx2 : least_plain;
  return kBest;
#else
  return least_plain;
#endif
}

// Merges 2 to kWindow symbols where they stand, and returns how many tokens are left. Symbols stay where they are and
// are linked; a pair is rank << 8 | place, so that the least one is the next to merge. `begins`, if given: which
// symbol each token begins at, counted from `first`.
template <class MergeOf>
size_t merge_window(TokenId* s, uint32_t* sizes, size_t n, const MergeTable& table, const MergeOf& merge_of,
                    uint32_t* begins = nullptr, uint32_t first = 0) {
  uint32_t pairs[kWindow + kLanes];
  TokenId merged[kWindow];
  uint8_t next[kWindow + 1], previous[kWindow + 1];
  const LeastOf least_pair = least_of();
  const auto set = [&](size_t i, const Merge& merge) {
    pairs[i] = merge.rank < kRankMax ? merge.rank << 8 | static_cast<uint32_t>(i) : kNone;
    merged[i] = merge.id;
  };
  for (size_t i = 0; i < n; ++i) {
    next[i] = static_cast<uint8_t>(i + 1);
    previous[i] = static_cast<uint8_t>(i - 1);
  }
  for (size_t i = 0; i + 1 < n; ++i) set(i, merge_of(i));
  const size_t lanes = (n - 1 + kLanes - 1) / kLanes * kLanes;  // n - 1 pairs
  for (size_t i = n - 1; i < lanes; ++i) pairs[i] = kNone;
  for (uint32_t least; (least = least_pair(pairs, lanes)) != kNone;) {
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
    if (begins != nullptr) begins[kept] = first + static_cast<uint32_t>(i);
    ++kept;
  }
  return kept;
}

// False, and the word is as it was, where the table is not orderly or windows do not join soon.
template <class MergeOf>
bool merge_by_windows(WordTokens& word, const MergeTable& table, MergeBuffers& b, const MergeOf& merge_of) {
  constexpr size_t kUnsure = 2;  // tokens at the end of a window, which the next one looks at again
  const size_t n = word.ids.size();
  if (!table.is_orderly() || table.rank_end() >= kRankMax) return false;
  if (std::any_of(word.ids.begin(), word.ids.end(), [&](TokenId id) { return table.is_made(id); })) return false;
  auto& [ids, sizes] = b.joined;
  ids.resize(n);
  sizes.resize(n);
  b.begins.resize(n);
  size_t kept = 0, back = 1;
  size_t windows_left = n / (kWindow / 4) + 8;  // so that the work stays in proportion to the word
  for (size_t at = 0; at < n;) {
    if (windows_left-- == 0) return false;
    // The window is merged where its tokens shall stand; there is room, for tokens are never more than symbols.
    const size_t size = std::min(kWindow, n - at);
    TokenId window_ids[kWindow];
    uint32_t window_sizes[kWindow], begins[kWindow];
    std::copy_n(word.ids.begin() + static_cast<ptrdiff_t>(at), size, window_ids);
    std::copy_n(word.sizes.begin() + static_cast<ptrdiff_t>(at), size, window_sizes);
    begins[0] = static_cast<uint32_t>(at);
    const size_t count = size == 1 ? 1
                                   : merge_window(
                                         window_ids, window_sizes, size, table,
                                         [&](size_t i) { return merge_of(at + i); }, begins, static_cast<uint32_t>(at));
    if (kept > 0 && table.meets(ids[kept - 1], window_ids[0])) {
      // One of the two is not what the whole word has there: begin further back.
      back *= 2;
      kept -= std::min(kept, back);
      at = kept == 0 ? 0 : b.begins[kept];
      if (back > kWindow) return false;
      continue;
    }
    back = 1;
    const bool is_last = at + size == n;
    const size_t sure = is_last ? count : std::max<size_t>(count, kUnsure + 1) - kUnsure;
    std::copy_n(window_ids, sure, ids.begin() + static_cast<ptrdiff_t>(kept));
    std::copy_n(window_sizes, sure, sizes.begin() + static_cast<ptrdiff_t>(kept));
    std::copy_n(begins, sure, b.begins.begin() + static_cast<ptrdiff_t>(kept));
    kept += sure;
    at = sure == count ? at + size : begins[sure];
  }
  word.ids.assign(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(kept));
  word.sizes.assign(sizes.begin(), sizes.begin() + static_cast<ptrdiff_t>(kept));
  return true;
}

}  // namespace

void MergeTable::add(TokenId left, TokenId right, TokenId id) {
  auto& slot = slots_[find(left, right)];
  slot = {key(left, right), {rank_end(), id}};
  rows_.push_back({left, right, id});
}

void MergeTable::finish() {
  TokenId last = -1;
  for (const auto& row : rows_) last = std::max({last, row.left, row.right, row.id});
  made_.assign(static_cast<size_t>(last) + 1, kNone);
  is_orderly_ = true;
  for (uint32_t r = 0; r < rank_end() && is_orderly_; ++r) {
    const auto& row = rows_[r];
    if (rank(row.left, row.right) != r) continue;  // given again later
    is_orderly_ = made_[row.id] == kNone;
    made_[row.id] = r;
  }
  for (uint32_t r = 0; r < rank_end() && is_orderly_; ++r) {
    const auto& row = rows_[r];
    const auto before = [&](TokenId part) { return made_[part] == kNone || made_[part] < r; };
    if (rank(row.left, row.right) == r) is_orderly_ = before(row.left) && before(row.right);
  }
  if (!is_orderly_) made_.clear();
}

// Goes back in time: of the two tokens the one made later is undone. `left` stands at the end of its side while ranks
// below `left_end` are merged, `right` at the begin of its own while those up to `right_end` are: of one rank the left
// side's merges come first. That the pair's rank is above both times of making is what orderly means.
bool MergeTable::meets(TokenId left, TokenId right) const {
  for (uint32_t left_end = kNone, right_end = kNone;;) {
    const uint32_t r = rank(left, right);
    if (r < left_end && r <= right_end && r != kNone) return true;
    const uint32_t left_made = made(left), right_made = made(right);
    if (left_made == kNone && right_made == kNone) return false;
    if (right_made == kNone || (left_made != kNone && left_made >= right_made)) {
      left_end = left_made;
      left = rows_[left_made].right;
    } else {
      right_end = right_made;
      right = rows_[right_made].left;
    }
  }
}

// Symbols stay where they are and are linked; a queue entry is stale when its pair has another rank by now.
void merge_by_heap(WordTokens& word, const MergeTable& table, MergeBuffers& b) {
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

void merge_word(WordTokens& word, const MergeTable& table, MergeBuffers& buffers, std::string_view bytes,
                const BytePairs& byte_pairs) {
  const size_t n = word.ids.size();
  if (n < 2) return;
  const auto by_bytes = [&](size_t i) {
    const auto byte = [&](size_t k) { return static_cast<size_t>(static_cast<unsigned char>(bytes[k])); };
    return byte_pairs[byte(i) << 8 | byte(i + 1)];
  };
  const auto by_ids = [&](size_t i) { return table.get(word.ids[i], word.ids[i + 1]); };
  if (n <= kWindow && table.rank_end() < kRankMax) {
    TokenId* const ids = word.ids.data();
    const size_t kept = byte_pairs.empty() ? merge_window(ids, word.sizes.data(), n, table, by_ids)
                                           : merge_window(ids, word.sizes.data(), n, table, by_bytes);
    word.ids.resize(kept);
    word.sizes.resize(kept);
    return;
  }
  if (byte_pairs.empty() ? merge_by_windows(word, table, buffers, by_ids)
                         : merge_by_windows(word, table, buffers, by_bytes))
    return;
  merge_by_heap(word, table, buffers);
}

}  // namespace hearth::tokenizers
