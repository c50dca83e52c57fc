// The native backend's operations beside the formulas they stand for, written out plainly.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "base/files.h"
#include "safetensors/safetensors.h"
#include "tensor/params.h"

namespace hearth {
namespace {

std::vector<float> random_values(int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(static_cast<size_t>(count));
  for (auto& value : out) value = normal(random);
  return out;
}

Tensor random_tensor(const Shape& shape, uint64_t seed) {
  return native_backend().from_host(random_values(shape.numel(), seed), shape);
}

/// A matrix [rows, cols] whose values outlive the store.
WeightSource source(std::string name, const Shape& shape, uint64_t seed) {
  auto values = std::make_shared<std::vector<float>>(random_values(shape.numel(), seed));
  const auto bytes = std::as_bytes(std::span<const float>(*values));
  return {.name = std::move(name), .dtype = DType::f32, .shape = shape, .data = bytes, .owner = values};
}

std::vector<double> product(const std::vector<float>& x, const std::vector<float>& w, size_t rows, size_t cols,
                            size_t outputs) {
  std::vector<double> out(rows * outputs);
  for (size_t r = 0; r < rows; ++r)
    for (size_t o = 0; o < outputs; ++o)
      for (size_t i = 0; i < cols; ++i) out[r * outputs + o] += double(x[r * cols + i]) * double(w[o * cols + i]);
  return out;
}

std::vector<float> normed(std::vector<float> x, const std::vector<float>& weight, double eps) {
  const auto cols = weight.size();
  for (size_t r = 0; r < x.size() / cols; ++r) {
    double sum = 0;
    for (size_t i = 0; i < cols; ++i) sum += double(x[r * cols + i]) * double(x[r * cols + i]);
    const double scale = 1 / std::sqrt(sum / static_cast<double>(cols) + eps);
    for (size_t i = 0; i < cols; ++i)
      x[r * cols + i] = static_cast<float>(double(x[r * cols + i]) * scale * double(weight[i]));
  }
  return x;
}

template <class T>
void check_close(const std::vector<float>& ours, const std::vector<T>& theirs, double tolerance = 2e-5) {
  REQUIRE(ours.size() == theirs.size());
  double largest = 1e-9;
  for (const auto value : theirs) largest = std::max(largest, std::abs(double(value)));
  for (size_t i = 0; i < ours.size(); ++i) CHECK(std::abs(double(ours[i]) - double(theirs[i])) <= tolerance * largest);
}

}  // namespace

TEST_CASE("native: projections share one norm, bias and residual are added") {
  const size_t rows = 3, cols = 40, a_rows = 24, b_rows = 7;
  ParamStore store(native_backend(), {});
  const Shape a_shape{24, 40}, b_shape{7, 40}, bias_shape{24}, norm_shape{40};
  store.set(source("a.weight", a_shape, 1));
  store.set(source("a.bias", bias_shape, 2));
  store.set(source("b.weight", b_shape, 3));
  store.set(source("norm.weight", norm_shape, 4));
  const Params p(store);
  const Linear a(p / "a", 40, 24, Bias::present), b(p / "b", 40, 7);
  const RMSNorm norm(p / "norm", 40, 1e-5);
  REQUIRE(store.finish().ok());

  const auto x = random_values(rows * cols, 5);
  const auto input = native_backend().from_host(x, {3, 40});
  const auto n = normed(x, random_values(cols, 4), 1e-5);
  check_close(to_vector(norm(input)), n);

  auto want_a = product(n, random_values(a_rows * cols, 1), rows, cols, a_rows);
  const auto bias = random_values(a_rows, 2);
  for (size_t i = 0; i < want_a.size(); ++i) want_a[i] += double(bias[i % a_rows]);
  const auto [ya, yb] = project(norm, input, a, b);
  check_close(to_vector(ya), want_a);
  check_close(to_vector(yb), product(n, random_values(b_rows * cols, 3), rows, cols, b_rows));

  const auto residual = random_values(rows * b_rows, 6);
  auto want_sum = product(x, random_values(b_rows * cols, 3), rows, cols, b_rows);
  for (size_t i = 0; i < want_sum.size(); ++i) want_sum[i] += double(residual[i]);
  const auto kept = native_backend().from_host(residual, {3, 7});
  check_close(to_vector(b.add_to(kept, input)), want_sum);
  check_close(to_vector(kept), residual, 0);  // somebody else still holds it: not written into
}

/// How many of the pages wholly inside `bytes` this process holds. Source: proc_pid_pagemap(5), bit 63.
int64_t pages_held(std::span<const std::byte> bytes) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
  const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  REQUIRE(pagemap >= 0);
  int64_t out = 0;
  for (auto at = (begin + page - 1) / page; (at + 1) * page <= begin + bytes.size(); ++at) {
    uint64_t entry = 0;
    REQUIRE(::pread(pagemap, &entry, sizeof entry, static_cast<off_t>(at * sizeof entry)) == sizeof entry);
    out += static_cast<int64_t>(entry >> 63);
  }
  ::close(pagemap);
  return out;
}

TEST_CASE("native: weights of a file leave memory where they were packed, or read for the only time") {
  const TempFolder folder;
  const auto path = path_join(folder.path(), "model.safetensors");
  const auto values = random_values(256 * 256, 1);
  const SafetensorsEntryView entries[] = {{"w.weight", DType::f32, {256, 256}, std::as_bytes(std::span(values))}};
  REQUIRE(write_safetensors(path, entries).ok());
  const auto file = Weights::open(path);
  REQUIRE(file.ok());
  const auto& stored = *(*file)->find("w.weight");
  const WeightSource borrowed{
      .name = "w.weight", .dtype = DType::f32, .shape = {256, 256}, .data = stored.data, .owner = *file, .file = *file};
  const auto x = random_tensor({3, 256}, 2);
  const auto want = product(random_values(3 * 256, 2), values, 3, 256, 256);

  for (const bool read_once : {false, true}) {
    ParamStore store(native_backend(), {.read_once = read_once});
    store.set(borrowed);
    const Linear linear(Params(store) / "w", 256, 256);
    REQUIRE(store.finish().ok());
    for (int pass = 0; pass < 2; ++pass) {
      check_close(to_vector(linear(x)), want);
      CHECK((pages_held(stored.data) == 0) == read_once);
    }
  }
  CHECK(pages_held(stored.data) == 0);

  ParamStore store(native_backend(), {});
  store.set(borrowed);
  const auto transposed = store.matrix("w.weight", 256, 256, {.is_transposed = true});
  REQUIRE(transposed != nullptr);
  CHECK(pages_held(stored.data) == 0);
  CHECK(std::ranges::equal(std::as_bytes(std::span(values)), stored.data));  // the file's, read again

  const auto kept = std::make_shared<std::vector<std::byte>>(1 << 16, std::byte{7});
  (*file)->forget(*kept);
  CHECK(std::ranges::all_of(*kept, [](std::byte b) { return b == std::byte{7}; }));
}

TEST_CASE("native: gated MLP for every activation") {
  const auto gelu_tanh = [](double v) {
    return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
  };
  const std::pair<Activation, std::function<double(double)>> cases[] = {
      {Activation::silu, [](double v) { return v / (1 + std::exp(-v)); }},
      {Activation::gelu, [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); }},
      {Activation::gelu_tanh, gelu_tanh},
      {Activation::quick_gelu, [](double v) { return v / (1 + std::exp(-1.702 * v)); }},
      {Activation::relu, [](double v) { return std::max(v, 0.0); }}};
  const size_t rows = 2, cols = 32, inner = 48;
  ParamStore store(native_backend(), {});
  store.set(source("gate.weight", {48, 32}, 1));
  store.set(source("up.weight", {48, 32}, 2));
  store.set(source("down.weight", {32, 48}, 3));
  store.set(source("norm.weight", {32}, 4));
  const Params p(store);
  const Linear gate(p / "gate", 32, 48), up(p / "up", 32, 48), down(p / "down", 48, 32);
  const RMSNorm norm(p / "norm", 32, 1e-6);
  const auto x = random_values(rows * cols, 5);
  const auto n = normed(x, random_values(cols, 4), 1e-6);
  for (const auto& [act, f] : cases) {
    const auto g = product(n, random_values(inner * cols, 1), rows, cols, inner);
    const auto u = product(n, random_values(inner * cols, 2), rows, cols, inner);
    std::vector<float> h(g.size());
    for (size_t i = 0; i < h.size(); ++i) h[i] = static_cast<float>(f(g[i]) * u[i]);
    auto want = product(h, random_values(cols * inner, 3), rows, inner, cols);
    for (size_t i = 0; i < want.size(); ++i) want[i] += double(x[i]);
    check_close(to_vector(gated_mlp(native_backend().from_host(x, {2, 32}), norm, act, gate, up, down)), want, 5e-5);
  }
}

TEST_CASE("native: rope turns halves of the rotated part and leaves the rest") {
  const int64_t rows = 2, heads = 3, dim = 8, half = 2;
  const auto x = random_values(rows * heads * dim, 1);
  const auto cos = random_values(rows * half, 2), sin = random_values(rows * half, 3);
  auto want = x;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < half; ++i) {
        const auto at = static_cast<size_t>((r * heads + h) * dim + i), angle = static_cast<size_t>(r * half + i);
        want[at] = x[at] * cos[angle] - x[at + 2] * sin[angle];
        want[at + 2] = x[at + 2] * cos[angle] + x[at] * sin[angle];
      }
  const auto& native = native_backend();
  const auto kept = native.from_host(x, {rows, heads, dim});
  check_close(to_vector(native.rope(kept, native.from_host(cos, {rows, half}), native.from_host(sin, {rows, half}))),
              want);
  check_close(to_vector(kept), x, 0);
}

TEST_CASE("native: attention reads each row's own cache, causally, with grouped heads") {
  const auto& native = native_backend();
  const int64_t heads = 4, kv_heads = 2, dim = 8;
  const auto pool = KvPool::make({.layers = 1, .kv_heads = kv_heads, .head_dim = dim}, DType::f32);
  // One sequence with 5 keys of which 3 are new, another with 4 of which 1 is new.
  const std::pair<int64_t, int64_t> lengths[] = {{5, 3}, {4, 1}};
  const auto q = random_tensor({4, heads, dim}, 1);
  std::vector<AttentionSequence> sequences;
  std::vector<std::vector<float>> keys, values;
  const std::shared_ptr<KvPage> pages[] = {*pool->take(native), *pool->take(native)};
  int64_t row = 0;
  for (const auto& [count, fresh] : lengths) {
    const auto k = random_tensor({count, kv_heads, dim}, 10 + static_cast<uint64_t>(row));
    const auto v = random_tensor({count, kv_heads, dim}, 20 + static_cast<uint64_t>(row));
    const KvPagesView held{{&pages[sequences.size()], 1}};
    const AttentionSequence s{row, fresh, {}, {}, count, {}, held};
    native.kv_write(held, 0, k, v, 0, 2);  // in two pieces
    native.kv_write(held, 2, k, v, 2, count - 2);
    keys.push_back(to_vector(k));
    values.push_back(to_vector(v));
    sequences.push_back(s);
    row += fresh;
  }
  const auto queries = to_vector(q);
  std::vector<double> want(static_cast<size_t>(4 * heads * dim));
  row = 0;
  for (size_t n = 0; n < 2; ++n) {
    const auto [count, fresh] = lengths[n];
    for (int64_t t = 0; t < fresh; ++t, ++row)
      for (int64_t h = 0; h < heads; ++h) {
        const auto seen = count - fresh + t + 1, kv = h / (heads / kv_heads);
        std::vector<double> p;
        double sum = 0;
        for (int64_t j = 0; j < seen; ++j) {
          double score = 0;
          for (int64_t i = 0; i < dim; ++i)
            score += double(queries[static_cast<size_t>((row * heads + h) * dim + i)]) *
                     double(keys[n][static_cast<size_t>((j * kv_heads + kv) * dim + i)]);
          p.push_back(std::exp(score / std::sqrt(double(dim))));
          sum += p.back();
        }
        for (int64_t j = 0; j < seen; ++j)
          for (int64_t i = 0; i < dim; ++i)
            want[static_cast<size_t>((row * heads + h) * dim + i)] +=
                p[static_cast<size_t>(j)] / sum * double(values[n][static_cast<size_t>((j * kv_heads + kv) * dim + i)]);
      }
  }
  check_close(to_vector(attention(q, sequences)), want);
}

TEST_CASE("native: softmax, index_select, views and argmax") {
  const auto& native = native_backend();
  const auto x = native.from_host(std::vector<float>{0, 1000, 1000, -5, 0, 5}, {2, 3});
  const auto p = to_vector(softmax(x));
  CHECK(p[0] == 0);
  CHECK(p[1] == doctest::Approx(0.5));
  CHECK(p[5] == doctest::Approx(std::exp(5.0) / (std::exp(5.0) + 1 + std::exp(-5.0))));
  const std::vector<int64_t> rows{1, 0, 1};
  CHECK(to_vector(index_select(x, rows)) == std::vector<float>{-5, 0, 5, 0, 1000, 1000, -5, 0, 5});
  CHECK(to_vector(x.narrow(0, 1, 1)) == std::vector<float>{-5, 0, 5});
  CHECK(argmax(to_vector(x)) == 1);  // the first of equals
  CHECK(x.view({3, -1}).shape() == Shape{3, 2});
}

TEST_CASE("native: wrong shapes throw ShapeError") {
  const auto& native = native_backend();
  const auto a = random_tensor({2, 3}, 1), b = random_tensor({3, 2}, 2);
  CHECK_THROWS_AS(add(a, b), ShapeError);
  CHECK_THROWS_AS(static_cast<void>(a.view({4, 2})), ShapeError);
  CHECK_THROWS_AS(static_cast<void>(a.narrow(0, 1, 2)), ShapeError);
  CHECK_THROWS_AS(static_cast<void>(to_vector(a.narrow(1, 0, 2))), ShapeError);  // not dense
  const std::shared_ptr<KvPage> page[] = {
      *KvPool::make({.layers = 2, .kv_heads = 1, .head_dim = 8}, DType::f32)->take(native)};
  const auto rows = random_tensor({2, 1, 8}, 3), wide = random_tensor({2, 1, 9}, 3), q = random_tensor({1, 1, 8}, 4);
  CHECK_THROWS_AS(native.kv_write({page, 1}, 63, rows, rows, 0, 2), ShapeError);  // behind the last page
  CHECK_THROWS_AS(native.kv_write({page, 2}, 0, rows, rows, 0, 2), ShapeError);   // no such layer
  CHECK_THROWS_AS(native.kv_write({page, 1}, 0, rows, wide, 0, 2), ShapeError);
  CHECK_THROWS_AS(native.kv_write({page, 1}, 0, rows, rows, 1, 2), ShapeError);
  const AttentionSequence beyond[] = {{0, 1, {}, {}, 65, {}, {page, 1}}};
  CHECK_THROWS_AS(attention(q, beyond), ShapeError);
  ParamStore store(native, {});
  store.set(source("e.weight", {5, 8}, 4));
  const Embedding embedding(Params(store) / "e", 5, 8);
  const std::vector<int32_t> ids{1, 5};
  CHECK_THROWS_AS(embedding(ids), ShapeError);
}

TEST_CASE("params: every fault of a checkpoint is named") {
  ParamStore store(native_backend(), {});
  store.set(source("a.weight", {4, 8}, 1));
  store.set(source("left.over", {4}, 2));
  const Linear wrong(Params(store) / "a", 8, 5), absent(Params(store) / "b" / 3, 8, 4);
  const auto text = store.finish().message();
  CHECK(text.find("missing tensors: b.3.weight") != std::string::npos);
  CHECK(text.find("a.weight is [4, 8], the configuration asks for [5, 8]") != std::string::npos);
  CHECK(text.find("no place for: left.over") != std::string::npos);
}

TEST_CASE("params: tied weights are one tensor under any of their names, and two where the file has two") {
  const auto weights = [](std::vector<std::pair<const char*, int>> rows) {
    ParamStore store(native_backend(), {});
    for (const auto& [name, seed] : rows) store.set(source(name, {4, 8}, seed));
    store.tie("head", "shared");
    store.tie("decoder", "shared");
    std::vector<std::shared_ptr<const Weight>> out;
    for (const auto name : {"head", "shared", "decoder"}) out.push_back(store.matrix(name, 4, 8));
    CHECK(store.finish().ok());
    return out;
  };
  for (const auto name : {"head", "shared", "decoder"}) {
    const auto one = weights({{name, 1}});
    CHECK(one[0] == one[1]);
    CHECK(one[1] == one[2]);
  }
  const auto equal = weights({{"shared", 1}, {"head", 1}});
  CHECK(equal[0] == equal[1]);
  const auto different = weights({{"shared", 1}, {"head", 2}});
  CHECK(different[0] != different[1]);
  CHECK(different[1] == different[2]);
}

TEST_CASE("native: matmul_nt multiplies matrix by matrix, views too") {
  const auto a = random_tensor({5, 2, 7}, 1), b = random_tensor({2, 3, 7}, 2);
  const auto made = to_vector(matmul_nt(a.transpose(0, 1), b));
  const auto x = to_vector(a), y = to_vector(b);
  std::vector<double> want;
  for (size_t i = 0; i < 2; ++i)
    for (size_t m = 0; m < 5; ++m)
      for (size_t n = 0; n < 3; ++n) {
        double sum = 0;
        for (size_t k = 0; k < 7; ++k) sum += double(x[(m * 2 + i) * 7 + k]) * double(y[(i * 3 + n) * 7 + k]);
        want.push_back(sum);
      }
  check_close(made, want);
  CHECK_THROWS_AS(matmul_nt(a, b), ShapeError);
}

TEST_CASE("native: gather picks places of each row in every matrix") {
  const std::vector<float> values{0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112};
  const auto x = native_backend().from_host(values, {2, 2, 3});
  const std::vector<int32_t> index{2, 0, 0, 1};
  CHECK(to_vector(gather(x, index, 2)) == std::vector<float>{2, 0, 10, 11, 102, 100, 110, 111});
  const std::vector<int32_t> outside{2, 0, 0, 3};
  CHECK_THROWS_AS(gather(x, outside, 2), ShapeError);
  CHECK_THROWS_AS(gather(x, index, 3), ShapeError);
}

TEST_CASE("native: cat lays tensors along any dimension") {
  const std::vector<float> ab{1, 2, 3, 4}, cd{5, 6, 7, 8};
  const auto a = native_backend().from_host(ab, {2, 2}), b = native_backend().from_host(cd, {2, 2});
  CHECK(to_vector(cat({a, b}, 0)) == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(to_vector(cat({a, b}, -1)) == std::vector<float>{1, 2, 5, 6, 3, 4, 7, 8});
  CHECK_THROWS_AS(cat({a, b.narrow(1, 0, 1)}, 0), ShapeError);
}

}  // namespace hearth
