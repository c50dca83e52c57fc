// Buckets as torch computes them: the distances at which transformers' function steps to another bucket.
#include "transformers/relative_positions.h"

#include <doctest/doctest.h>

#include "transformers/cache.h"

namespace hearth {
namespace {

/// The distances below 600 whose bucket is not that of the one before; `sign`: which side of the query the keys are.
std::vector<int64_t> steps(const RelativeBuckets& buckets, int64_t sign) {
  std::vector<int64_t> out;
  for (int64_t away = 1; away < 600; ++away)
    if (buckets.bucket(sign * away) != buckets.bucket(sign * (away - 1))) out.push_back(away);
  return out;
}

}  // namespace

TEST_CASE("relative buckets: an encoder's step where torch steps") {
  const RelativeBuckets usual;
  const std::vector<int64_t> expected{1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91};
  CHECK(steps(usual, -1) == expected);
  CHECK(steps(usual, 1) == expected);
  CHECK(usual.bucket(0) == 0);
  CHECK(usual.bucket(-1) == 1);
  CHECK(usual.bucket(1) == 17);
  CHECK(usual.bucket(-599) == 15);
  CHECK(usual.bucket(599) == 31);
  CHECK(steps({.num_buckets = 8, .max_distance = 16}, -1) == std::vector<int64_t>{1, 2, 6});
  CHECK(steps({.num_buckets = 16, .max_distance = 32}, -1) == std::vector<int64_t>{1, 2, 3, 4, 7, 12, 20});
}

TEST_CASE("relative buckets: a decoder's step where torch steps") {
  const RelativeBuckets usual{.bidirectional = false};
  CHECK(steps(usual, -1) == std::vector<int64_t>{1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                                 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113});
  CHECK(usual.bucket(-599) == 31);
  CHECK(usual.bucket(5) == 0);
}

TEST_CASE("relative buckets: too few of them, or a distance that leaves no bins, is refused") {
  CHECK(RelativeBuckets{}.check().ok());
  CHECK_FALSE(RelativeBuckets{.num_buckets = 3}.check().ok());
  CHECK_FALSE(RelativeBuckets{.num_buckets = 32, .max_distance = 8}.check().ok());
}

TEST_CASE("relative biases: each sequence from its rows to all its keys") {
  const RelativeBuckets buckets{.num_buckets = 4, .max_distance = 2};
  const std::vector<float> table{0, 10, 1, 11, 2, 12, 3, 13};  // bucket b, head h: b + 10 h
  ParamStore store(native_backend(), {});
  store.set({.name = "bias.weight",
             .dtype = DType::f32,
             .shape = {4, 2},
             .data = std::as_bytes(std::span<const float>(table)),
             .owner = nullptr});
  const RelativeAttentionBias bias(Params(store) / "bias", 2, buckets);
  REQUIRE(store.finish().ok());

  KvCache cache({.layers = 1, .kv_heads = 1, .head_dim = 8}, DType::f32);
  const Backend& backend = native_backend();
  Batch first{.backend = backend, .ids = {1, 1}, .sequences = {{0, 2, &cache}}};
  first.reserve();
  first.commit();
  const Batch batch{.backend = backend, .ids = {1, 1, 1, 1}, .sequences = {{0, 1}, {1, 2}, {3, 1, &cache}}};
  const auto biases = bias(batch);
  REQUIRE(biases.size() == 3);
  // Distances -2, -1, 0, 1 have the buckets 1, 1, 0, 3.
  CHECK(to_vector(contiguous(biases[0])) == std::vector<float>{0, 10});
  CHECK(to_vector(contiguous(biases[1])) == std::vector<float>{0, 3, 1, 0, 10, 13, 11, 10});
  CHECK(biases[2].shape() == Shape{2, 1, 3});
  CHECK(to_vector(biases[2]) == std::vector<float>{1, 1, 0, 11, 11, 10});
}

}  // namespace hearth
