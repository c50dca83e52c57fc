// Products in bf16 on every instruction set: the sum in double, rounded once, but for what f32 sums may tip.
#include "tensor/bf16_kernels.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "safetensors/dtype.h"
#include "tensor/half.h"
#include "tensor/kernels/bf16_table.h"

using namespace hearth;
using namespace hearth::kernels;

namespace {

/// Numbers of type bf16 without a pattern, in [-1, 1).
std::vector<float> noise(int64_t count, uint32_t seed) {
  std::vector<float> out;
  for (int64_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    out.push_back(rounded_to_bf16(static_cast<float>(seed >> 8) / 8388608.0f - 1.0f));
  }
  return out;
}

std::vector<Isa> all_isas() {
  std::vector<Isa> out{Isa::plain};
  if (best_isa() >= Isa::avx2) out.push_back(Isa::avx2);
  if (best_isa() >= Isa::avx512) out.push_back(Isa::avx512);
  return out;
}

/// Next to `want` in bf16, or its neighbour where the f32 sum may fall on the other side of a half.
void check_rounded(float made, double want, double magnitude) {
  const double slack = 4e-6 * magnitude;
  CHECK(made == rounded_to_bf16(made));
  CHECK(made >= rounded_to_bf16(static_cast<float>(want - slack)));
  CHECK(made <= rounded_to_bf16(static_cast<float>(want + slack)));
}

void check_product(int64_t rows, int64_t outs, int64_t cols, bool with_bias, bool add, ThreadPool& pool) {
  const auto w = noise(outs * cols, 1), x = noise(rows * cols, 2), bias = noise(outs, 3),
             before = noise(rows * outs, 4);
  std::vector<uint16_t> bits;
  for (const float value : w) bits.push_back(to_bf16(value));
  const auto weight = pack(DType::bf16, std::as_bytes(std::span(bits)), outs, cols, Numerics::exact, pool);
  REQUIRE(weight.ok());
  auto y = before;
  const Product product{.weight = &*weight, .y = y.data(), .bias = with_bias ? bias.data() : nullptr, .add = add};
  linear_bf16({&product, 1}, x.data(), rows, pool);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t o = 0; o < outs; ++o) {
      double sum = with_bias ? bias[static_cast<size_t>(o)] : 0, magnitude = std::abs(sum);
      for (int64_t i = 0; i < cols; ++i) {
        const double term = double(w[static_cast<size_t>(o * cols + i)]) * double(x[static_cast<size_t>(r * cols + i)]);
        sum += term;
        magnitude += std::abs(term);
      }
      const auto at = static_cast<size_t>(r * outs + o);
      if (!add) {
        check_rounded(y[at], sum, magnitude);
        continue;
      }
      // Two roundings: the product's neighbours bound the sum's.
      const float low = rounded_to_bf16(static_cast<float>(sum - 4e-6 * magnitude)) + before[at];
      const float high = rounded_to_bf16(static_cast<float>(sum + 4e-6 * magnitude)) + before[at];
      CHECK(y[at] >= rounded_to_bf16(low));
      CHECK(y[at] <= rounded_to_bf16(high));
    }
}

}  // namespace

TEST_CASE("bf16: products of any shape are sums rounded once") {
  ThreadPool one(1), three(3);
  const Isa before = best_isa();
  for (const Isa isa : all_isas()) {
    CAPTURE(name(isa));
    force_isa(isa);
    for (const int64_t rows : {1, 2, 11, 12, 13, 40})
      for (const auto& [outs, cols] : {std::pair<int64_t, int64_t>{16, 32}, {33, 70}, {5, 7}, {100, 64}}) {
        check_product(rows, outs, cols, false, false, one);
        check_product(rows, outs, cols, true, true, three);
      }
    check_product(14, 18, 4200, true, false, one);   // more columns than one block has
    check_product(230, 40, 36, false, true, three);  // several chunks of rows
  }
  force_isa(before);
}

TEST_CASE("bf16: numbers round to the nearest, halves to the even one, and NaN stays") {
  const Isa before = best_isa();
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  auto x = noise(19, 5);
  for (auto& value : x) value *= 1.00123f;
  x[0] = 1.00390625f;  // a half: 1 is even
  x[1] = 1.01171875f;  // a half: 1.015625 is even
  x[2] = inf;
  x[3] = -inf;
  x[4] = nan;
  x[5] = 3.4e38f;  // past the largest
  x[6] = -0.0f;
  for (const Isa isa : all_isas()) {
    CAPTURE(name(isa));
    force_isa(isa);
    std::vector<float> out(x.size()), sum(x.size());
    std::vector<uint16_t> bits(x.size());
    bf16_kernels().round(x.data(), static_cast<int64_t>(x.size()), out.data());
    bf16_kernels().to_bits(x.data(), static_cast<int64_t>(x.size()), bits.data());
    for (size_t i = 0; i < x.size(); ++i) {
      if (i == 4) {
        CHECK(std::isnan(out[i]));
        continue;
      }
      CHECK(bits[i] == to_bf16(x[i]));
      CHECK(std::bit_cast<uint32_t>(out[i]) == static_cast<uint32_t>(to_bf16(x[i])) << 16);
    }
  }
  force_isa(before);
}
