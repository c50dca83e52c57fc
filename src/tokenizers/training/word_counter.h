// WordCounter: counts the words of many texts on all cores.
//
// The thread that brings the texts puts them into batches; the others take batches from a queue of bounded length, and
// when it is full the bringer counts one itself. Each thread counts into a table of its own; in the end they become
// one.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tokenizers/training/word_cutter.h"

namespace hearth::tokenizers {

class WordCounter {
 public:
  /// `threads`: 0 for as many as there are cores. `cutter` outlives this.
  WordCounter(const WordCutter& cutter, int threads);
  ~WordCounter();

  /// One text; `number` is its place among the texts, for messages.
  Status add_text(std::string_view text, uint64_t number);
  /// A stretch of a file, whole lines: each line with its end is a text. `offset`: where in `file` it begins.
  Status add_lines(std::string lines, const std::string& file, uint64_t offset);
  /// All that was counted: the last call.
  Result<WordCounts> finish();

 private:
  struct Batch {
    std::string letters;
    std::vector<size_t> ends;  // of the texts; empty: they are lines
    std::string file = {};     // of lines
    uint64_t first = 0;        // of texts the number of the first, of lines their place in the file
  };
  Status push(Batch batch);
  Status count(const Batch& batch, WordCutter::Scratch& scratch) const;
  void work(size_t thread);

  const WordCutter& cutter_;
  std::vector<WordCutter::Scratch> scratches_;  // one a thread; the first is the bringer's
  Batch open_;                                  // texts that fill no batch yet
  std::mutex mutex_;                            // guards what follows
  std::condition_variable ready_;
  std::deque<Batch> queue_;
  bool closed_ = false;
  Status failed_;
  std::vector<std::jthread> helpers_;
};

}  // namespace hearth::tokenizers
