// The aten table against the native one: the same calls, equal numbers; and how libtorch's failures come out.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "aten/door.h"
#include "base/text.h"
#include "tensor/ops.h"

using namespace hearth;

namespace {

const Backend& aten() {
  return *hearth_aten_backend();
}

/// Numbers without a pattern, in [-1, 1).
std::vector<float> noise(int64_t count, uint32_t seed) {
  std::vector<float> out;
  for (int64_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    out.push_back(static_cast<float>(seed >> 8) / 8388608.0f - 1.0f);
  }
  return out;
}

/// f32 sums of some hundred terms in another order.
void check_equal(const Tensor& native, const Tensor& theirs, float tolerance = 2e-6f) {
  CHECK(native.shape() == theirs.shape());
  const auto a = to_vector(native), b = to_vector(theirs);
  REQUIRE(a.size() == b.size());
  float largest = 0, difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(b[i]));
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  CHECK(largest > 0);
  CHECK(difference <= tolerance * largest);
}

/// The same inputs on both backends.
struct Both {
  explicit Both(const Backend& b) : backend(b) {}
  const Backend& backend;

  Tensor tensor(const Shape& shape, uint32_t seed) const {
    return backend.from_host(noise(shape.numel(), seed), shape);
  }
  NormWeight norm(int64_t width, uint32_t seed) const { return {tensor({width}, seed), 1e-5}; }
  /// A matrix whose stored bytes are `bytes`, kept by an owner as a mapped file would.
  LinearWeight stored(DType dtype, const Shape& shape, std::vector<std::byte> bytes) const {
    const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    auto made = backend.weight({"w", dtype, shape, *owner, owner}, {});
    REQUIRE_MESSAGE(made.ok(), made.status().message());
    return {std::move(made).value(), {}};
  }
  LinearWeight matrix(int64_t rows, int64_t cols, uint32_t seed) const {
    const auto values = noise(rows * cols, seed);
    const auto bytes = std::as_bytes(std::span(values));
    return stored(DType::f32, {rows, cols}, {bytes.begin(), bytes.end()});
  }
};

/// Runs `compute` on both and compares.
template <class Compute>
void compare(Compute&& compute) {
  check_equal(compute(Both(native_backend())), compute(Both(aten())));
}

}  // namespace

TEST_CASE("aten: products, norms and activations equal native's") {
  compare([](const Both& b) {
    auto entry = b.matrix(48, 64, 1);
    entry.bias = b.tensor({48}, 2);
    const auto norm = b.norm(64, 3);
    const LinearWeight* const weights[] = {&entry};
    const auto x = b.tensor({5, 64}, 4);
    return b.backend.linear({x, &norm}, std::span(weights))[0];
  });
  compare([](const Both& b) {
    return b.backend.linear_add(b.tensor({3, 64}, 1), b.matrix(32, 64, 2), b.tensor({3, 32}, 3));
  });
  for (const auto act :
       {Activation::silu, Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu, Activation::relu}) {
    CAPTURE(static_cast<int>(act));
    compare([&](const Both& b) {
      return b.backend.gated_mlp(b.tensor({3, 64}, 1), b.norm(64, 2), act, b.matrix(96, 64, 3), b.matrix(96, 64, 4),
                                 b.matrix(64, 96, 5));
    });
    compare([&](const Both& b) { return b.backend.activation(b.tensor({4, 33}, 6), act); });
  }
  compare([](const Both& b) { return b.backend.rms_norm(b.tensor({4, 64}, 1), b.norm(64, 2)); });
  compare([](const Both& b) { return b.backend.softmax(b.tensor({4, 70}, 1)); });
  compare([](const Both& b) { return b.tensor({2, 3, 4}, 1) + b.tensor({2, 3, 4}, 2) * b.tensor({2, 3, 4}, 3); });
}

TEST_CASE("aten: a quantized matrix has the same dequantized numbers") {
  const auto bytes_of = [](size_t count) {
    std::vector<std::byte> out;
    for (const float f : noise(static_cast<int64_t>(count), 7)) out.push_back(static_cast<std::byte>(f * 127));
    return out;
  };
  for (const auto dtype : {DType::q8_0, DType::q4_1, DType::q4_0}) {
    CAPTURE(name(dtype));
    auto bytes = bytes_of(static_cast<size_t>(*size_bytes(dtype, 32 * 64)));
    // Each block begins with one or two f16 scales: give them values that are no NaN.
    for (size_t at = 0; at < bytes.size(); at += static_cast<size_t>(block_bytes(dtype))) {
      bytes[at + 1] = std::byte{0x21};
      if (dtype == DType::q4_1) bytes[at + 3] = std::byte{0xA2};
    }
    compare([&](const Both& b) {
      const auto entry = b.stored(dtype, {32, 64}, bytes);
      const int32_t ids[] = {31, 0, 7};
      return b.backend.embedding(*entry.weight, std::span(ids));
    });
    compare([&](const Both& b) {
      const auto entry = b.stored(dtype, {32, 64}, bytes);
      const LinearWeight* const weights[] = {&entry};
      return b.backend.linear({b.tensor({2, 64}, 1)}, std::span(weights))[0];
    });
  }
}

TEST_CASE("aten: rope, cache and attention over several sequences equal native's") {
  compare([](const Both& b) {
    return b.backend.rope(b.tensor({5, 4, 16}, 1), b.tensor({5, 8}, 2), b.tensor({5, 8}, 3));
  });
  compare([](const Both& b) {
    return b.backend.rope(b.tensor({5, 4, 16}, 1), b.tensor({5, 4}, 2), b.tensor({5, 4}, 3));
  });
  // A prompt, rows after a prefix, and a single new row, with grouped heads.
  for (const bool causal : {true, false}) {
    compare([&](const Both& b) {
      const int64_t heads = 4, kv_heads = 2, width = 16;
      const auto new_keys = b.tensor({8, kv_heads, width}, 10), new_values = b.tensor({8, kv_heads, width}, 11);
      const auto pool = KvPool::make({.layers = 3, .kv_heads = kv_heads, .head_dim = width}, DType::f32);
      std::vector<AttentionSequence> sequences;
      std::vector<std::shared_ptr<KvPage>> pages;
      for (int i = 0; i < 6; ++i) pages.push_back(*pool->take(b.backend));
      int64_t row = 0;
      for (const auto& [rows, before] : {std::pair<int64_t, int64_t>{4, 0}, {3, 5}, {1, 90}}) {
        const KvPagesView held{std::span(pages).subspan(2 * sequences.size(), 2), 1};
        const auto old_keys = b.tensor({90, kv_heads, width}, 20 + static_cast<uint32_t>(row));
        const auto old_values = b.tensor({90, kv_heads, width}, 30 + static_cast<uint32_t>(row));
        b.backend.kv_write(held, 0, old_keys, old_values, 0, before);  // across two pages in the last case
        b.backend.kv_write(held, before, new_keys, new_values, row, rows);
        sequences.push_back({row, rows, {}, {}, before + rows, {}, held});
        row += rows;
      }
      return b.backend.attention(b.tensor({8, heads, width}, 1), sequences, {.causal = causal});
    });
  }
}

TEST_CASE("aten: bf16 arithmetic rounds as libtorch does") {
  const Both b(aten());
  const std::vector<float> values{1.00390625f};  // halfway between two bf16: to even
  const auto made =
      b.backend.tensor({"v", DType::f32, {1}, std::as_bytes(std::span(values)), nullptr}, {.dtype = DType::bf16});
  REQUIRE(made.ok());
  CHECK(made->dtype() == DType::bf16);
  CHECK(to_vector(*made) == std::vector<float>{1.0f});
}

TEST_CASE("aten: views share the numbers with libtorch") {
  const Both b(aten());
  const auto x = b.tensor({4, 6}, 1);
  const auto part = x.narrow(0, 1, 2);
  const auto whole = to_vector(x);
  CHECK(to_vector(part) == std::vector<float>(whole.begin() + 6, whole.begin() + 18));
  CHECK(to_vector(x.narrow(1, 2, 1))[3] == whole[20]);
}

TEST_CASE("aten: a file's contradictions are a Status, wrong shapes an exception") {
  const Both b(aten());
  const std::vector<std::byte> bytes(64);
  const auto refused = [&](DType dtype, const Shape& shape, WeightOptions options = {}) {
    const auto made = b.backend.weight({"layer.weight", dtype, shape, bytes, nullptr}, options);
    REQUIRE_FALSE(made.ok());
    CHECK((contains(made.status().message(), "layer.weight") || contains(made.status().message(), "aten")));
    return made.status().code();
  };
  CHECK(refused(DType::f32, {4, 5}) == Code::bad_input);
  CHECK(refused(DType::f32, {16}) == Code::bad_input);
  CHECK(refused(DType::f8_e4m3, {8, 8}) == Code::unsupported);
  CHECK(refused(DType::f32, {4, 4}, {.numerics = Numerics::fast}) == Code::unsupported);

  CHECK_THROWS_AS(add(b.tensor({2}, 1), b.tensor({1}, 1)), ShapeError);
  CHECK_THROWS_AS(add(b.tensor({2}, 1), Both(native_backend()).tensor({2}, 1)), ShapeError);
  const auto entry = b.matrix(4, 8, 1);
  const int32_t outside[] = {4};
  CHECK_THROWS_AS(b.backend.embedding(*entry.weight, std::span(outside)), ShapeError);
  // libtorch's own exception crosses the object as std::exception, with its words.
  const LinearWeight* const weights[] = {&entry};
  CHECK_THROWS_WITH_AS(b.backend.linear({b.tensor({2, 7}, 1)}, std::span(weights)),
                       doctest::Contains("shapes cannot be multiplied"), std::exception);
}
