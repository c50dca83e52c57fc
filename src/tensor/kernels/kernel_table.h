// What each instruction set's kernel file provides: plain structs and a table of functions. Includes nothing but
// <cstdint>, for kernel files are compiled with their own flags.
#pragma once

#include <cstdint>

#include "tensor/kernels/panel_layout.h"

namespace hearth::kernels {

constexpr int64_t kHeadDimMax = 1024;

/// 32 activations rounded to 8 bits: x is close to d * q.
struct ActivationBlock {
  int8_t q[32];
  float d;
  float sum;                ///< d * (sum of q): what a block's minimum is multiplied with
  int32_t correction;       ///< -128 * (sum of q): takes back the offset of unsigned 8-bit weights
  int32_t correction_high;  ///< the same of the last 16 alone
};

/// Panels of a block weight.
struct PanelsView {
  const uint8_t* first;
  int64_t panel_bytes, blocks;
  int64_t group;        ///< blocks that share a header
  const int8_t* table;  ///< what the sixteen codes stand for, where the layout has a table
};

/// Some panels times several activation rows.
struct PanelWork {
  PanelsView panels;
  int64_t panel_count, outs;           ///< outs: valid outputs, at most 16 * panel_count
  const ActivationBlock* activations;  ///< fast: `blocks` for each row
  const float* x;                      ///< exact: rows x_stride apart
  int64_t x_stride, rows;
  float* y;  ///< first output of the first panel
  int64_t y_stride;
  const float* bias;
  bool add;
};

/// Rows of one row-major f32, f16 or bf16 weight times several activation rows.
struct RowsWork {
  const void* weight;
  int64_t outs, cols;
  const float* x;
  int64_t x_stride, rows;
  float* y;
  int64_t y_stride;
  const float* bias;
  bool add;
};

/// Columns of a float weight, as `f32_columns` lays them out, times many activation rows.
struct ColumnsWork {
  const float* columns;
  int64_t outs, cols;  ///< outs: valid outputs, at most column_width
  const float* x;
  int64_t x_stride, rows;
  float* y;
  int64_t y_stride;
  const float* bias;
  bool add;
};

/// What follows a product, where it has a vector form. Source: transformers 5.23.0 activations.py.
enum class Curve { silu, gelu, gelu_tanh, quick_gelu, relu };

/// Query rows that share one key-value head, against keys [key_begin, key_end), which begin on a tile. Row i is query
/// i / group, head i % group; at most kQueryRows rows.
struct AttentionWork {
  const float* q;  ///< first query, first head of the group
  int64_t q_stride, query_count, group, head_dim;
  const float *k, *v;         ///< key 0 of this head, unless they lie in pages
  const float* const* pages;  ///< of kKeyTile keys each, or null; those of this head begin `page_k` and `page_v` behind
  int64_t page_k, page_v;     ///< where a page begins
  const float* transposed;    ///< keys by `transpose_keys`, or null: read where they lie
  int64_t kv_stride, key_begin, key_end;
  int64_t visible;  ///< keys that the first query sees; each next one sees `visible_step` more
  int64_t visible_step;
  int64_t hidden;  ///< keys before this one are out of the first query's window; each next one hides `hidden_step` more
  int64_t hidden_step;
  float softcap;      ///< 0: none
  const float* bias;  ///< of the first query, the first head of the group and key 0; null: none
  int64_t bias_query_stride, bias_head_stride;
  float scale;
  float* out;  ///< as q, rows out_stride apart; unused when `partial` is set
  int64_t out_stride;
  float* partial;  ///< for each row: maximum, sum, head_dim values not yet divided by the sum
  float* scratch;  ///< attention_scratch_floats(head_dim) floats
};
constexpr int64_t kQueryRows = 48, kKeyTile = 64;  // rows and keys of one attention tile
constexpr int64_t head_dim_padded(int64_t head_dim) {
  return (head_dim + 15) / 16 * 16;
}
constexpr int64_t attention_scratch_floats(int64_t head_dim) {
  return kQueryRows * (2 * head_dim_padded(head_dim) + kKeyTile + 3);
}

/// What a layout of panels has.
struct PanelKernels {
  void (*fast)(const PanelWork&);
  void (*exact)(const PanelWork&);  ///< for few rows
  /// Blocks [begin, end) of at most column_width / 16 panels as floats, exact, to [32 (end - begin), width]: output o
  /// of column i at i * width + o.
  void (*columns)(const PanelsView&, int64_t panel_count, int64_t begin, int64_t end, float* out, int64_t width);
};

struct KernelTable {
  const PanelKernels* panels;  ///< by Panel
  void (*f32_rows)(const RowsWork&);
  void (*f16_rows)(const RowsWork&);
  void (*bf16_rows)(const RowsWork&);
  /// Columns [begin, end) of `outs` weight rows, each `cols` long, to [end - begin, column_width]: output o of column i
  /// at i * column_width + o, zeros past the last output.
  void (*f32_columns)(const void* weight, int64_t outs, int64_t cols, int64_t begin, int64_t end, float* out);
  void (*f16_columns)(const void* weight, int64_t outs, int64_t cols, int64_t begin, int64_t end, float* out);
  void (*bf16_columns)(const void* weight, int64_t outs, int64_t cols, int64_t begin, int64_t end, float* out);
  int64_t column_width;
  void (*columns)(const ColumnsWork&);
  void (*curve)(Curve curve, const float* x, int64_t count, float* out);  ///< may work in place
  void (*quantize)(const float* x, int64_t blocks, ActivationBlock* out);
  void (*rms_norm)(const float* x, const float* weight, float eps, int64_t cols, float* out);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float eps, int64_t cols, float* out);
  int64_t (*argmax)(const float* x, int64_t count);
  void (*silu_mul)(const float* gate, const float* up, int64_t count, float* out);
  void (*rope)(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin);
  /// keys: `count` rows of `stride` floats -> for each tile of kKeyTile keys [head_dim, kKeyTile], zeros past
  /// the end up to the next 16 keys.
  void (*transpose_keys)(const float* k, int64_t stride, int64_t count, int64_t head_dim, float* out);
  void (*attention)(const AttentionWork&);
};

extern const KernelTable kernels_plain;
#if defined(__x86_64__)
extern const KernelTable kernels_avx2;
extern const KernelTable kernels_avx512;
#elif defined(__aarch64__)
extern const KernelTable kernels_neon;
#endif

}  // namespace hearth::kernels
