// Texts of requests that wait together pass the model together; each request gets its own rows.
#include "inference/text_batcher.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "base/text.h"

namespace hearth::inference {
namespace {

std::vector<PreparedText> texts_of(const std::vector<int32_t>& firsts, size_t length) {
  std::vector<PreparedText> out;
  for (const auto first : firsts) {
    out.emplace_back();
    out.back().tokens.ids.assign(length, first);
  }
  return out;
}

/// A pass that waits until it is let through, and says of each text its first id.
struct Gate {
  std::atomic<int> passes = 0, let = 0;
  std::atomic<int64_t> largest = 0;
  Result<std::vector<std::vector<float>>> operator()(PreparedTexts texts) {
    const int number = passes++;
    while (let.load() <= number) std::this_thread::yield();
    int64_t tokens = 0;
    std::vector<std::vector<float>> out;
    for (const auto* text : texts) {
      if (text->tokens.ids[0] == 99) throw std::runtime_error("a bad text");
      tokens += static_cast<int64_t>(text->tokens.size());
      out.push_back({static_cast<float>(text->tokens.ids[0])});
    }
    largest = std::max(largest.load(), tokens);
    return out;
  }
};

TEST_CASE("text batcher: those who wait behind a pass share the next, which has a limit") {
  Turns turns;
  Gate gate;
  TextBatcher batcher(turns, std::ref(gate), /*tokens_max=*/100);
  const auto ask = [&](std::vector<int32_t> firsts, size_t length) {
    return std::async(std::launch::async, [&, firsts, length] { return batcher.run(texts_of(firsts, length), {}); });
  };
  std::vector<std::future<Result<std::vector<std::vector<float>>>>> answers;
  answers.push_back(ask({1}, 10));
  while (gate.passes == 0) std::this_thread::yield();
  for (int32_t i = 2; i < 10; ++i) answers.push_back(ask({i, 10 * i}, 10));
  while (batcher.waiting() < 9) std::this_thread::yield();
  gate.let = 1000;
  CHECK((*answers[0].get())[0][0] == 1);
  for (int32_t i = 2; i < 10; ++i) {
    const auto rows = answers[static_cast<size_t>(i) - 1].get();
    REQUIRE(rows.ok());
    CHECK((*rows)[0][0] == static_cast<float>(i));
    CHECK((*rows)[1][0] == static_cast<float>(10 * i));
  }
  CHECK(gate.largest <= 100);
  CHECK(gate.passes <= 4);  // 160 tokens behind the first pass, and turns that do not fill it to the last
  CHECK(batcher.waiting() == 0);
  CHECK(batcher.run(texts_of({7}, 500), {})->at(0).at(0) == 7);  // one text passes, however long
}

TEST_CASE("text batcher: who leaves while waiting leaves; a failing pass fails those in it and no others") {
  Turns turns;
  Gate gate;
  TextBatcher batcher(turns, std::ref(gate));
  auto first = std::async(std::launch::async, [&] { return batcher.run(texts_of({1}, 5), {}); });
  while (gate.passes == 0) std::this_thread::yield();
  std::stop_source leaves;
  auto gone = std::async(std::launch::async, [&] { return batcher.run(texts_of({2}, 5), leaves.get_token()); });
  while (batcher.waiting() < 2) std::this_thread::yield();
  leaves.request_stop();
  CHECK(gone.get().status().code() == Code::cancelled);
  gate.let = 1000;
  CHECK(first.get().ok());
  const auto bad = batcher.run(texts_of({99}, 5), {});
  CHECK(bad.status().code() == Code::internal);
  CHECK(contains(bad.status().message(), "a bad text"));
  CHECK(batcher.run(texts_of({3}, 5), {}).ok());
}

}  // namespace
}  // namespace hearth::inference
