#include "inference/prefix_cache.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tensor/backend.h"

namespace hearth::inference {
namespace {

using Pages = std::vector<std::shared_ptr<KvPage>>;

Pages pages_for(size_t tokens) {
  static const auto pool = KvPool::make({.layers = 1, .kv_heads = 1, .head_dim = 1}, DType::f32);
  Pages out;
  for (size_t i = 0; i * static_cast<size_t>(kKvPagePositions) < tokens; ++i)
    out.push_back(*pool->take(native_backend()));
  return out;
}

std::vector<int32_t> text(size_t length, int32_t first = 0) {
  std::vector<int32_t> out(length);
  std::iota(out.begin(), out.end(), first);
  return out;
}

std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST_CASE("prefix cache: the longest beginning is found, inside a page too") {
  PrefixCache cache(100);
  const auto ids = text(150);
  const auto pages = pages_for(150);
  cache.insert(ids, pages);
  CHECK(cache.pages() == 3);

  for (const size_t length : {1u, 63u, 64u, 65u, 128u, 150u}) {
    const auto match = cache.find(std::span(ids).first(length));
    CHECK(match.length == static_cast<int64_t>(length));
    REQUIRE(match.pages.size() == (length + 63) / 64);
    CHECK(std::ranges::equal(match.pages, std::span(pages).first(match.pages.size())));
  }
  CHECK(cache.find(text(200)).length == 150);
  CHECK(cache.find(joined(text(70), text(70, 5000))).length == 70);
  CHECK(cache.find(joined(text(10), text(70, 5000))).length == 10);
  CHECK(cache.find(text(70, 5000)).length == 0);
  CHECK(cache.find({}).length == 0);
}

TEST_CASE("prefix cache: a text that goes on takes the place of its beginning; branches share their stem") {
  PrefixCache cache(100);
  cache.insert(text(70), pages_for(70));
  const auto longer = pages_for(100);
  cache.insert(text(100), longer);
  CHECK(cache.pages() == 2);
  CHECK(cache.find(text(100)).length == 100);
  CHECK(cache.find(text(100)).pages[1] == longer[1]);
  CHECK(cache.find(text(100)).pages[0] != longer[0]);  // the page of the first text stays

  cache.insert(text(80), pages_for(80));  // nothing that is not there
  CHECK(cache.pages() == 2);
  cache.insert(joined(text(64), text(30, 900)), pages_for(94));
  CHECK(cache.pages() == 3);
  CHECK(cache.find(joined(text(64), text(30, 900))).length == 94);
  CHECK(cache.find(text(100)).length == 100);
}

TEST_CASE("prefix cache: what was not used for longest goes first, and never a page that another stands on") {
  PrefixCache cache(100);
  cache.insert(text(128, 1000), pages_for(128));
  cache.insert(text(128, 2000), pages_for(128));
  CHECK(cache.find(text(128, 1000)).length == 128);
  CHECK(cache.evict());
  CHECK(cache.find(text(128, 2000)).length == 64);
  CHECK(cache.evict());  // 1000's second page: its first was used at the same time, but carries it
  CHECK(cache.find(text(128, 1000)).length == 64);
  CHECK(cache.evict());
  CHECK(cache.evict());
  CHECK(!cache.evict());
  CHECK(cache.pages() == 0);
  CHECK(cache.find(text(128, 1000)).length == 0);

  PrefixCache small(2);
  small.insert(text(640), pages_for(640));
  CHECK(small.pages() == 2);
  CHECK(small.find(text(640)).length == 128);
}

TEST_CASE("prefix cache: beside a plain list of texts, random insertions, looks and evictions") {
  std::mt19937 random(7);
  const auto draw = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  PrefixCache cache(100000);
  std::vector<std::vector<int32_t>> texts;
  for (int round = 0; round < 400; ++round) {
    auto ids =
        texts.empty() || draw(3) == 0 ? std::vector<int32_t>() : texts[static_cast<size_t>(draw(int(texts.size())))];
    if (!ids.empty()) ids.resize(static_cast<size_t>(draw(int(ids.size())) + 1));
    for (int more = draw(150); more > 0; --more) ids.push_back(draw(2));
    int64_t longest = 0;
    for (const auto& other : texts)
      longest = std::max<int64_t>(longest, std::ranges::mismatch(other, ids).in1 - other.begin());
    const auto match = cache.find(ids);
    CHECK(match.length == longest);
    CHECK(match.pages.size() == static_cast<size_t>((longest + 63) / 64));
    cache.insert(ids, pages_for(ids.size()));
    texts.push_back(std::move(ids));
  }
  while (cache.evict()) {
  }
  CHECK(cache.pages() == 0);
}

}  // namespace
}  // namespace hearth::inference
