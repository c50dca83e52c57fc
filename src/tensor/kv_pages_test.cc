// Attention over pages against attention over one tensor, which is the same arithmetic in the same order; and the pool.
#include "tensor/kv_pages.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "tensor/ops.h"

namespace hearth {
namespace {

Tensor normals(const Shape& shape, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(static_cast<size_t>(shape.numel()));
  for (auto& x : out) x = normal(engine);
  return native_backend().from_host(out, shape);
}

std::vector<std::shared_ptr<KvPage>> pages_for(KvPool& pool, int64_t positions) {
  std::vector<std::shared_ptr<KvPage>> out;
  for (int64_t i = 0; i < positions; i += kKvPagePositions) out.push_back(*pool.take(native_backend()));
  return out;
}

}  // namespace

TEST_CASE("pages: attention over them equals attention over one tensor bit for bit") {
  struct Kind {
    AttentionOptions options;
    bool has_bias = false;
  };
  const Kind kinds[] = {
      {}, {{.window = 40}}, {{.window = 70, .softcap = 5}}, {{.softcap = 20}, true}, {{.scale = 0.3}, true}};
  constexpr int64_t kHeads = 6, kKvHeads = 2, kHeadDim = 24, kLayers = 3;
  const auto& native = native_backend();
  for (const bool values_are_keys : {false, true})
    for (const int64_t keys : {1, 63, 64, 65, 200, 700})
      for (const int64_t rows : {int64_t{1}, int64_t{3}, keys}) {
        if (rows > keys) continue;
        const auto q = normals({rows, kHeads, kHeadDim}, 1), k = normals({keys, kKvHeads, kHeadDim}, 2),
                   v = values_are_keys ? k : normals({keys, kKvHeads, kHeadDim}, 3);
        const auto pool = KvPool::make({kLayers, kKvHeads, kHeadDim, values_are_keys}, DType::f32);
        const auto pages = pages_for(*pool, keys);
        const KvPagesView layer{pages, 1};
        native.kv_write(layer, 0, k, v, 0, keys - rows);
        native.kv_write(layer, keys - rows, k, v, keys - rows, rows);
        const auto other = normals({keys, kKvHeads, kHeadDim}, 4);  // its neighbours' numbers are not seen
        for (const int64_t neighbour : {0, 2}) native.kv_write({pages, neighbour}, 0, other, other, 0, keys);
        for (const auto& [options, has_bias] : kinds) {
          CAPTURE(keys);
          CAPTURE(rows);
          CAPTURE(options.window);
          const auto bias = has_bias ? normals({kHeads, rows, keys}, 5) : Tensor();
          const AttentionSequence whole{0,    rows, contiguous(k.transpose(0, 1)), contiguous(v.transpose(0, 1)),
                                        keys, bias};
          const AttentionSequence paged{0, rows, {}, {}, keys, bias, layer};
          CHECK(to_vector(attention(q, {&whole, 1}, options)) == to_vector(attention(q, {&paged, 1}, options)));
        }
      }
}

TEST_CASE("pages: a copy holds the positions asked for in all layers") {
  const auto& native = native_backend();
  const auto pool = KvPool::make({.layers = 2, .kv_heads = 2, .head_dim = 4}, DType::f32);
  const auto from = *pool->take(native), to = *pool->take(native);
  std::fill_n(to->values().data<float>(), to->values().numel(), -1.0f);
  for (int64_t i = 0; i < from->values().numel(); ++i) from->values().data<float>()[i] = static_cast<float>(i);
  native.kv_copy(*from, *to, 3);
  const auto head = kKvPagePositions * 4;
  const float* copied = to->values().data<float>();
  for (int64_t i = 0; i < to->values().numel(); ++i)
    CHECK(copied[i] == (i % head < 3 * 4 ? static_cast<float>(i) : -1));
}

TEST_CASE("pages: a pool counts the bytes that are held, and gives no more than its limit") {
  const auto& native = native_backend();
  const CacheShape shape{.layers = 2, .kv_heads = 3, .head_dim = 8};
  constexpr int64_t kBytes = 2 * 2 * 3 * 64 * 8 * 4;
  const auto pool = KvPool::make(shape, DType::f32, 2 * kBytes + 1);
  CHECK(pool->page_bytes() == kBytes);
  CHECK(KvPool::make({2, 3, 8, true}, DType::f32)->page_bytes() == kBytes / 2);
  auto first = *pool->take(native);
  auto second = *pool->take(native);
  const auto shared = first;
  CHECK(pool->live_bytes() == 2 * kBytes);
  const auto refused = pool->take(native);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().code() == Code::busy);
  first.reset();  // still held
  CHECK_FALSE(pool->take(native).ok());
  second.reset();
  CHECK(pool->live_bytes() == kBytes);
  CHECK(pool->take(native).ok());
}

}  // namespace hearth
