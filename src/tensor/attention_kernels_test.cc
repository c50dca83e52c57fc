#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tensor/linear_kernels.h"

using namespace hearth;
using namespace hearth::kernels;

namespace {

std::vector<float> normals(int64_t count, unsigned seed, float width = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, width);
  std::vector<float> out(static_cast<size_t>(count));
  for (auto& x : out) x = normal(engine);
  return out;
}

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

/// softmax(softcap(q k^T scale) + bias) v over the keys in the window, in double precision, one query row at a time.
std::vector<double> plain_attention(const Attention& a) {
  std::vector<double> out(static_cast<size_t>(a.query_count * a.heads * a.head_dim));
  for (int64_t t = 0; t < a.query_count; ++t)
    for (int64_t h = 0; h < a.heads; ++h) {
      const int64_t seen = a.causal ? a.key_count - a.query_count + t + 1 : a.key_count;
      const int64_t head = h / (a.heads / a.kv_heads) * a.kv_head_stride;
      const float* q = a.q + t * a.heads * a.head_dim + h * a.head_dim;
      std::vector<double> score(static_cast<size_t>(seen));
      double maximum = -INFINITY, total = 0;
      for (int64_t p = 0; p < seen; ++p) {
        double s = 0;
        for (int64_t d = 0; d < a.head_dim; ++d) s += static_cast<double>(q[d]) * a.k[head + p * a.kv_stride + d];
        s *= a.scale != 0 ? a.scale : 1 / std::sqrt(static_cast<double>(a.head_dim));
        if (a.softcap > 0) s = std::tanh(s / a.softcap) * a.softcap;
        if (a.bias != nullptr) s += a.bias[h * a.bias_head_stride + t * a.bias_row_stride + p];
        const int64_t apart = a.key_count - a.query_count + t - p;
        if (a.window > 0 && std::abs(apart) >= a.window) s = -INFINITY;
        maximum = std::max(maximum, score[static_cast<size_t>(p)] = s);
      }
      for (auto& s : score) total += s = std::exp(s - maximum);
      for (int64_t d = 0; d < a.head_dim; ++d) {
        double sum = 0;
        for (int64_t p = 0; p < seen; ++p) sum += score[static_cast<size_t>(p)] * a.v[head + p * a.kv_stride + d];
        out[static_cast<size_t>((t * a.heads + h) * a.head_dim + d)] = sum / total;
      }
    }
  return out;
}

/// `out`: where `a` writes.
void check_against_plain(const Attention& a, std::vector<float>& out, ThreadPool& pool) {
  CAPTURE(a.query_count);
  CAPTURE(a.key_count);
  CAPTURE(a.head_dim);
  CAPTURE(a.window);
  const auto wanted = plain_attention(a);
  under_each_isa([&] {
    std::fill(out.begin(), out.end(), NAN);
    attention({&a, 1}, pool);
    double worst = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      const double error = std::abs(out[i] - wanted[i]);
      worst = error <= worst ? worst : error;
    }
    CHECK(worst < 2e-5);  // f32 scores of size 30 round by 2e-6, values are of size 1
  });
}

}  // namespace

TEST_CASE("attention: equals the plain formula for one and many queries, grouped heads, every head size") {
  struct Shape {
    int64_t queries, keys, heads, kv_heads, head_dim;
    bool causal;
  };
  const Shape shapes[] = {{1, 1, 9, 3, 64, true},    {1, 300, 9, 3, 64, true},   {1, 1000, 4, 4, 80, true},
                          {3, 70, 9, 3, 64, true},   {5, 5, 2, 1, 8, true},      {16, 16, 4, 2, 16, true},
                          {17, 90, 6, 2, 20, true},  {130, 130, 9, 3, 64, true}, {64, 200, 9, 3, 128, true},
                          {70, 70, 71, 1, 8, false}, {1, 65, 60, 1, 33, false},  {33, 64, 3, 3, 256, false}};
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const Shape& s : shapes) {
      const int64_t stride = s.kv_heads * s.head_dim + 3;  // position-major cache with room between positions
      // Scores far apart make the running maximum move.
      const auto q = normals(s.queries * s.heads * s.head_dim, 1, 2), k = normals(s.keys * stride, 2, 2),
                 v = normals(s.keys * stride, 3);
      std::vector<float> out(q.size());
      const Attention a{.q = q.data(),
                        .k = k.data(),
                        .v = v.data(),
                        .out = out.data(),
                        .query_count = s.queries,
                        .key_count = s.keys,
                        .heads = s.heads,
                        .kv_heads = s.kv_heads,
                        .head_dim = s.head_dim,
                        .kv_stride = stride,
                        .kv_head_stride = s.head_dim,
                        .causal = s.causal};
      check_against_plain(a, out, pool);
    }
  }
}

TEST_CASE("attention: a batch of unlike sequences equals each alone") {
  ThreadPool pool(2);
  const int64_t heads = 6, kv_heads = 2, dim = 32;
  std::vector<std::vector<float>> buffers;
  std::vector<Attention> batch;
  std::vector<std::vector<float>> outs(4), alone(4);
  const int64_t lengths[][2] = {{1, 513}, {40, 40}, {1, 7}, {2, 900}};
  for (unsigned i = 0; i < 4; ++i) {
    const auto [queries, keys] = lengths[i];
    outs[i].resize(static_cast<size_t>(queries * heads * dim));
    buffers.push_back(normals(queries * heads * dim, 10 + i));
    buffers.push_back(normals(kv_heads * keys * dim, 20 + i));
    buffers.push_back(normals(kv_heads * keys * dim, 30 + i));
    batch.push_back({.q = buffers[3 * i].data(),
                     .k = buffers[3 * i + 1].data(),
                     .v = buffers[3 * i + 2].data(),
                     .out = outs[i].data(),
                     .query_count = queries,
                     .key_count = keys,
                     .heads = heads,
                     .kv_heads = kv_heads,
                     .head_dim = dim});
    attention({&batch[i], 1}, pool);
    alone[i] = outs[i];
    std::fill(outs[i].begin(), outs[i].end(), NAN);
  }
  attention(batch, pool);
  for (size_t i = 0; i < 4; ++i) CHECK(outs[i] == alone[i]);
}

TEST_CASE("argmax is the first of the largest, at every length and place") {
  under_each_isa([] {
    for (const int64_t n : {1, 15, 16, 17, 64, 255, 256, 257, 319, 1000}) {
      std::vector<float> x(static_cast<size_t>(n), -INFINITY);
      CHECK(argmax(x.data(), n) == 0);
      for (int64_t at = n - 1; at >= 0; at -= std::max<int64_t>(1, n / 40)) {
        x[static_cast<size_t>(at)] = 3;  // what stands behind it equals it
        CHECK(argmax(x.data(), n) == at);
      }
      x[static_cast<size_t>(n / 2)] = 4;
      CHECK(argmax(x.data(), n) == n / 2);
    }
  });
}

TEST_CASE("rms_norm, rope and silu_mul equal their formulas at every length") {
  under_each_isa([&] {
    for (const int64_t n : {1, 15, 16, 17, 64, 100, 576}) {
      const auto x = normals(n, 4, 8), w = normals(n, 5);
      std::vector<float> out(static_cast<size_t>(n));
      rms_norm(x.data(), w.data(), 1e-5f, 1, n, out.data());
      double squares = 0;
      for (const float v : x) squares += static_cast<double>(v) * v;
      const double scale = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
      for (size_t i = 0; i < out.size(); ++i)
        CHECK(std::abs(out[i] - x[i] * scale * w[i]) <= 1e-6 * std::abs(x[i] * scale * w[i]));
      silu_mul(x.data(), w.data(), n, out.data());
      for (size_t i = 0; i < out.size(); ++i) {
        const double wanted = x[i] / (1 + std::exp(-static_cast<double>(x[i]))) * w[i];
        CHECK(std::abs(out[i] - wanted) <= 1e-6 * std::abs(wanted));
      }
    }
    const float ends[] = {-200.0f, -90.0f, 90.0f, 200.0f}, ones[] = {1, 1, 1, 1};
    float out[4];
    silu_mul(ends, ones, 4, out);
    CHECK(std::abs(out[0]) < 1e-30f);
    CHECK(std::abs(out[1]) < 1e-30f);
    CHECK(out[2] == 90.0f);
    CHECK(out[3] == 200.0f);
    for (const int64_t dim : {2, 8, 20, 32, 64, 80}) {
      auto x = normals(3 * dim, 6);
      const auto before = x, angles = normals(dim / 2, 7, 3);
      std::vector<float> cos, sin;
      for (const float a : angles) cos.push_back(std::cos(a)), sin.push_back(std::sin(a));
      rope(x.data(), 3, dim, cos.data(), sin.data());
      for (int64_t h = 0; h < 3; ++h)
        for (int64_t i = 0; i < dim / 2; ++i) {
          const double a = before[static_cast<size_t>(h * dim + i)],
                       b = before[static_cast<size_t>(h * dim + dim / 2 + i)];
          const double c = cos[static_cast<size_t>(i)], s = sin[static_cast<size_t>(i)];
          CHECK(x[static_cast<size_t>(h * dim + i)] == doctest::Approx(a * c - b * s).epsilon(1e-5));
          CHECK(x[static_cast<size_t>(h * dim + dim / 2 + i)] == doctest::Approx(b * c + a * s).epsilon(1e-5));
        }
    }
  });
}

TEST_CASE("attention: windows, capped scores and biases equal the plain formula") {
  struct Kind {
    int64_t queries, keys, window;
    bool causal;
    float softcap;
    bool has_bias;
  };
  // Windows shorter and longer than a tile of keys and than the piece that one thread takes of a long cache.
  const Kind kinds[] = {
      {130, 130, 5, true, 0, false},   {130, 130, 100, true, 0, false}, {1, 700, 90, true, 0, false},
      {1, 700, 5, true, 20, false},    {3, 400, 70, true, 0, true},     {150, 150, 40, false, 0, false},
      {90, 90, 3, false, 0, true},     {70, 200, 0, true, 5, true},     {140, 140, 0, false, 0, true},
      {20, 20, 400, false, 30, false}, {64, 300, 64, true, 0, true}};
  constexpr int64_t kHeads = 6, kKvHeads = 2, kHeadDim = 24;
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const Kind& kind : kinds) {
      const auto q = normals(kind.queries * kHeads * kHeadDim, 1, 2),
                 k = normals(kind.keys * kKvHeads * kHeadDim, 2, 2), v = normals(kind.keys * kKvHeads * kHeadDim, 3),
                 bias = normals(kHeads * kind.queries * kind.keys, 4, 3);
      std::vector<float> out(q.size());
      const Attention a{.q = q.data(),
                        .k = k.data(),
                        .v = v.data(),
                        .out = out.data(),
                        .query_count = kind.queries,
                        .key_count = kind.keys,
                        .heads = kHeads,
                        .kv_heads = kKvHeads,
                        .head_dim = kHeadDim,
                        .kv_stride = kHeadDim,
                        .kv_head_stride = kind.keys * kHeadDim,
                        .causal = kind.causal,
                        .window = kind.window,
                        .softcap = kind.softcap,
                        .bias = kind.has_bias ? bias.data() : nullptr,
                        .bias_head_stride = kind.queries * kind.keys,
                        .bias_row_stride = kind.keys};
      check_against_plain(a, out, pool);
    }
  }
}
