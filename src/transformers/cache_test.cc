// What one cache writes never shows in another that shares its pages.
#include "transformers/cache.h"

#include <doctest/doctest.h>

#include <vector>

#include "transformers/batch.h"

namespace hearth {
namespace {

constexpr CacheShape kShape{.layers = 2, .kv_heads = 2, .head_dim = 4};

/// Appends positions whose keys and values are all `value` (in layer 1 value + 0.5).
void append(KvCache& cache, int64_t count, float value) {
  const auto& backend = native_backend();
  const Batch batch{
      .backend = backend, .ids = std::vector<int32_t>(static_cast<size_t>(count)), .sequences = {{0, count, &cache}}};
  batch.reserve();
  for (size_t layer = 0; layer < 2; ++layer) {
    const std::vector<float> values(static_cast<size_t>(count * 8), value + 0.5f * static_cast<float>(layer));
    const auto x = backend.from_host(values, {count, 2, 4});
    batch.attention(layer, x, x, x);
  }
  batch.commit();
}

/// The numbers that `append` was given, position by position; all of a position's are checked to be alike.
std::vector<float> held(const KvCache& cache) {
  std::vector<float> out;
  for (int64_t p = 0; p < cache.length(); ++p) {
    const auto& page = cache.pages()[static_cast<size_t>(p / kKvPagePositions)]->values();
    const float* values = page.data<float>();
    out.push_back(values[p % kKvPagePositions * 4]);
    for (int64_t head = 0; head < 8; ++head)
      for (int64_t i = 0; i < 4; ++i)
        CHECK(values[(head * kKvPagePositions + p % kKvPagePositions) * 4 + i] ==
              out.back() + (head < 4 ? 0.0f : 0.5f));
  }
  return out;
}

std::vector<float> run(std::initializer_list<std::pair<int64_t, float>> parts) {
  std::vector<float> out;
  for (const auto& [count, value] : parts) out.insert(out.end(), static_cast<size_t>(count), value);
  return out;
}

}  // namespace

TEST_CASE("cache: a fork shares pages until one of the two writes") {
  const auto pool = KvPool::make(kShape, DType::f32);
  KvCache parent(pool);
  append(parent, 100, 1);
  auto child = parent.fork();
  CHECK(child.length() == 100);
  CHECK(pool->live_bytes() == 2 * pool->page_bytes());
  append(child, 60, 2);
  CHECK(pool->live_bytes() == 4 * pool->page_bytes());  // the partial page copied, and one more
  append(parent, 3, 3);
  CHECK(pool->live_bytes() == 4 * pool->page_bytes());  // the parent is alone on its page by now
  CHECK(child.pages()[0] == parent.pages()[0]);
  CHECK(held(parent) == run({{100, 1}, {3, 3}}));
  CHECK(held(child) == run({{100, 1}, {60, 2}}));
}

TEST_CASE("cache: a fork at a page's end copies nothing") {
  const auto pool = KvPool::make(kShape, DType::f32);
  KvCache parent(pool);
  append(parent, 128, 1);
  auto child = parent.fork();
  append(child, 1, 2);
  append(parent, 1, 3);
  CHECK(pool->live_bytes() == 4 * pool->page_bytes());
  CHECK(held(parent) == run({{128, 1}, {1, 3}}));
  CHECK(held(child) == run({{128, 1}, {1, 2}}));
}

TEST_CASE("cache: a truncated cache lets pages go, and does not write into those that it shares") {
  const auto pool = KvPool::make(kShape, DType::f32);
  KvCache parent(pool);
  append(parent, 150, 1);
  auto child = parent.fork();
  child.truncate(70);
  CHECK(child.capacity() == 128);
  append(child, 80, 2);
  CHECK(held(parent) == run({{150, 1}}));
  CHECK(held(child) == run({{70, 1}, {80, 2}}));
  parent.truncate(0);
  CHECK(parent.capacity() == 0);
  CHECK(pool->live_bytes() == 3 * pool->page_bytes());
  append(parent, 10, 4);
  CHECK(held(parent) == run({{10, 4}}));
  CHECK(held(child) == run({{70, 1}, {80, 2}}));
}

TEST_CASE("cache: pages that are kept begin another cache") {
  const auto pool = KvPool::make(kShape, DType::f32);
  std::vector<std::shared_ptr<KvPage>> kept;
  {
    KvCache first(pool);
    append(first, 140, 1);
    kept.assign(first.pages().begin(), first.pages().end());
  }
  CHECK(pool->live_bytes() == 3 * pool->page_bytes());
  KvCache whole(pool), part(pool);
  whole.adopt(std::span(kept).first(2), 128);
  part.adopt(kept, 130);
  append(whole, 5, 2);
  append(part, 5, 3);
  CHECK(held(whole) == run({{128, 1}, {5, 2}}));
  CHECK(held(part) == run({{130, 1}, {5, 3}}));
  KvCache again(pool);
  again.adopt(kept, 140);
  CHECK(held(again) == run({{140, 1}}));
}

TEST_CASE("cache: a pool at its limit refuses before a pass, and the cache stays as it was") {
  const auto pool = KvPool::make(kShape, DType::f32, 3 * 2 * 2 * 2 * 64 * 4 * 4);
  KvCache cache(pool);
  append(cache, 100, 1);
  const auto refused = cache.reserve(native_backend(), 300);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.code() == Code::busy);
  CHECK(pool->live_bytes() == 2 * pool->page_bytes());
  CHECK_THROWS_AS(append(cache, 200, 2), CacheFull);
  CHECK(held(cache) == run({{100, 1}}));
  auto child = cache.fork();
  append(child, 1, 2);  // the third page
  CHECK_FALSE(cache.reserve(native_backend(), 192).ok());
  child.truncate(0);
  CHECK(cache.reserve(native_backend(), 192).ok());
}

}  // namespace hearth
