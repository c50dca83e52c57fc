#include "tensor/linear_kernels.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "safetensors/dtype.h"
#include "tensor/kernels/kernel_table.h"

using namespace hearth;
using namespace hearth::kernels;

namespace {

struct Random {
  std::mt19937 engine{7};
  float normal(float width = 1) { return std::normal_distribution<float>(0, width)(engine); }
  std::vector<float> normals(int64_t count, float width = 1) {
    std::vector<float> out(static_cast<size_t>(count));
    for (auto& x : out) x = normal(width);
    return out;
  }
  uint8_t byte() { return static_cast<uint8_t>(engine()); }
};

/// A positive or negative f16 of magnitude 2^-9 to 2^-6: the scales of real files.
uint16_t small_half(Random& random) {
  return static_cast<uint16_t>((random.byte() & 1) << 15 | (6 + random.byte() % 4) << 10 | (random.engine() & 0x3ff));
}

/// Where the f16 numbers of a type's blocks lie.
std::vector<size_t> scales_at(DType type) {
  switch (type) {
    case DType::q4_1:
    case DType::q5_1:
    case DType::q4_k:
    case DType::q5_k:
      return {0, 2};
    case DType::q2_k:
      return {80, 82};
    case DType::q3_k:
      return {108};
    case DType::q6_k:
      return {208};
    case DType::mxfp4:
      return {};
    default:
      return {0};
  }
}

std::vector<std::byte> random_weight(Random& random, DType type, int64_t elements) {
  std::vector<std::byte> out(static_cast<size_t>(*size_bytes(type, elements)));
  auto* p = reinterpret_cast<uint8_t*>(out.data());
  if (type == DType::f32) {
    const auto values = random.normals(elements, 0.05f);
    std::memcpy(p, values.data(), out.size());
  } else if (type == DType::f16 || type == DType::bf16) {
    for (int64_t i = 0; i < elements; ++i) {
      uint16_t h = small_half(random);
      if (type == DType::bf16) h = static_cast<uint16_t>((h & 0x8000) | (0x3c00 + (h & 0xff)));
      std::memcpy(p + 2 * i, &h, 2);
    }
  } else {
    const auto block = static_cast<size_t>(block_bytes(type));
    for (size_t at = 0; at < out.size(); at += block) {
      for (size_t i = 0; i < block; ++i) p[at + i] = random.byte();
      for (const size_t scale : scales_at(type)) {
        const uint16_t d = small_half(random);
        std::memcpy(p + at + scale, &d, 2);
      }
      if (type == DType::mxfp4) p[at] = static_cast<uint8_t>(118 + random.byte() % 8);
    }
  }
  return out;
}

constexpr DType kTypes[] = {DType::f32,  DType::f16,  DType::bf16,   DType::q4_0,  DType::q4_1, DType::q8_0,
                            DType::q5_0, DType::q5_1, DType::iq4_nl, DType::mxfp4, DType::q2_k, DType::q3_k,
                            DType::q4_k, DType::q5_k, DType::q6_k,   DType::iq4_xs};
/// The least number of columns, at least `cols`, that a type can have.
int64_t columns_of(DType type, int64_t cols) {
  const int64_t block = block_elements(type);
  return (cols + block - 1) / block * block;
}

/// Runs `body` once under each instruction set that this processor has.
template <class F>
void under_each_isa(F body) {
  for (int isa = 0; isa <= static_cast<int>(best_isa()); ++isa) {
    if (static_cast<Isa>(isa) == Isa::neon && best_isa() != Isa::neon) continue;  // another processor's
    force_isa(static_cast<Isa>(isa));
    CAPTURE(name(static_cast<Isa>(isa)));
    body();
  }
  force_isa(best_isa());
}

struct Case {
  DType type;
  int64_t outs, cols, rows;
  std::vector<std::byte> bytes;
  std::vector<float> dense, x;

  Case(Random& random, DType t, int64_t o, int64_t c, int64_t r) : type(t), outs(o), cols(c), rows(r) {
    bytes = random_weight(random, t, o * c);
    dense.resize(static_cast<size_t>(o * c));
    REQUIRE(dequantize(t, bytes, dense).ok());
    x = random.normals(r * c);
  }
  /// The product in double precision, and the two sums that bounds are made of.
  void expect(int64_t row, int64_t out, double* y, double* rounding, double* magnitude) const {
    *y = *rounding = *magnitude = 0;
    for (int64_t begin = 0; begin < cols; begin += 32) {
      const int64_t end = std::min(begin + 32, cols);
      double most = 0, weights = 0;
      for (int64_t i = begin; i < end; ++i) {
        const double w = dense[static_cast<size_t>(out * cols + i)], v = x[static_cast<size_t>(row * cols + i)];
        *y += w * v;
        *magnitude += std::abs(w * v);
        most = std::max(most, std::abs(v));
        weights += std::abs(w);
      }
      *rounding += most / 254 * weights;
    }
  }
  /// The largest error in units of what the header allows.
  double worst(const std::vector<float>& y, Numerics numerics) const {
    double out = 0;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t o = 0; o < outs; ++o) {
        double wanted, rounding, magnitude;
        expect(r, o, &wanted, &rounding, &magnitude);
        const double allowed = 1e-5 * magnitude + (numerics == Numerics::fast && is_block_type(type) ? rounding : 0);
        const double error = std::abs(y[static_cast<size_t>(r * outs + o)] - wanted);
        out = std::max(out, error <= allowed ? error / std::max(allowed, 1e-300) : 1e300);
      }
    return out;
  }
};

}  // namespace

TEST_CASE("linear: every format, numerics and instruction set keeps the header's bound") {
  Random random;
  ThreadPool pool(2);
  const int64_t shapes[][3] = {{1, 32, 1},     {15, 64, 2},   {16, 32, 3},   {17, 96, 5},  {33, 576, 1},
                               {48, 160, 7},   {100, 64, 8},  {31, 1536, 1}, {40, 96, 13}, {50, 64, 130},
                               {35, 1600, 25}, {33, 288, 17}, {40, 512, 70}};
  for (const DType type : kTypes)
    for (const auto& shape : shapes) {
      const Case c(random, type, shape[0], columns_of(type, shape[1]), shape[2]);
      for (const Numerics numerics : {Numerics::exact, Numerics::fast}) {
        auto weight = pack(type, c.bytes, c.outs, c.cols, numerics, pool);
        REQUIRE(weight.ok());
        under_each_isa([&] {
          std::vector<float> y(static_cast<size_t>(c.rows * c.outs), NAN);
          linear(*weight, c.x.data(), c.rows, y.data(), pool);
          CAPTURE(hearth::name(type));
          CAPTURE(c.outs);
          CAPTURE(c.cols);
          CAPTURE(c.rows);
          CHECK(c.worst(y, numerics) <= 1);
        });
      }
    }
}

TEST_CASE("linear: float formats take any number of columns") {
  Random random;
  ThreadPool pool(1);
  for (const DType type : {DType::f32, DType::f16, DType::bf16})
    for (const int64_t cols : {1, 7, 16, 17, 33, 65}) {
      const Case c(random, type, 19, cols, 9);
      auto weight = pack(type, c.bytes, c.outs, c.cols, Numerics::exact, pool);
      REQUIRE(weight.ok());
      under_each_isa([&] {
        std::vector<float> y(static_cast<size_t>(c.rows * c.outs), NAN);
        linear(*weight, c.x.data(), c.rows, y.data(), pool);
        CHECK(c.worst(y, Numerics::exact) <= 1);
      });
    }
}

TEST_CASE("linear: products share an input, add a bias and the residual, and write only their own rows") {
  Random random;
  ThreadPool pool(3);
  for (const int64_t rows : {1, 4, 40}) {
    Case a(random, DType::q4_1, 40, 64, rows), b(random, DType::q8_0, 17, 64, rows), c(random, DType::f32, 5, 64, rows);
    b.x = c.x = a.x;
    const auto bias = random.normals(40);
    for (const Numerics numerics : {Numerics::exact, Numerics::fast})
      under_each_isa([&] {
        const auto wa = pack(a.type, a.bytes, a.outs, a.cols, numerics, pool);
        const auto wb = pack(b.type, b.bytes, b.outs, b.cols, numerics, pool);
        const auto wc = pack(c.type, c.bytes, c.outs, c.cols, numerics, pool);
        const int64_t stride = 70;  // one row of a, b and c, and 8 floats that nobody may touch
        std::vector<float> y(static_cast<size_t>(rows * stride), 3);
        const Product products[] = {{&*wa, y.data(), stride, bias.data(), false},
                                    {&*wb, y.data() + 40, stride, nullptr, true},
                                    {&*wc, y.data() + 57, stride}};
        linear(products, {.x = a.x.data(), .rows = rows}, pool);
        std::vector<float> ya, yb, yc;
        for (int64_t r = 0; r < rows; ++r) {
          const float* row = y.data() + r * stride;
          for (int64_t o = 0; o < 40; ++o) ya.push_back(row[o] - bias[static_cast<size_t>(o)]);
          for (int64_t o = 0; o < 17; ++o) yb.push_back(row[40 + o] - 3);
          yc.insert(yc.end(), row + 57, row + 62);
          for (int64_t o = 62; o < stride; ++o) CHECK(row[o] == 3);
        }
        // The subtractions above round once more, at the size of the bias.
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t o = 0; o < 40; ++o) {
            double wanted, rounding, magnitude;
            a.expect(r, o, &wanted, &rounding, &magnitude);
            CHECK(std::abs(ya[static_cast<size_t>(r * 40 + o)] - wanted) <=
                  1e-5 * magnitude + 1e-6 + (numerics == Numerics::fast ? rounding : 0));
          }
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t o = 0; o < 17; ++o) {
            double wanted, rounding, magnitude;
            b.expect(r, o, &wanted, &rounding, &magnitude);
            CHECK(std::abs(yb[static_cast<size_t>(r * 17 + o)] - wanted) <=
                  1e-5 * magnitude + 1e-6 + (numerics == Numerics::fast ? rounding : 0));
          }
        CHECK(c.worst(yc, numerics) <= 1);
      });
  }
}

TEST_CASE("linear: a normalized and a gated input equal the steps done one by one") {
  Random random;
  ThreadPool pool(2);
  const Case c(random, DType::q8_0, 24, 96, 5);
  const auto weight = pack(c.type, c.bytes, c.outs, c.cols, Numerics::exact, pool);
  const auto norm = random.normals(96), up = random.normals(5 * 96);
  under_each_isa([&] {
    std::vector<float> changed(5 * 96), wanted(5 * 24), got(5 * 24);
    const Product product{&*weight, got.data()};
    rms_norm(c.x.data(), norm.data(), 1e-5f, 5, 96, changed.data());
    linear(*weight, changed.data(), 5, wanted.data(), pool);
    linear({&product, 1}, {.x = c.x.data(), .rows = 5, .norm_weight = norm.data(), .norm_eps = 1e-5f}, pool);
    CHECK(got == wanted);
    silu_mul(c.x.data(), up.data(), 5 * 96, changed.data());
    linear(*weight, changed.data(), 5, wanted.data(), pool);
    linear({&product, 1}, {.x = c.x.data(), .rows = 5, .up = up.data()}, pool);
    CHECK(got == wanted);
  });
}

TEST_CASE(
    "linear: fast keeps its bound at the ends of the 8-bit range, and zero, tiny and NaN inputs stay themselves") {
  ThreadPool pool(1);
  Random random;
  Case c(random, DType::q8_0, 16, 64, 4);
  auto* p = reinterpret_cast<int8_t*>(c.bytes.data());
  for (size_t at = 0; at < c.bytes.size(); at += 34)
    for (size_t i = 2; i < 34; ++i)
      p[at + i] = i % 3 == 0 ? 127 : -128;  // -128 is what unsigned + signed tricks trip on
  REQUIRE(dequantize(c.type, c.bytes, c.dense).ok());
  for (size_t i = 0; i < c.x.size(); ++i)
    c.x[i] = i < 64 ? 0.0f : i < 128 ? (i % 2 ? 5.0f : -5.0f) : i < 192 ? 1e-36f : 1e30f;
  const auto weight = pack(c.type, c.bytes, c.outs, c.cols, Numerics::fast, pool);
  under_each_isa([&] {
    std::vector<float> y(4 * 16);
    linear(*weight, c.x.data(), 2, y.data(), pool);
    for (size_t o = 0; o < 16; ++o) CHECK(y[o] == 0);
    Case two = c;
    two.rows = 2;
    CHECK(two.worst({y.begin(), y.begin() + 32}, Numerics::fast) <= 1);
    linear(*weight, c.x.data(), 4, y.data(), pool);
    for (size_t o = 32; o < 48; ++o) CHECK(std::abs(y[o]) < 1e-30f);
    for (size_t o = 48; o < 64; ++o) CHECK(std::isfinite(y[o]));
    auto bad = c.x;
    bad[64] = NAN;
    linear(*weight, bad.data(), 2, y.data(), pool);
    for (size_t o = 16; o < 32; ++o) CHECK(std::isnan(y[o]));
  });
}

TEST_CASE("pack: embedding rows are the dequantized rows bit for bit") {
  Random random;
  ThreadPool pool(2);
  for (const DType type : kTypes) {
    const int64_t cols = columns_of(type, 64);
    const Case c(random, type, 37, cols, 1);
    const auto weight = pack(type, c.bytes, c.outs, c.cols, Numerics::fast, pool);
    CAPTURE(name(type));
    under_each_isa([&] {
      for (int64_t row = 0; row < c.outs; ++row) {
        std::vector<float> out(static_cast<size_t>(cols));
        embedding_row(*weight, row, out.data());
        CHECK(std::memcmp(out.data(), c.dense.data() + row * cols, out.size() * 4) == 0);
      }
    });
  }
}

TEST_CASE("pack: panels take about the file's room") {
  ThreadPool pool(1);
  for (const DType type : kTypes) {
    if (!is_block_type(type)) continue;
    const std::vector<std::byte> bytes(static_cast<size_t>(*size_bytes(type, 16 * 512)));
    const auto weight = pack(type, bytes, 16, 512, Numerics::fast, pool);
    CAPTURE(name(type));
    CHECK(static_cast<double>(weight->size_bytes()) <=
          static_cast<double>(bytes.size()) * (type == DType::q2_k ? 1.2 : 1.06));
  }
}

TEST_CASE("pack: infinite and undefined scales go into the numbers and nowhere else") {
  Random random;
  ThreadPool pool(1);
  for (const DType type : kTypes) {
    if (!is_block_type(type)) continue;
    const int64_t cols = columns_of(type, 64);
    Case c(random, type, 17, cols, 3);
    const int64_t row_bytes = static_cast<int64_t>(c.bytes.size()) / 17;
    for (const size_t at : scales_at(type))  // row 0 is damaged, the others are not
      for (int64_t b = 0; b < row_bytes; b += block_bytes(type))
        c.bytes[static_cast<size_t>(b) + at + 1] = static_cast<std::byte>(b % 2 ? 0x7c : 0xfe);
    if (type == DType::mxfp4) c.bytes[0] = std::byte{255};
    REQUIRE(dequantize(type, c.bytes, c.dense).ok());
    for (const Numerics numerics : {Numerics::exact, Numerics::fast}) {
      const auto weight = pack(type, c.bytes, c.outs, c.cols, numerics, pool);
      under_each_isa([&] {
        std::vector<float> y(3 * 17);
        linear(*weight, c.x.data(), 3, y.data(), pool);
        for (size_t r = 0; r < 3; ++r) {
          if (type != DType::mxfp4) CHECK(!std::isfinite(y[r * 17]));
          for (size_t o = 1; o < 17; ++o) CHECK(std::isfinite(y[r * 17 + o]));
        }
      });
    }
  }
}

TEST_CASE("pack_codes: scale * (code - zero), rounded as f32 does, and products within the bounds") {
  Random random;
  ThreadPool pool(2);
  for (const int bits : {4, 8})
    for (const auto& [outs, cols, group] :
         {std::array<int64_t, 3>{16, 32, 32}, {33, 288, 64}, {40, 512, 128}, {17, 96, 4096}})
      for (const int64_t rows : {1, 3, 17, 70}) {
        const int64_t groups = (cols + group - 1) / group;
        std::vector<uint8_t> codes;
        for (int64_t i = 0; i < outs * cols; ++i)
          codes.push_back(static_cast<uint8_t>(random.byte() & ((1 << bits) - 1)));
        auto scales = random.normals(outs * groups, 0.02f), zeros = scales;
        for (auto& z : zeros) z = static_cast<float>(random.byte() & ((1 << bits) - 1)) + (bits == 8 ? 1.0f : 0.25f);
        Case c(random, DType::q8_0, outs, cols, rows);  // a block type: the bounds are theirs
        for (int64_t o = 0; o < outs; ++o)
          for (int64_t i = 0; i < cols; ++i) {
            const auto at = static_cast<size_t>(o * groups + i / group);
            const volatile float apart = static_cast<float>(codes[static_cast<size_t>(o * cols + i)]) - zeros[at];
            c.dense[static_cast<size_t>(o * cols + i)] = scales[at] * apart;
          }
        for (const Numerics numerics : {Numerics::exact, Numerics::fast}) {
          const auto weight = pack_codes({outs, cols, bits, group, codes, scales, zeros}, numerics, pool);
          REQUIRE(weight.ok());
          under_each_isa([&] {
            std::vector<float> y(static_cast<size_t>(rows * outs), NAN), row(static_cast<size_t>(cols));
            linear(*weight, c.x.data(), rows, y.data(), pool);
            CHECK(c.worst(y, numerics) <= 1);
            for (int64_t o = 0; o < outs; ++o) {
              embedding_row(*weight, o, row.data());
              CHECK(std::memcmp(row.data(), c.dense.data() + o * cols, row.size() * 4) == 0);
            }
          });
        }
      }
}

TEST_CASE("pack_codes: what does not fit is refused with a reason") {
  ThreadPool pool(1);
  const std::vector<uint8_t> codes(64 * 4);
  const std::vector<float> ones(8, 1.0f);
  const auto code_of = [&](int64_t rows, int64_t cols, int bits, int64_t group) {
    return pack_codes({rows, cols, bits, group, codes, ones, ones}, Numerics::fast, pool).status().code();
  };
  CHECK(pack_codes({4, 64, 4, 32, codes, ones, ones}, Numerics::fast, pool).ok());
  CHECK(code_of(4, 64, 3, 32) == Code::bad_input);
  CHECK(code_of(4, 64, 4, 48) == Code::bad_input);
  CHECK(code_of(4, 64, 4, 64) == Code::bad_input);
  CHECK(code_of(8, 64, 4, 64) == Code::bad_input);
  CHECK(code_of(4, 63, 4, 32) == Code::bad_input);
  CHECK(code_of(INT64_MAX / 32, 64, 4, INT64_MAX / 32 * 32) == Code::bad_input);
}

TEST_CASE("pack: what it cannot take is refused with a reason") {
  ThreadPool pool(1);
  const std::vector<std::byte> bytes(34 * 4);
  CHECK(pack(DType::q8_0, bytes, 4, 32, Numerics::fast, pool).ok());
  CHECK(pack(DType::q8_0, bytes, 4, 33, Numerics::fast, pool).status().code() == Code::bad_input);
  CHECK(pack(DType::q8_0, bytes, 5, 32, Numerics::fast, pool).status().code() == Code::bad_input);
  CHECK(pack(DType::q8_0, bytes, INT64_MAX / 16, 32, Numerics::fast, pool).status().code() == Code::bad_input);
  CHECK(pack(DType::q8_0, bytes, 0, 32, Numerics::fast, pool).status().code() == Code::bad_input);
  CHECK(pack(DType::q6_k, bytes, 1, 288, Numerics::fast, pool).status().message().find("Q6_K") != std::string::npos);
  const auto unknown = pack(DType::i32, bytes, 1, 34, Numerics::fast, pool);
  CHECK(unknown.status().message().find("I32") != std::string::npos);
}

TEST_CASE("curves: activations of vectors are those of libm") {
  const std::pair<Curve, double (*)(double)> curves[] = {
      {Curve::silu, [](double x) { return x / (1 + std::exp(-x)); }},
      {Curve::gelu, [](double x) { return 0.5 * x * std::erfc(-x * M_SQRT1_2); }},
      {Curve::gelu_tanh,
       [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(M_2_PI) * (x + 0.044715 * x * x * x))); }},
      {Curve::quick_gelu, [](double x) { return x / (1 + std::exp(-1.702 * x)); }},
      {Curve::relu, [](double x) { return std::max(x, 0.0); }}};
  std::vector<float> x = {0.0f, -0.0f, 1e-30f, -1e-30f, 100, -100, 3e38f, 88.5f, -88.5f};
  for (float at = -12; at < 12; at += 0.00173f) x.push_back(at);  // a count that no vector divides
  REQUIRE(x.size() % 16 != 0);
  under_each_isa([&] {
    for (const auto& [which, exact] : curves) {
      std::vector<float> y(x.size());
      curve(which, x.data(), static_cast<int64_t>(x.size()), y.data());
      double worst = 0;
      for (size_t i = 0; i < x.size(); ++i)
        worst = std::max(worst, std::abs(y[i] - exact(x[i])) / std::max(1.0, std::abs(double{x[i]})));
      CAPTURE(static_cast<int>(which));
      CHECK(worst <= 4e-7);
      float nan = NAN;
      curve(which, &nan, 1, &nan);
      CHECK(std::isnan(nan));
    }
  });
}
