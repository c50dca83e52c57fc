// What each instruction set's file provides for bf16 arithmetic. Numbers of type bf16 lie in f32 arrays; a pair is two
// neighbours of a row as the two halves of a 32-bit word, the first one low. Includes nothing but <cstdint>.
#pragma once

#include <cstdint>

namespace hearth::kernels {

/// Some columns of a bf16 weight, as `take_pairs` lays them out, times activation rows of pairs.
struct PairsWork {
  const float* pairs;
  int64_t outs, count;  ///< outs: valid outputs, at most pairs_width; count: pairs of columns
  const uint16_t* x;    ///< rows x_stride numbers apart
  int64_t x_stride, rows;
  float* partial;  ///< [rows, pairs_width]: the sums so far, when the columns come in several calls; else null
  bool is_first, is_last;
  float* y;
  int64_t y_stride;
  const float* bias;
  bool add;  ///< y becomes round(y + round(sum)), else round(sum)
};

struct Bf16Table {
  int64_t pairs_width;
  /// Pairs [begin, end) of `outs` weight rows of `cols` numbers (an even count), to [end - begin, pairs_width] words.
  void (*take_pairs)(const uint16_t* weight, int64_t outs, int64_t cols, int64_t begin, int64_t end, float* out);
  void (*pairs)(const PairsWork&);
  /// Rounded to bf16 as bits.
  void (*to_bits)(const float* x, int64_t count, uint16_t* out);
  /// Rounded to bf16; may work in place.
  void (*round)(const float* x, int64_t count, float* out);
  /// out = round(y + round(x)); may work in place.
  void (*add)(const float* x, const float* y, int64_t count, float* out);
  /// round(weight * round(normal x)); a weight in f32: round(weight * normal x).
  void (*rms_norm)(const float* x, const float* weight, bool weight_is_f32, float eps, int64_t cols, float* out);
  /// round(round(silu(gate)) * up).
  void (*silu_mul)(const float* gate, const float* up, int64_t count, float* out);
  /// Turns the first 2 `half` numbers of each head by angles that are rounded, each product and sum rounded.
  void (*rope)(float* x, int64_t heads, int64_t head_dim, int64_t half, const float* cos, const float* sin);
};

extern const Bf16Table bf16_plain;
#if defined(__x86_64__)
extern const Bf16Table bf16_avx2;
extern const Bf16Table bf16_avx512;  ///< for processors that have AVX512_BF16 as well
#endif

}  // namespace hearth::kernels
