// Source: tokenizers 0.23 models/bpe/trainer.rs (do_train) and word.rs (merge): of all pairs of neighbours the most
// frequent one becomes a token, of equal ones that of the smaller ids, until the vocabulary is full.
//
// What makes it the original's to the last tie:
// 1. The counts of pairs are never made anew: merging a pair takes nothing from its own count, only from those of its
//    neighbours. A pair that comes back, as it can when two pairs spell one token, begins with what was left.
// 2. The heap holds a pair with the words in which it arose together. One that comes back is a second entry, merged for
//    itself; of two equal merges the later one's place counts.
// 3. An entry whose count is out of date goes back with the new one. A count below zero (with max_token_length a pair
// may
//    be taken away that was never counted) is, as the original's cast has it, above all others.
// Differs: counts have 64 bits, not 32: with over two thousand million pairs in the texts the original's wrap around.
#include "tokenizers/training/bpe.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/text.h"

namespace hearth::tokenizers {

namespace {

using Pair = uint64_t;  // left id, right id: ordered as the original's tuples
constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kCodePoints = 0x110000;

Pair pair_of(uint32_t left, uint32_t right) {
  return static_cast<Pair>(left) << 32 | right;
}

// The tokens and their ids.
class Names {
 public:
  /// The id it has, or a new one.
  uint32_t add(std::string text) {
    const auto [it, is_new] = ids_.try_emplace(std::move(text), static_cast<uint32_t>(texts_.size()));
    if (is_new) texts_.push_back(&it->first);
    return it->second;
  }
  uint32_t find(const std::string& text) const {
    const auto it = ids_.find(text);
    return it == ids_.end() ? kNone : it->second;
  }
  const std::string& text(uint32_t id) const { return *texts_[id]; }
  size_t size() const { return texts_.size(); }

 private:
  std::unordered_map<std::string, uint32_t> ids_;
  std::vector<const std::string*> texts_;  // keys of ids_, which stay where they are
};

std::string spelling(char32_t c) {
  std::string out;
  utf8_append(out, c);
  return out;
}

void add_alphabet(std::span<const CountedWordView> words, const BpeTrainer& trainer, Names& names) {
  std::vector<uint64_t> counts(kCodePoints);
  for (const auto& word : words)
    for (size_t i = 0; i < word.text.size();) counts[utf8_next(word.text, i)] += word.count;
  for (const char32_t c : trainer.initial_alphabet) counts[c] = UINT64_MAX;
  std::vector<char32_t> kept;
  for (char32_t c = 0; c < kCodePoints; ++c)
    if (counts[c] > 0) kept.push_back(c);
  if (trainer.limit_alphabet && static_cast<uint64_t>(*trainer.limit_alphabet) < kept.size()) {
    // Which of equally frequent characters go is chance in the original; here those of the higher code points.
    std::stable_sort(kept.begin(), kept.end(), [&](char32_t a, char32_t b) { return counts[a] > counts[b]; });
    kept.resize(static_cast<size_t>(*trainer.limit_alphabet));
    std::sort(kept.begin(), kept.end());
  }
  for (const char32_t c : kept) names.add(spelling(c));
}

// All words as symbols, one after another; merging makes a word shorter, and its place stays.
struct Words {
  std::vector<uint32_t> symbols;
  std::vector<uint32_t> lengths;  // of each symbol in characters; empty unless max_token_length asks for it
  std::vector<uint64_t> begins;
  std::vector<uint32_t> sizes;
  std::vector<int64_t> counts;
};

// The ids of the alphabet's characters as they stand first, inside, last, or alone in a word.
class Symbols {
 public:
  Symbols(const BpeTrainer& trainer, Names& names) : trainer_(trainer), names_(names), row_of_(kCodePoints, kNone) {}

  /// kNone for a character that is not in the alphabet (nor a special token).
  uint32_t id(char32_t c, bool is_first, bool is_last) {
    auto& row = row_of_[c];
    if (row == kNone) {
      row = static_cast<uint32_t>(rows_.size());
      const uint32_t known = names_.find(spelling(c));
      rows_.push_back({known == kNone ? kUnknown : kUnset, kUnset, kUnset, kUnset});
    }
    if (rows_[row][0] == kUnknown) return kNone;
    auto& out = rows_[row][(is_first ? 0 : 1) + (is_last ? 2 : 0)];
    if (out == kUnset) {
      std::string text = is_first ? "" : trainer_.continuing_subword_prefix.value_or("");
      utf8_append(text, c);
      if (is_last) text += trainer_.end_of_word_suffix.value_or("");
      out = names_.add(std::move(text));
    }
    return out;
  }

 private:
  static constexpr uint32_t kUnset = UINT32_MAX - 1, kUnknown = UINT32_MAX - 2;
  const BpeTrainer& trainer_;
  Names& names_;
  std::vector<uint32_t> row_of_;
  std::vector<std::array<uint32_t, 4>> rows_;
};

Words spell_words(std::span<const CountedWordView> words, const BpeTrainer& trainer, Names& names) {
  Words out;
  Symbols symbols(trainer, names);
  for (const auto& word : words) {
    const uint64_t begin = out.symbols.size();
    for (size_t i = 0; i < word.text.size();) {
      const bool is_first = i == 0;
      const char32_t c = utf8_next(word.text, i);
      if (const uint32_t id = symbols.id(c, is_first, i == word.text.size()); id != kNone) out.symbols.push_back(id);
    }
    const auto size = static_cast<uint32_t>(out.symbols.size() - begin);
    if (size < 2) {  // has no pair, now or ever
      out.symbols.resize(begin);
      continue;
    }
    out.begins.push_back(begin);
    out.sizes.push_back(size);
    out.counts.push_back(static_cast<int64_t>(word.count));
  }
  if (trainer.max_token_length) out.lengths.assign(out.symbols.size(), 1);
  return out;
}

// How often each pair is there, and in which words it arose in the step at hand.
class PairTable {
 public:
  void add(Pair pair, int64_t change) { row(pair).count += change; }
  void add(Pair pair, int64_t change, uint32_t word) {
    auto& r = row(pair);
    r.count += change;
    if (r.list == kNone) {
      r.list = take_list();
      touched_.push_back(pair);
    }
    auto& list = lists_[r.list];
    if (list.empty() || list.back() != word) list.push_back(word);
  }
  int64_t count(Pair pair) { return row(pair).count; }

  /// The pairs that arose; each gives up its words.
  template <class Take>
  void take_touched(const Take& take) {
    for (const Pair pair : touched_) {
      auto& r = row(pair);
      take(pair, r.count, std::exchange(r.list, kNone));
    }
    touched_.clear();
  }
  const std::vector<uint32_t>& list(uint32_t i) const { return lists_[i]; }
  void drop_list(uint32_t i) {
    // A short list keeps its memory for the next pair.
    if (lists_[i].capacity() > 64) std::vector<uint32_t>().swap(lists_[i]);
    lists_[i].clear();
    free_lists_.push_back(i);
  }

 private:
  struct Row {
    Pair pair = kFree;
    int64_t count = 0;
    uint32_t list = kNone;
  };
  static constexpr Pair kFree = UINT64_MAX;

  Row& row(Pair pair) {
    size_t i = hash(pair) & (rows_.size() - 1);
    for (; rows_[i].pair != pair; i = (i + 1) & (rows_.size() - 1)) {
      if (rows_[i].pair != kFree) continue;
      if ((count_ + 1) * 2 > rows_.size()) {
        grow();
        return row(pair);
      }
      ++count_;
      rows_[i].pair = pair;
      break;
    }
    return rows_[i];
  }
  static uint64_t hash(Pair pair) { return fold(pair ^ 0xa0761d6478bd642f, 0xe7037ed1a0b428db); }
  void grow() {
    std::vector<Row> old(rows_.size() * 2);
    old.swap(rows_);
    for (auto& r : old) {
      if (r.pair == kFree) continue;
      size_t i = hash(r.pair) & (rows_.size() - 1);
      while (rows_[i].pair != kFree) i = (i + 1) & (rows_.size() - 1);
      rows_[i] = r;
    }
  }
  uint32_t take_list() {
    if (free_lists_.empty()) {
      lists_.emplace_back();
      return static_cast<uint32_t>(lists_.size() - 1);
    }
    const uint32_t out = free_lists_.back();
    free_lists_.pop_back();
    return out;
  }

  std::vector<Row> rows_ = std::vector<Row>(size_t{1} << 16);
  size_t count_ = 0;
  std::vector<Pair> touched_;
  std::vector<std::vector<uint32_t>> lists_;
  std::vector<uint32_t> free_lists_;
};

struct Candidate {
  uint64_t count;
  Pair pair;
  uint32_t list;

  /// Of a heap: the one that is merged later.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.count != b.count ? a.count < b.count : a.pair > b.pair;
  }
};

class Heap {
 public:
  void add(const Candidate& c) { rows_.push_back(c); }  // before heapify()
  void heapify() { std::make_heap(rows_.begin(), rows_.end()); }
  void push(const Candidate& c) {
    rows_.push_back(c);
    std::push_heap(rows_.begin(), rows_.end());
  }
  Candidate pop() {
    std::pop_heap(rows_.begin(), rows_.end());
    const Candidate out = rows_.back();
    rows_.pop_back();
    return out;
  }
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<Candidate> rows_;
};

// Merges the pair wherever it stands in a word.
template <bool with_lengths>
void merge_in_word(Words& words, uint32_t w, Pair pair, uint32_t merged, uint64_t length_max, PairTable& pairs) {
  const auto left = static_cast<uint32_t>(pair >> 32), right = static_cast<uint32_t>(pair);
  uint32_t* const symbols = words.symbols.data() + words.begins[w];
  uint32_t* const lengths = with_lengths ? words.lengths.data() + words.begins[w] : nullptr;
  const uint32_t size = words.sizes[w];
  const int64_t count = words.counts[w];
  uint32_t read = 0;
  while (read + 1 < size && (symbols[read] != left || symbols[read + 1] != right)) ++read;
  if (read + 1 >= size) return;
  uint32_t write = read;
  while (read < size) {
    if (symbols[read] != left || read + 1 == size || symbols[read + 1] != right) {
      if (with_lengths) lengths[write] = lengths[read];
      symbols[write++] = symbols[read++];
      continue;
    }
    const uint64_t length = with_lengths ? uint64_t{lengths[read]} + lengths[read + 1] : 0;
    const auto fits = [&](uint32_t i) { return !with_lengths || lengths[i] + length < length_max; };
    if (write > 0) {
      const uint32_t before = symbols[write - 1];
      pairs.add(pair_of(before, left), -count);
      if (fits(write - 1)) pairs.add(pair_of(before, merged), count, w);
    }
    if (read + 2 < size) {
      const uint32_t after = symbols[read + 2];
      pairs.add(pair_of(right, after), -count);
      if (fits(read + 2)) pairs.add(pair_of(merged, after), count, w);
    }
    if (with_lengths) lengths[write] = static_cast<uint32_t>(length);
    symbols[write++] = merged;
    read += 2;
  }
  words.sizes[w] = write;
}

std::string merged_text(const Names& names, Pair pair, const BpeTrainer& trainer) {
  const auto& left = names.text(static_cast<uint32_t>(pair >> 32));
  std::string_view right = names.text(static_cast<uint32_t>(pair));
  const auto prefix = trainer.continuing_subword_prefix.value_or("");
  if (right.starts_with(prefix)) right.remove_prefix(prefix.size());
  return cat(left, right);
}

// Of equal merges the last one stays.
std::vector<std::pair<uint32_t, uint32_t>> in_their_places(const std::vector<Pair>& merges) {
  std::unordered_map<Pair, size_t> last;
  for (size_t i = 0; i < merges.size(); ++i) last[merges[i]] = i;
  std::vector<std::pair<uint32_t, uint32_t>> out;
  for (size_t i = 0; i < merges.size(); ++i)
    if (last[merges[i]] == i)
      out.emplace_back(static_cast<uint32_t>(merges[i] >> 32), static_cast<uint32_t>(merges[i]));
  return out;
}

Result<Heap> count_pairs(const Words& words, PairTable& pairs, Meter& meter) {
  const size_t n = words.sizes.size();
  meter.begin("Count pairs", n);
  for (uint32_t w = 0; w < n; ++w) {
    const uint32_t* symbols = words.symbols.data() + words.begins[w];
    for (uint32_t i = 0; i + 1 < words.sizes[w]; ++i)
      pairs.add(pair_of(symbols[i], symbols[i + 1]), words.counts[w], w);
    if (w % 4096 == 0) TRY(meter.advance(w));
  }
  meter.finish(n);
  Heap heap;
  pairs.take_touched([&](Pair pair, int64_t count, uint32_t list) {
    heap.add({static_cast<uint64_t>(count), pair, list});
  });
  heap.heapify();
  return heap;
}

}  // namespace

Result<LearntBpe> learn_bpe(std::span<const CountedWordView> counted, const BpeTrainer& trainer, Meter& meter) {
  Names names;
  for (const auto& token : trainer.special_tokens) names.add(token.content);
  add_alphabet(counted, trainer, names);
  Words words = spell_words(counted, trainer, names);
  if (words.sizes.size() >= kNone) return Status(Code::too_large, "there are over 4,000,000,000 different words");

  PairTable pairs;
  Heap heap = TRY(count_pairs(words, pairs, meter));
  const auto vocab_size = static_cast<size_t>(trainer.vocab_size);
  const auto length_max = static_cast<uint64_t>(trainer.max_token_length.value_or(INT64_MAX));
  std::vector<Pair> merges;
  meter.begin("Compute merges", vocab_size);
  while (names.size() < vocab_size && !heap.empty()) {
    Candidate top = heap.pop();
    if (const auto count = static_cast<uint64_t>(pairs.count(top.pair)); top.count != count) {
      top.count = count;
      heap.push(top);
      continue;
    }
    if (top.count < 1 || static_cast<uint64_t>(trainer.min_frequency) > top.count) break;
    const uint32_t merged = names.add(merged_text(names, top.pair, trainer));
    merges.push_back(top.pair);
    for (const uint32_t w : pairs.list(top.list)) {
      words.lengths.empty() ? merge_in_word<false>(words, w, top.pair, merged, length_max, pairs)
                            : merge_in_word<true>(words, w, top.pair, merged, length_max, pairs);
    }
    pairs.drop_list(top.list);
    pairs.take_touched([&](Pair pair, int64_t count, uint32_t list) {
      if (count > 0) {
        heap.push({static_cast<uint64_t>(count), pair, list});
      } else {
        pairs.drop_list(list);
      }
    });
    TRY(meter.advance(names.size()));
  }
  meter.finish(names.size());

  LearntBpe out;
  for (uint32_t id = 0; id < names.size(); ++id) out.tokens.push_back(names.text(id));
  out.merges = in_their_places(merges);
  return out;
}

}  // namespace hearth::tokenizers
