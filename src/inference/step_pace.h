// StepPace: how many tokens of prompts one step may read while answers are being written, so that their gaps stay
// short. Measures what steps cost as they go.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hearth::inference {

class StepPace {
 public:
  static constexpr int64_t kRowsMax = 512;  ///< with nobody waiting for a token: bounds the scratch, and a stop's wait

  /// A step took `seconds` for one token of each of `writing` answers and `rows` tokens of prompts.
  void note(int64_t writing, int64_t rows, double seconds) {
    if (rows == 0) {
      gap_s_ = blend(gap_s_, seconds);
    } else if (const double extra = seconds - (writing > 0 ? gap_s_ : 0); extra > 0) {
      row_s_ = blend(row_s_, extra / static_cast<double>(rows));
    }
  }

  /// Prompt tokens of the next step beside `writing` answers.
  int64_t rows(int64_t writing) const {
    if (writing == 0) return kRowsMax;
    if (gap_s_ == 0 || row_s_ == 0) return kFirst;
    return std::clamp(static_cast<int64_t>(kShare * gap_s_ / row_s_), kRowsMin, kRowsMax);
  }

 private:
  /// A step with prompts takes at most about 1 + kShare times as long as one without.
  static constexpr double kShare = 1.25;
  static constexpr int64_t kRowsMin = 8, kFirst = 32;

  static double blend(double before, double now) { return before == 0 ? now : 0.8 * before + 0.2 * now; }

  double gap_s_ = 0, row_s_ = 0;  // of a step that only writes; of one more token of a prompt
};

}  // namespace hearth::inference
