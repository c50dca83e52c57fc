// Every NEON kernel beside the plain one on the same numbers: equal integers, f32 sums in another order. Asked by
// check.sh; one line for each kernel that differs.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tensor/kernels/kernel_table.h"

using namespace hearth::kernels;

namespace {

const KernelTable &kPlain = kernels_plain, &kNeon = kernels_neon;
int failures = 0;
uint32_t seed = 7;

constexpr int8_t kTable[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

uint32_t random_bits() {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}
std::vector<float> noise(size_t count) {
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(random_bits()) / 8388608.0f - 1.0f;
  return out;
}

void compare(const char* what, int kind, const std::vector<float>& plain, const std::vector<float>& neon,
             float tolerance = 2e-5f) {
  float largest = 0, apart = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    largest = std::fmax(largest, std::fabs(plain[i]));
    const float d = std::fabs(plain[i] - neon[i]);
    if (!(d <= apart)) apart = d;  // a NaN is kept
  }
  if (largest > 0 && apart <= tolerance * largest) return;
  std::printf("%s %d: %g apart, of %g\n", what, kind, static_cast<double>(apart), static_cast<double>(largest));
  ++failures;
}

/// run(table) on both.
template <class Run>
void both(const char* what, int kind, Run&& run, float tolerance = 2e-5f) {
  compare(what, kind, run(kPlain), run(kNeon), tolerance);
}

void panels() {
  constexpr int64_t kPanels = 2, kBlocks = 8, kOuts = 29, kRows = 7, kCols = kBlocks * kBlock;
  const auto x = noise(kRows * kCols), bias = noise(kOuts);
  std::vector<ActivationBlock> rounded[2] = {std::vector<ActivationBlock>(kRows * kBlocks),
                                             std::vector<ActivationBlock>(kRows * kBlocks)};
  kPlain.quantize(x.data(), kRows * kBlocks, rounded[0].data());
  kNeon.quantize(x.data(), kRows * kBlocks, rounded[1].data());
  if (std::memcmp(rounded[0].data(), rounded[1].data(), rounded[0].size() * sizeof(ActivationBlock)) != 0) {
    std::printf("quantize: other integers\n");
    ++failures;
  }
  for (int kind = 0; kind < kPanelKinds; ++kind) {
    const PanelLayout layout = layout_of(static_cast<Panel>(kind));
    const int64_t group = layout.group() > 0 ? layout.group() : 4, bytes = layout.panel_bytes(kBlocks, group);
    std::vector<uint8_t> data(static_cast<size_t>(kPanels * bytes) + 64);
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random_bits());
    const int64_t step = layout.header_bytes() + group * layout.block_bytes();
    for (int64_t at = 0; at < kPanels * bytes; at += step)  // scales: small numbers as f16, bf16 and f32
      for (int64_t i = 1; i < layout.header_bytes(); i += 2)
        data[static_cast<size_t>(at + i)] = static_cast<uint8_t>(0x28 + random_bits() % 8);
    const PanelsView view{data.data(), bytes, kBlocks, group, kTable};
    const auto product = [&](const KernelTable& k, bool fast) {
      std::vector<float> y(kRows * kOuts, 0.5f);
      const PanelWork work{.panels = view,
                           .panel_count = kPanels,
                           .outs = kOuts,
                           .activations = rounded[0].data(),
                           .x = x.data(),
                           .x_stride = kCols,
                           .rows = kRows,
                           .y = y.data(),
                           .y_stride = kOuts,
                           .bias = bias.data(),
                           .add = false};
      (fast ? k.panels[kind].fast : k.panels[kind].exact)(work);
      return y;
    };
    both("panels, fast", kind, [&](const KernelTable& k) { return product(k, true); });
    both("panels, exact", kind, [&](const KernelTable& k) { return product(k, false); });
    both("panels, columns", kind, [&](const KernelTable& k) {
      std::vector<float> out(kBlocks * kBlock * 16);
      k.panels[kind].columns(view, 1, 0, kBlocks, out.data(), 16);
      return out;
    });
  }
}

void floats() {
  constexpr int64_t kOuts = 21, kCols = 77, kRows = 5;
  const auto w = noise(kOuts * kCols + 32), x = noise(kRows * kCols), bias = noise(kOuts);
  std::vector<uint16_t> halves(w.size());
  for (uint16_t& half : halves)
    half = static_cast<uint16_t>((random_bits() & 0x83ff) | 0x3c00);  // near 1 in both types
  const void* const weights[] = {w.data(), halves.data(), halves.data()};
  for (int kind = 0; kind < 3; ++kind) {
    both("rows", kind, [&](const KernelTable& k) {
      std::vector<float> y(kRows * kOuts);
      const RowsWork work{weights[kind], kOuts, kCols, x.data(), kCols, kRows, y.data(), kOuts, bias.data(), false};
      (kind == 0 ? k.f32_rows : kind == 1 ? k.f16_rows : k.bf16_rows)(work);
      return y;
    });
    both("columns", kind, [&](const KernelTable& k) {
      std::vector<float> columns(static_cast<size_t>(kCols * k.column_width)), y(kRows * kOuts);
      for (int64_t out = 0; out < kOuts; out += k.column_width) {
        const int64_t outs = kOuts - out < k.column_width ? kOuts - out : k.column_width;
        const auto* from = static_cast<const char*>(weights[kind]) + out * kCols * (kind == 0 ? 4 : 2);
        (kind == 0   ? k.f32_columns
         : kind == 1 ? k.f16_columns
                     : k.bf16_columns)(from, outs, kCols, 0, kCols, columns.data());
        k.columns({columns.data(), outs, kCols, x.data(), kCols, kRows, y.data() + out, kOuts, nullptr, false});
      }
      return y;
    });
  }
}

void rows() {
  constexpr int64_t kCount = 83;
  auto x = noise(kCount);
  for (float& value : x) value *= 6;
  const auto w = noise(kCount), b = noise(kCount);
  const auto made = [&](auto&& run) {
    std::vector<float> out(kCount);
    run(out.data());
    return out;
  };
  for (const Curve curve : {Curve::silu, Curve::gelu, Curve::gelu_tanh, Curve::quick_gelu, Curve::relu})
    both("curve", static_cast<int>(curve),
         [&](const KernelTable& k) { return made([&](float* out) { k.curve(curve, x.data(), kCount, out); }); });
  both("rms_norm", 0, [&](const KernelTable& k) {
    return made([&](float* out) { k.rms_norm(x.data(), w.data(), 1e-5f, kCount, out); });
  });
  both("layer_norm", 0, [&](const KernelTable& k) {
    return made([&](float* out) { k.layer_norm(x.data(), w.data(), b.data(), 1e-5f, kCount, out); });
  });
  both("silu_mul", 0,
       [&](const KernelTable& k) { return made([&](float* out) { k.silu_mul(x.data(), w.data(), kCount, out); }); });
  both("argmax", 0, [&](const KernelTable& k) {
    return std::vector<float>{1, static_cast<float>(k.argmax(x.data(), kCount))};
  });
  both("rope", 0, [&](const KernelTable& k) {
    auto out = x;
    k.rope(out.data(), 2, 40, w.data(), b.data());
    return out;
  });
}

void attention() {
  constexpr int64_t kQueries = 9, kKeys = 83, kDim = 40;
  const auto q = noise(kQueries * kDim), keys = noise(kKeys * kDim), values = noise(kKeys * kDim);
  for (int transposed = 0; transposed < 2; ++transposed)
    both("attention", transposed, [&](const KernelTable& k) {
      std::vector<float> turned(2 * kKeyTile * kDim), out(kQueries * kDim);
      std::vector<float> scratch(static_cast<size_t>(attention_scratch_floats(kDim)));
      k.transpose_keys(keys.data(), kDim, kKeys, kDim, turned.data());
      AttentionWork work{};
      work.q = q.data();
      work.q_stride = work.out_stride = work.kv_stride = work.head_dim = kDim;
      work.query_count = kQueries;
      work.group = 1;
      work.k = keys.data();
      work.v = values.data();
      work.transposed = transposed != 0 ? turned.data() : nullptr;
      work.key_end = kKeys;
      work.visible = kKeys - kQueries + 1;
      work.visible_step = 1;
      work.scale = 0.2f;
      work.out = out.data();
      work.scratch = scratch.data();
      k.attention(work);
      return out;
    });
}

}  // namespace

int main() {
  panels();
  floats();
  rows();
  attention();
  return failures == 0 ? 0 : 1;
}
