// StepPace: how many tokens of prompts one pass may read while answers are being written, so that their gaps stay
// short. Answers are written between the layers of such a pass. Measures what passes cost as they go.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hearth::inference {

class StepPace {
 public:
  static constexpr int64_t kRowsMax = 512;  ///< with nobody waiting for a token: bounds the scratch, and a stop's wait

  /// A pass took `seconds` for one token of each answer.
  void note_writing(double seconds) { gap_s_ = blend(gap_s_, seconds); }
  /// A pass took `seconds` for `rows` tokens of prompts, what was written in between not counted.
  void note_reading(int64_t rows, int64_t layers, double seconds) {
    row_s_ = blend(row_s_, seconds / static_cast<double>(rows * layers));
  }

  /// Prompt tokens of the next pass beside `writing` answers.
  int64_t rows(int64_t writing) const {
    if (writing == 0) return kRowsMax;
    if (gap_s_ == 0 || row_s_ == 0) return kFirst;
    return std::clamp(static_cast<int64_t>(kShare * gap_s_ / row_s_), kRowsMin, kRowsMax);
  }

  /// Between two layers of a pass that reads `rows`: would another layer make the answers late, of which the last
  /// token came `since_s` ago?
  bool is_due(double since_s, int64_t rows) const {
    return since_s + row_s_ * static_cast<double>(rows) > kShare * gap_s_;
  }

 private:
  /// While prompts are read, tokens come about 1 + kShare times as far apart as without.
  static constexpr double kShare = 0.4;
  static constexpr int64_t kRowsMin = 8, kFirst = 32;

  static double blend(double before, double now) { return before == 0 ? now : 0.8 * before + 0.2 * now; }

  double gap_s_ = 0, row_s_ = 0;  // of a pass that only writes; of one more token of a prompt in one layer
};

}  // namespace hearth::inference
