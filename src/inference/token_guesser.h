// TokenGuesser: what an answer may say next because it, or its prompt, said so before. The model checks all guesses in
// one pass, and what it would not have said itself is thrown away: answers stay what they are.
// Source: prompt lookup decoding, as transformers 5.23.0 generation/candidate_generator.py has it; here the latest
// place counts, and guesses become fewer, or rest, while they miss.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth::inference {

/// Of one answer.
class TokenGuesser {
 public:
  /// At most `most` guesses at once; 0: never any.
  explicit TokenGuesser(int64_t most) : most_(most), count_(most) {}

  /// At most `room` tokens that may follow `ids`.
  std::vector<int32_t> operator()(std::span<const int32_t> ids, int64_t room) {
    if (most_ == 0 || room <= 0) return {};
    if (rest_ > 0) return --rest_, std::vector<int32_t>();
    const auto length = static_cast<int64_t>(ids.size());
    const auto at = [&](int64_t i) { return ids[static_cast<size_t>(i)]; };
    for (int64_t size = kNgramMax; size >= kNgramMin; --size)
      for (auto end = length - 1; end >= std::max(size, length - kWindow); --end) {  // behind an earlier place
        int64_t same = 0;
        while (same < size && at(end - 1 - same) == at(length - 1 - same)) ++same;
        if (same < size) continue;
        const auto begin = ids.begin() + end;
        return {begin, begin + std::min({room, count_, length - end})};
      }
    return {};
  }

  /// What became of the last guesses.
  void note(int64_t guessed, int64_t right) {
    if (guessed == 0) return;
    count_ = right == guessed ? std::min(most_, count_ + 2) : std::max<int64_t>(1, right + 1);
    misses_ = right > 0 ? 0 : misses_ + 1;
    rest_ = misses_ == 0 ? 0 : int64_t{1} << std::min<int64_t>(misses_, kRestMax);
  }

 private:
  static constexpr int64_t kNgramMax = 3, kNgramMin = 2;
  static constexpr int64_t kWindow = 8192;  // tokens that are looked through: some microseconds
  static constexpr int64_t kRestMax = 6;    // at most 64 tokens without a guess

  int64_t most_, count_, rest_ = 0, misses_ = 0;
};

}  // namespace hearth::inference
