// Meter: tells a training's progress now and then, and whether it was asked to stop.
#pragma once

#include <stop_token>
#include <string_view>

#include "base/clock.h"
#include "tokenizers/trainer.h"

namespace hearth::tokenizers {

/// Used by the training thread alone.
class Meter {
 public:
  Meter(const TrainingOptions& options, bool shown, std::stop_token stop)
      : options_(options), shown_(shown && options.progress), stop_(std::move(stop)) {}

  /// A new stage, told at once.
  void begin(std::string_view stage, uint64_t total) {
    stage_ = stage;
    total_ = total;
    tell(0);
  }
  /// Told when the last time is a tenth of a second ago. cancelled when the stop was asked for.
  Status advance(uint64_t done) {
    if (shown_ && monotonic_s() - told_s_ > 0.1) tell(done);
    if (stop_.stop_requested()) return Status(Code::cancelled, "the training was interrupted");
    return {};
  }
  void finish(uint64_t done) { tell(done); }

  const std::stop_token& stop() const { return stop_; }
  int threads() const { return options_.threads; }

 private:
  void tell(uint64_t done) {
    if (!shown_) return;
    told_s_ = monotonic_s();
    options_.progress({stage_, done, total_});
  }

  const TrainingOptions& options_;
  bool shown_;
  std::stop_token stop_;
  std::string_view stage_;
  uint64_t total_ = 0;
  double told_s_ = 0;
};

}  // namespace hearth::tokenizers
