#include "inference/text_batcher.h"

#include <algorithm>
#include <exception>

#include "base/clock.h"
#include "base/text.h"

namespace hearth::inference {

struct TextBatcher::Request {
  std::vector<PreparedText> texts;
  std::vector<Row> rows = {};
  size_t begun = 0, done = 0;  // texts
  double begun_s = 0;
  Status failure = {};

  bool is_over() const { return done == begun && (begun == texts.size() || !failure.ok()); }
};

struct TextBatcher::Place {
  std::shared_ptr<Request> request;
  size_t index;
};

int64_t TextBatcher::waiting() const {
  std::lock_guard lock(mutex_);
  return open_;
}

// With mutex_ held: the next pass's texts; at least one.
std::vector<TextBatcher::Place> TextBatcher::take() {
  std::vector<Place> out;
  int64_t tokens = 0;
  for (auto turns = requests_.size(); turns > 0; --turns) {
    auto request = std::move(requests_.front());
    requests_.pop_front();
    const auto share = std::max<int64_t>((tokens_max_ - tokens) / static_cast<int64_t>(turns), 1);
    const auto limit = tokens + share;
    while (request->begun < request->texts.size()) {
      const auto size = static_cast<int64_t>(request->texts[request->begun].tokens.size());
      if (tokens > 0 && tokens + size > limit) break;
      tokens += size;
      if (request->begun == 0) request->begun_s = monotonic_s();
      out.push_back({request, request->begun++});
    }
    if (request->begun < request->texts.size()) requests_.push_back(std::move(request));
  }
  return out;
}

// One pass. The lock is let go while it runs.
void TextBatcher::compute(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  is_computing_ = true;
  lock.unlock();
  auto turn = turns_.take(stop);  // a stop: another one goes on
  lock.lock();
  if (turn.ok() && !requests_.empty()) {
    const auto places = take();
    lock.unlock();
    std::vector<const PreparedText*> texts;
    int64_t tokens = 0;
    for (const auto& [request, index] : places) {
      texts.push_back(&request->texts[index]);
      tokens += static_cast<int64_t>(texts.back()->tokens.size());
    }
    const auto computed = [&]() -> Result<std::vector<Row>> {
      try {
        return pass_(texts);
      } catch (const std::exception& error) {
        return Status(Code::internal, cat("the model failed: ", std::string_view(error.what())));
      }
    };
    auto rows = computed();
    if (on_pass_) on_pass_(std::ssize(places), tokens);
    lock.lock();
    for (size_t i = 0; i < places.size(); ++i) {
      auto& request = *places[i].request;
      ++request.done;
      if (rows.ok()) {
        request.rows[places[i].index] = std::move((*rows)[i]);
      } else if (request.failure.ok()) {
        request.failure = rows.status().clone();
      }
    }
    std::erase_if(requests_, [](const auto& request) { return !request->failure.ok(); });
  }
  is_computing_ = false;
  changed_.notify_all();
}

Result<std::vector<TextBatcher::Row>> TextBatcher::run(std::vector<PreparedText> texts, std::stop_token stop,
                                                       BatchTimes* times) {
  const auto request = std::make_shared<Request>(Request{.texts = std::move(texts)});
  request->rows.resize(request->texts.size());
  const auto asked_s = monotonic_s();
  std::unique_lock lock(mutex_);
  ++open_;
  if (!request->texts.empty()) requests_.push_back(request);
  while (!request->is_over() && !stop.stop_requested()) {
    if (is_computing_)
      changed_.wait(lock, stop, [&] { return request->is_over() || !is_computing_; });
    else
      compute(lock, stop);
  }
  --open_;
  if (!request->is_over()) {
    std::erase(requests_, request);
    return Status(Code::cancelled, "the client left");
  }
  if (!request->failure.ok()) return request->failure.clone();
  if (times) *times = {.queue_s = request->begun_s - asked_s, .inference_s = monotonic_s() - request->begun_s};
  return std::move(request->rows);
}

}  // namespace hearth::inference
