// TextBatcher: texts of all requests that wait for the same model, in as few passes over it as there can be.
//
// 1. A pass takes up to `tokens_max` tokens of waiting texts; requests take turns, so that a long list holds up nobody.
// 2. There is no thread of its own: of those who wait one computes for all, until its own texts are done; then another.
// 3. Who leaves while it waits takes its texts that no pass has begun with along; a pass is not broken off.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "inference/turns.h"
#include "transformers/sentence_transformer.h"

namespace hearth::inference {

/// How long a request's texts waited for their first pass, and from there to the last one's end.
struct BatchTimes {
  double queue_s = 0, inference_s = 0;
};

/// Any number of threads.
class TextBatcher {
 public:
  using Row = std::vector<float>;
  using Pass = std::function<Result<std::vector<Row>>(PreparedTexts texts)>;
  /// Of a pass: its texts and tokens.
  using OnPass = std::function<void(int64_t texts, int64_t tokens)>;

  static constexpr int64_t kTokensMax = 16'384;  ///< text-embeddings-inference's max_batch_tokens

  /// `turns`: of all that compute with the model's process.
  TextBatcher(Turns& turns, Pass pass, int64_t tokens_max = kTokensMax, OnPass on_pass = {})
      : turns_(turns), pass_(std::move(pass)), tokens_max_(tokens_max), on_pass_(std::move(on_pass)) {}

  /// A row a text, in their order. cancelled on the stop; what the pass says.
  Result<std::vector<Row>> run(std::vector<PreparedText> texts, std::stop_token stop, BatchTimes* times = nullptr);
  /// Requests that wait or are computed.
  int64_t waiting() const;

 private:
  struct Request;
  struct Place;  // of a text in its request
  std::vector<Place> take();
  void compute(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);

  Turns& turns_;
  const Pass pass_;
  const int64_t tokens_max_;
  const OnPass on_pass_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Request>> requests_;  // with texts that no pass has begun with
  int64_t open_ = 0;
  bool is_computing_ = false;
};

}  // namespace hearth::inference
