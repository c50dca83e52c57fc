// Source: tokenizers 0.23 models/unigram/trainer.rs make_seed_sentence_pieces, which takes the inner nodes of a suffix
// tree. Here all suffixes are sorted by as many letters as a piece can have and one more, by quicksort on one letter
// after another (Bentley and Sedgewick, Fast Algorithms for Sorting and Searching Strings, SODA 1997); neighbours that
// share their first letters are a node.
#include <algorithm>
#include <cmath>

#include "tokenizers/training/unigram_corpus.h"

namespace hearth::tokenizers {

namespace {

constexpr size_t kSeedsMax = 1'000'000;

class SuffixSorter {
 public:
  SuffixSorter(std::u32string_view letters, uint32_t depth_max, const std::stop_token& stop)
      : letters_(letters), depth_max_(depth_max), stop_(stop) {}

  /// All that begin with a letter; the end of a word comes before any.
  std::vector<uint32_t> sort() {
    std::vector<uint32_t> out;
    for (uint32_t i = 0; i < letters_.size(); ++i)
      if (letters_[i] != 0) out.push_back(i);
    sort(out, 0);
    return out;
  }

 private:
  char32_t letter(uint32_t suffix, uint32_t depth) const { return letters_[suffix + depth]; }

  void sort(std::span<uint32_t> s, uint32_t depth) {
    while (s.size() > 1 && depth < depth_max_ && !(s.size() > 256 && stop_.stop_requested())) {
      const char32_t pivot = median(letter(s.front(), depth), letter(s[s.size() / 2], depth), letter(s.back(), depth));
      size_t low = 0, high = s.size();
      for (size_t i = 0; i < high;) {
        const char32_t c = letter(s[i], depth);
        if (c < pivot) {
          std::swap(s[low++], s[i++]);
        } else if (c > pivot) {
          std::swap(s[--high], s[i]);
        } else {
          ++i;
        }
      }
      sort(s.first(low), depth);
      sort(s.subspan(high), depth);
      if (pivot == 0) return;  // beyond a word's end nothing is compared
      s = s.subspan(low, high - low);
      ++depth;
    }
  }
  static char32_t median(char32_t a, char32_t b, char32_t c) {
    return std::max(std::min(a, b), std::min(std::max(a, b), c));
  }

  std::u32string_view letters_;
  uint32_t depth_max_;
  const std::stop_token& stop_;
};

struct Seed {
  uint64_t cover;  // occurrences times letters
  uint32_t begin, size;
};

// The letters that two suffixes share, up to `most`; with the end of a word if both have it there.
uint32_t shared(std::u32string_view letters, uint32_t a, uint32_t b, uint32_t most) {
  uint32_t out = 0;
  while (out < most && letters[a + out] == letters[b + out])
    if (letters[a + out++] == 0) return most;  // no piece reaches over the end of a word
  return out;
}

std::vector<Seed> repeated_strings(std::u32string_view letters, uint32_t size_max, const std::stop_token& stop) {
  const auto suffixes = SuffixSorter(letters, size_max + 1, stop).sort();
  std::vector<Seed> out;
  if (stop.stop_requested()) return out;
  struct Open {
    uint32_t size;
    size_t from;  // the first suffix that begins with it
  };
  std::vector<Open> open;
  for (size_t i = 1; i <= suffixes.size(); ++i) {
    const uint32_t size = i < suffixes.size() ? shared(letters, suffixes[i - 1], suffixes[i], size_max + 1) : 0;
    size_t from = i - 1;
    while (!open.empty() && open.back().size > size) {
      const auto node = open.back();
      open.pop_back();
      from = node.from;
      if (node.size >= 2 && node.size <= size_max)
        out.push_back({(i - node.from) * node.size, suffixes[node.from], node.size});
    }
    if (size > 0 && (open.empty() || open.back().size < size)) open.push_back({size, from});
  }
  return out;
}

}  // namespace

std::vector<UnigramPiece> seed_pieces(const UnigramCorpus& corpus, int64_t size_max, const std::stop_token& stop) {
  std::vector<UnigramPiece> out;
  struct Letter {
    double count = 0;
    uint64_t begin = 0;
  };
  std::vector<Letter> counts(0x110000);
  for (const auto& word : corpus.words)
    for (uint64_t i = word.begin; i < word.begin + word.size; ++i) {
      counts[corpus.letters[i]].count += word.count;
      counts[corpus.letters[i]].begin = i;
    }
  for (char32_t c = 0x10FFFF; c > 0; --c)
    if (counts[c].count > 0) out.push_back({counts[c].begin, 1, counts[c].count});
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.score > b.score; });

  uint32_t longest = 1;
  for (const auto& word : corpus.words) longest = std::max(longest, word.size);
  auto seeds = repeated_strings(corpus.letters, static_cast<uint32_t>(std::min<int64_t>(size_max, longest)), stop);
  const auto before = [&](const Seed& a, const Seed& b) {
    if (a.cover != b.cover) return a.cover > b.cover;
    return corpus.text(a.begin, a.size) > corpus.text(b.begin, b.size);
  };
  // One at least, even if the characters alone are too many: so does the original.
  const size_t room = out.size() < kSeedsMax ? kSeedsMax - out.size() : 1;
  if (seeds.size() > room) {
    std::nth_element(seeds.begin(), seeds.begin() + static_cast<ptrdiff_t>(room), seeds.end(), before);
    seeds.resize(room);
  }
  std::sort(seeds.begin(), seeds.end(), before);
  for (const auto& seed : seeds) out.push_back({seed.begin, seed.size, static_cast<double>(seed.cover)});

  double sum = 0;
  for (const auto& piece : out) sum += piece.score;
  for (auto& piece : out) piece.score = std::log(piece.score) - std::log(sum);
  return out;
}

}  // namespace hearth::tokenizers
