// Speed of the native kernels at SmolLM2-135M's shapes: weight bytes and arithmetic per second, and the memory's own.
// Usage: build/bin/bench_kernels [THREADS] [plain|avx2|avx512] [whole: the model rows alone]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "safetensors/dtype.h"
#include "tensor/linear_kernels.h"

using namespace hearth;
using namespace hearth::kernels;

namespace {

/// Median seconds of one call, over at least 0.15 s.
template <class F>
double seconds(F call) {
  using clock = std::chrono::steady_clock;
  call();
  std::vector<double> times;
  const auto begin = clock::now();
  while (times.size() < 5 || std::chrono::duration<double>(clock::now() - begin).count() < 0.15) {
    const auto before = clock::now();
    call();
    times.push_back(std::chrono::duration<double>(clock::now() - before).count());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<long>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

std::vector<std::byte> weight_bytes(DType type, int64_t elements) {
  std::mt19937 engine(1);
  std::vector<std::byte> out(static_cast<size_t>(*size_bytes(type, elements)));
  for (auto& b : out) b = static_cast<std::byte>(engine() & 0x1f);  // small numbers in every format
  return out;
}

void product(DType type, int64_t outs, int64_t cols, Numerics numerics, ThreadPool& pool) {
  const auto bytes = weight_bytes(type, outs * cols);
  // As many copies as leave the last-level cache: a model's layers are read one after the other.
  const int64_t copies = std::max<int64_t>(1, (96 << 20) / static_cast<int64_t>(bytes.size()));
  std::vector<PackedWeight> weights;
  for (int64_t i = 0; i < copies; ++i) weights.push_back(*pack(type, bytes, outs, cols, numerics, pool));
  std::vector<float> x(static_cast<size_t>(512 * cols), 0.5f), y(static_cast<size_t>(512 * outs));
  std::printf("%-6s %-5s %6lld x %-5lld", name(type).data(), numerics == Numerics::fast ? "fast" : "exact",
              static_cast<long long>(outs), static_cast<long long>(cols));
  size_t next = 0;
  for (const int64_t rows : {1, 4, 8, 32, 64, 512}) {
    if (rows == 512 && outs > 4096) break;
    const double s = seconds([&] { linear(weights[next++ % weights.size()], x.data(), rows, y.data(), pool); });
    const double work = static_cast<double>(outs * cols);
    std::printf("  | %4lld: %8.1f us %6.1f GB/s %7.1f GFLOP/s", static_cast<long long>(rows), s * 1e6,
                static_cast<double>(weights[0].size_bytes()) / s * 1e-9,
                2 * work * static_cast<double>(rows) / s * 1e-9);
  }
  std::printf("\n");
}

void attend(int64_t queries, int64_t keys, ThreadPool& pool) {
  const int64_t heads = 9, kv_heads = 3, dim = 64;
  std::vector<float> q(static_cast<size_t>(queries * heads * dim), 0.1f),
      k(static_cast<size_t>(keys * kv_heads * dim), 0.1f), v = k, out(q.size());
  const Attention a{.q = q.data(),
                    .k = k.data(),
                    .v = v.data(),
                    .out = out.data(),
                    .query_count = queries,
                    .key_count = keys,
                    .heads = heads,
                    .kv_heads = kv_heads,
                    .head_dim = dim};
  const double s = seconds([&] { attention({&a, 1}, pool); });
  const double pairs =
      static_cast<double>(queries) * (static_cast<double>(keys) - static_cast<double>(queries - 1) / 2);
  std::printf("attention %4lld queries %5lld keys: %8.1f us %7.1f GFLOP/s\n", static_cast<long long>(queries),
              static_cast<long long>(keys), s * 1e6, 4 * pairs * heads * dim / s * 1e-9);
}

void memory(ThreadPool& pool) {
  std::vector<uint64_t> data(32 << 20, 1);  // 256 MiB
  std::vector<uint64_t> sums(64);
  const double s = seconds([&] {
    pool.parallel_for(256, 1, [&](int64_t begin, int64_t) {
      const uint64_t* p = data.data() + begin * (128 << 10);
      uint64_t sum[8] = {};
      for (int64_t i = 0; i < 128 << 10; i += 8)
        for (int j = 0; j < 8; ++j) sum[j] += p[i + j];
      sums[static_cast<size_t>(begin % 64)] += sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
    });
  });
  std::printf("memory read: %.1f GB/s\n", static_cast<double>(data.size()) * 8 / s * 1e-9);
  const double loop = seconds([&] {
    for (int i = 0; i < 1000; ++i) pool.parallel_for(2, 1, [](int64_t, int64_t) {});
  });
  std::printf("empty loop: %.2f us\n", loop * 1e3);
}

/// All products, norms and attentions of SmolLM2-135M on `rows` new tokens after `past` ones: what a model around these
/// kernels can reach at best.
void model(int64_t rows, int64_t past, Numerics numerics, ThreadPool& pool) {
  constexpr int64_t kLayers = 30, kHidden = 576, kInner = 1536, kHeads = 9, kKvHeads = 3, kDim = 64,
                    kVocabulary = 49152;
  struct Layer {
    PackedWeight q, k, v, o, gate, up, down;
    std::vector<float> keys, values;
  };
  const int64_t kept = rows + past;
  const auto make = [&](DType type, int64_t outs, int64_t cols) {
    return *pack(type, weight_bytes(type, outs * cols), outs, cols, numerics, pool);
  };
  std::vector<Layer> layers;
  for (int64_t i = 0; i < kLayers; ++i) {
    const auto cache = std::vector<float>(static_cast<size_t>(kept * kKvHeads * kDim), 0.1f);
    layers.push_back({make(DType::q4_1, kHidden, kHidden), make(DType::q4_1, kKvHeads * kDim, kHidden),
                      make(DType::q4_1, kKvHeads * kDim, kHidden), make(DType::q4_1, kHidden, kHidden),
                      make(DType::q4_1, kInner, kHidden), make(DType::q4_1, kInner, kHidden),
                      make(DType::q4_1, kHidden, kInner), cache, cache});
  }
  const PackedWeight head = make(DType::q8_0, kVocabulary, kHidden);
  const auto floats = [](int64_t count) { return std::vector<float>(static_cast<size_t>(count), 0.01f); };
  auto x = floats(rows * kHidden), q = floats(rows * kHidden), k = floats(rows * kKvHeads * kDim), v = k, a = q,
       gate = floats(rows * kInner), up = gate, logits = floats(kVocabulary), norm = floats(kHidden),
       angles = floats(kDim);
  double parts[5] = {};
  const auto timed = [&](int part, auto call) {
    const auto before = std::chrono::steady_clock::now();
    call();
    parts[part] += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  };
  int calls = 0;
  const double s = seconds([&] {
    ++calls;
    for (Layer& l : layers) {
      timed(0, [&] {
        const Product qkv[] = {{&l.q, q.data()}, {&l.k, k.data()}, {&l.v, v.data()}};
        linear(qkv, {.x = x.data(), .rows = rows, .norm_weight = norm.data()}, pool);
      });
      timed(1, [&] {
        for (int64_t r = 0; r < rows; ++r) {
          rope(q.data() + r * kHidden, kHeads, kDim, angles.data(), angles.data());
          rope(k.data() + r * kKvHeads * kDim, kKvHeads, kDim, angles.data(), angles.data());
        }
        const Attention work{.q = q.data(),
                             .k = l.keys.data(),
                             .v = l.values.data(),
                             .out = a.data(),
                             .query_count = rows,
                             .key_count = kept,
                             .heads = kHeads,
                             .kv_heads = kKvHeads,
                             .head_dim = kDim};
        attention({&work, 1}, pool);
      });
      timed(2, [&] {
        const Product o{.weight = &l.o, .y = x.data()};
        linear({&o, 1}, {.x = a.data(), .rows = rows}, pool);
        const Product both[] = {{&l.gate, gate.data()}, {&l.up, up.data()}};
        linear(both, {.x = x.data(), .rows = rows, .norm_weight = norm.data()}, pool);
      });
      timed(3, [&] {
        const Product down{.weight = &l.down, .y = x.data()};
        linear({&down, 1}, {.x = gate.data(), .rows = rows, .up = up.data()}, pool);
      });
    }
    timed(4, [&] {
      const Product all{.weight = &head, .y = logits.data()};
      linear({&all, 1}, {.x = x.data() + (rows - 1) * kHidden, .norm_weight = norm.data()}, pool);
    });
  });
  std::printf(
      "SmolLM2-135M %s, %lld tokens after %lld: %.0f tokens/s (ms: qkv %.2f attention %.2f o+gate+up %.2f down %.2f "
      "head %.2f)\n",
      numerics == Numerics::fast ? "fast" : "exact", static_cast<long long>(rows), static_cast<long long>(past),
      static_cast<double>(rows) / s, parts[0] / calls * 1e3, parts[1] / calls * 1e3, parts[2] / calls * 1e3,
      parts[3] / calls * 1e3, parts[4] / calls * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 0);
  for (const Isa isa : {Isa::plain, Isa::avx2, Isa::avx512})
    if (argc > 2 && std::string_view(argv[2]) == name(isa)) force_isa(isa);
  std::printf("%d threads, %s\n", pool.threads(), argc > 2 ? argv[2] : name(best_isa()).data());
  for (const Numerics numerics : {Numerics::fast, Numerics::exact}) {
    model(1, 64, numerics, pool);
    model(1, 1024, numerics, pool);
    model(8, 64, numerics, pool);
    model(512, 0, numerics, pool);
  }
  if (argc > 3) return 0;
  memory(pool);
  const int64_t shapes[][2] = {{576, 576}, {1536, 576}, {576, 1536}, {49152, 576}};
  for (const auto& s : shapes)
    for (const Numerics numerics : {Numerics::fast, Numerics::exact})
      product(s[0] == 49152 ? DType::q8_0 : DType::q4_1, s[0], s[1], numerics, pool);
  for (const DType type : {DType::q4_0, DType::q4_1, DType::q4_k, DType::iq4_xs, DType::mxfp4, DType::q2_k, DType::q3_k,
                           DType::q5_0, DType::q5_k, DType::q6_k, DType::q8_0})
    product(type, 2048, 2048, Numerics::fast, pool);
  product(DType::f32, 1536, 576, Numerics::exact, pool);
  product(DType::bf16, 1536, 576, Numerics::exact, pool);
  for (const int64_t keys : {64, 512, 2048}) attend(1, keys, pool);
  attend(512, 512, pool);
  return 0;
}
