#include "tokenizers/training/word_counter.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::tokenizers {

namespace {

constexpr size_t kBatchBytes = size_t{1} << 20;

}  // namespace

WordCounter::WordCounter(const WordCutter& cutter, int threads) : cutter_(cutter) {
  const size_t wanted = threads > 0 ? static_cast<size_t>(threads) : std::thread::hardware_concurrency();
  scratches_.resize(std::max<size_t>(wanted, 1));
  for (size_t i = 1; i < scratches_.size(); ++i) helpers_.emplace_back([this, i] { work(i); });
}

WordCounter::~WordCounter() {
  std::lock_guard lock(mutex_);
  queue_.clear();
  closed_ = true;
  ready_.notify_all();
}

Status WordCounter::count(const Batch& batch, WordCutter::Scratch& scratch) const {
  const std::string_view all = batch.letters;
  if (!batch.ends.empty()) {
    size_t begin = 0;
    for (size_t i = 0; i < batch.ends.size(); begin = batch.ends[i++]) {
      const auto text = all.substr(begin, batch.ends[i] - begin);
      if (const auto at = utf8_error(text); at != text.npos)
        return Status(Code::bad_input,
                      cat("text ", batch.first + i, " is not UTF-8: byte ", at, " of it begins no character"));
      cutter_.count(text, scratch);
    }
    return {};
  }
  if (const auto at = utf8_error(all); at != all.npos)
    return Status(Code::bad_input,
                  cat(batch.file, " is not UTF-8: byte ", batch.first + at, " of it begins no character"));
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = std::min(all.find('\n', begin), all.size() - 1) + 1;
    cutter_.count(all.substr(begin, end - begin), scratch);
    begin = end;
  }
  return {};
}

void WordCounter::work(size_t thread) {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [&] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const auto batch = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    auto status = count(batch, scratches_[thread]);
    lock.lock();
    if (!status.ok() && failed_.ok()) failed_ = std::move(status);
  }
}

Status WordCounter::push(Batch batch) {
  {
    std::lock_guard lock(mutex_);
    if (!failed_.ok()) return failed_.clone();
    if (queue_.size() < 2 * helpers_.size()) {
      queue_.push_back(std::move(batch));
      ready_.notify_one();
      return {};
    }
  }
  return count(batch, scratches_[0]);
}

Status WordCounter::add_text(std::string_view text, uint64_t number) {
  if (open_.ends.empty()) open_.first = number;
  open_.letters += text;
  open_.ends.push_back(open_.letters.size());
  if (open_.letters.size() < kBatchBytes && open_.ends.size() < kBatchBytes / 16) return {};
  return push(std::exchange(open_, {}));
}

Status WordCounter::add_lines(std::string lines, const std::string& file, uint64_t offset) {
  return push({.letters = std::move(lines), .ends = {}, .file = file, .first = offset});
}

Result<WordCounts> WordCounter::finish() {
  if (!open_.ends.empty()) TRY(push(std::exchange(open_, {})));
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }
  helpers_.clear();  // joins them: what is queued is counted
  if (!failed_.ok()) return std::move(failed_);
  auto& first = scratches_[0];
  for (size_t i = 1; i < scratches_.size(); ++i) {
    first.words.add(scratches_[i].words);
    first.tokens.add(scratches_[i].tokens);
    scratches_[i] = {};
  }
  return cutter_.spelt(first.words, first.tokens);
}

}  // namespace hearth::tokenizers
