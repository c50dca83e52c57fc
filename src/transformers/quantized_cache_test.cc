// What transformers' quantized layers give back for the same keys, bit for bit, and float8 as torch rounds to it.
#include "transformers/quantized_cache.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tensor/tensor.h"

namespace hearth {
namespace {

constexpr int64_t kHeads = 2, kWidth = 8;

/// [positions, heads, width] of [heads, positions, width].
std::vector<float> rows_of(const std::vector<float>& x, int64_t positions) {
  std::vector<float> out;
  for (int64_t p = 0; p < positions; ++p)
    for (int64_t h = 0; h < kHeads; ++h)
      for (int64_t d = 0; d < kWidth; ++d) out.push_back(x[static_cast<size_t>((h * positions + p) * kWidth + d)]);
  return out;
}

std::vector<float> series(int count, int step, int modulus, float divisor) {
  std::vector<float> out;
  for (int i = 0; i < count; ++i) out.push_back(static_cast<float>(i * step % modulus - modulus / 2) / divisor);
  return out;
}

}  // namespace

TEST_CASE("quantized cache: keys come back as transformers' layers give them, bit for bit") {
  struct Case {
    QuantizedCacheConfig config;
    int64_t axis;
    float wanted[3][12];  // every fifth number, after each of three more positions
  };
  // transformers 5.23.0 QuantoQuantizedLayer (optimum-quanto 0.2.7) and Fp8QuantizedLayer, torch 2.13.0. The second
  // position fills the residual of 2: all are quantized again, which the third sees.
  const Case cases[] = {
      {{QuantizedCacheConfig::Kind::quanto, 4, 0, 0, 16, 2},
       0,
       {{-7.142857074737549f, 4.495237827301025f, 2.7047619819641113f, 0.01904773712158203f, -2.7047617435455322f,
         -4.495237827301025f, 7.142857551574707f, 2.799999952316284f, 3.5428566932678223f, 0.9428572654724121f,
         -1.6571431159973145f, -4.257143020629883f},
        {-7.142857074737549f, 4.495237827301025f, 2.7047619819641113f, 0.01904773712158203f, -2.7047617435455322f,
         -4.495237827301025f, 7.142857551574707f, 2.799999952316284f, -4.800000190734863f, 2.299999952316284f,
         -0.7904763221740723f, -3.3904762268066406f},
        {-7.142857074737549f, 4.495237827301025f, 2.7047619819641113f, 0.01904773712158203f, -2.7047617435455322f,
         -4.495237827301025f, 7.142857551574707f, 3.200000762939453f, -5.333333492279053f, 2.133333206176758f,
         -1.9500000476837158f, 1.600000023841858f}}},
      {{QuantizedCacheConfig::Kind::quanto, 2, 0, 0, 8, 2},
       0,
       {{-7.142857074737549f, 4.857142925262451f, 1.9523811340332031f, 1.9523811340332031f, -1.952380657196045f,
         -4.857142925262451f, 7.142857074737549f, 2.799999952316284f, 2.142857074737549f, 2.142857074737549f,
         -2.857142925262451f, -2.857142925262451f},
        {-7.142857074737549f, 4.857142925262451f, 1.9523811340332031f, 1.9523811340332031f, -1.952380657196045f,
         -4.857142925262451f, 7.142857074737549f, 2.799999952316284f, -4.800000190734863f, 2.299999952316284f,
         -1.8571429252624512f, -1.8571429252624512f},
        {-7.142857074737549f, 4.857142925262451f, 1.9523811340332031f, 1.9523811340332031f, -1.952380657196045f,
         -4.857142925262451f, 7.142857074737549f, 1.066666603088379f, -4.800000190734863f, 3.1999998092651367f,
         -1.9500000476837158f, 1.600000023841858f}}},
      {{QuantizedCacheConfig::Kind::quanto, 4, -1, -1, 4, 2},
       -1,
       {{-7.142857074737549f, 4.857142925262451f, 2.4285714626312256f, 0.0f, -2.4285714626312256f, -4.857142925262451f,
         7.142857551574707f, 2.799999952316284f, 3.2857143878936768f, 0.8571429252624512f, -1.5714285373687744f, -4.0f},
        {-7.142857074737549f, 4.857142925262451f, 2.4285714626312256f, 0.0f, -2.4285714626312256f, -4.857142925262451f,
         7.142857551574707f, 2.799999952316284f, -4.800000190734863f, 2.299999952316284f, -0.5714285373687744f, -3.0f},
        {-7.142857074737549f, 4.857142925262451f, 2.4285714626312256f, 0.0f, -2.4285714626312256f, -4.857142925262451f,
         7.142857551574707f, 2.7257142066955566f, -4.445714473724365f, 2.3866665363311768f, -1.9500000476837158f,
         1.600000023841858f}}},
      {{QuantizedCacheConfig::Kind::fp8, 4, 0, 0, 64, 2},
       0,
       {{-7.142857074737549f, 5.102040767669678f, 2.551020383834839f, 0.0f, -2.551020383834839f, -5.102040767669678f,
         7.142857074737549f, 2.806122303009033f, 3.31632661819458f, 0.829081654548645f, -1.5306122303009033f,
         -4.081632614135742f},
        {-7.142857074737549f, 5.102040767669678f, 2.551020383834839f, 0.0f, -2.551020383834839f, -5.102040767669678f,
         7.142857074737549f, 2.806122303009033f, -4.591836929321289f, 2.2959184646606445f, -0.5739796161651611f,
         -3.0612244606018066f},
        {-7.142857074737549f, 5.102040767669678f, 2.551020383834839f, 0.0f, -2.551020383834839f, -5.102040767669678f,
         7.142857074737549f, 2.806122303009033f, -4.591836929321289f, 2.2959184646606445f, -1.9132652282714844f,
         1.65816330909729f}}},
  };
  const auto prompt = rows_of(series(64, 37, 101, 7), 4), fresh = rows_of(series(16, 53, 97, 5), 1);
  for (const auto& c : cases) {
    QuantizedStates states(c.config, c.axis, kHeads, kWidth);
    CHECK(rows_of(states.update(prompt), 4) == prompt);  // read as it is
    for (size_t step = 0; step < 3; ++step) {
      auto rows = fresh;
      for (auto& x : rows) x /= static_cast<float>(1 << step);
      const auto all = states.update(rows);
      REQUIRE(static_cast<int64_t>(all.size()) == kHeads * kWidth * states.length());
      for (size_t i = 0; i < 12; ++i) {
        CAPTURE(step);
        CAPTURE(i);
        CHECK(all[5 * i] == c.wanted[step][i]);
      }
    }
  }
}

TEST_CASE("quantized cache: one group alone keeps its numbers, equal numbers stay what they are") {
  const auto x = series(16, 5, 31, 3);
  std::vector<float> out(16);
  GroupQuantized::of(x, kWidth, 4, 0, 16).to_floats(out);
  CHECK(out == x);
  const std::vector<float> alike(16, 0.7f);
  GroupQuantized::of(alike, kWidth, 2, 0, 8).to_floats(out);
  CHECK(out == alike);
}

TEST_CASE("quantized cache: it holds a fraction of f32, and a pass that was not ended leaves it as it was") {
  QuantizedLayers cache({}, 2, 2, 64);
  const auto rows = series(10 * 2 * 64, 37, 101, 7), other = series(2 * 64, 53, 97, 5);
  for (size_t layer = 0; layer < 2; ++layer) cache.update(layer, rows, rows);
  cache.commit();
  CHECK(cache.size_bytes() ==
        4 * 10 * 2 * (64 / 2 + 2 * 4));  // 2 layers, keys and values; f32 has 64 * 4 for each head
  const auto before = cache.update(0, other, other).k;
  CHECK(cache.update(0, other, other).k == before);
  for (size_t layer = 0; layer < 2; ++layer) cache.update(layer, other, other);
  cache.commit();
  CHECK(cache.update(0, other, other).k.size() == before.size() + 2 * 64);
  cache.clear();
  CHECK(cache.size_bytes() == 0);
}

TEST_CASE("float8: rounds and reads as torch does") {
  const float values[] = {0.0f,
                          -0.0f,
                          0.0010000000474974513f,
                          0.0009765625f,
                          0.0020000000949949026f,
                          0.017500000074505806f,
                          1.059999942779541f,
                          1.0625f,
                          1.1875f,
                          -3.299999952316284f,
                          447.0f,
                          464.0f,
                          464.1000061035156f,
                          500.0f,
                          -1e9f,
                          0.0008999999845400453f};
  const int codes[] = {0, 128, 1, 0, 1, 9, 56, 56, 58, 197, 126, 126, 126, 126, 254, 0};
  for (size_t i = 0; i < std::size(values); ++i) CHECK(to_float8(values[i]) == codes[i]);
  for (int code = 0; code < 256; ++code) {
    const auto value = from_float8(static_cast<uint8_t>(code));
    if ((code & 0x7F) == 0x7F)
      CHECK(std::isnan(value));
    else
      CHECK(to_float8(value) == code);
  }
  CHECK(from_float8(0x7E) == 448);
  CHECK(from_float8(0x01) == 0.001953125f);
}

TEST_CASE("quantized cache: what cannot be is refused with its reason") {
  const auto refused = [](std::string_view json) {
    const auto made = QuantizedCacheConfig::from(*Json::parse(json));
    return made.ok() ? std::string() : std::string(made.status().message());
  };
  CHECK(refused("null").empty());
  CHECK(refused(R"({"backend": "quanto", "nbits": 2, "axis_key": -1, "q_group_size": 32, "residual_length": 0})")
            .empty());
  CHECK(refused(R"({"backend": "fp8"})").empty());
  CHECK(refused(R"({"backend": "hqq"})").starts_with("cache_config.backend 'hqq' is not offered"));
  CHECK(refused(R"({"backend": "other"})") == R"(cache_config.backend is "other", not quanto or fp8)");
  CHECK(refused(R"({"nbits": 8})") == "cache_config.nbits is 8, not 2 or 4");
  CHECK(refused(R"({"axis_value": 1})") == "cache_config.axis_value is 1, not 0 or -1");
  CHECK(refused(R"({"q_group_size": 0})") == "cache_config.q_group_size is 0, not at least 1");
  CHECK(refused(R"({"backend": "fp8", "nbits": 4})").starts_with("cache_config.nbits: the backend fp8"));
  CHECK(refused(R"({"bits": 4})").starts_with("cache_config has no 'bits'"));
  CHECK(refused("[]") == "cache_config is [], not an object");
  QuantizedStates states({.q_group_size = 24}, 0, kHeads, kWidth);
  CHECK_THROWS_AS(states.update(std::vector<float>(16)), ShapeError);
}

}  // namespace hearth
