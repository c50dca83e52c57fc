// Element types of weight files: those of safetensors and the block formats of GGML.
// Source: safetensors 0.8.0 (tensor.rs, Dtype); gguf 0.19.0 constants.py (GGMLQuantizationType, GGML_QUANT_SIZES).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth {

/// Names are the files' own, in lower case. `f8_*`, `f6_*`, `f4` are stored packed; `q*`, `iq*`, `tq*`, `mxfp4` and
/// `nvfp4` in blocks of elements that share scales.
enum class DType : uint8_t {
  boolean,
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  u64,
  i64,
  f16,
  bf16,
  f32,
  f64,
  c64,
  f8_e4m3,
  f8_e5m2,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  f6_e2m3,
  f6_e3m2,
  f4,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q8_1,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  q8_k,
  iq1_s,
  iq1_m,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq3_xxs,
  iq3_s,
  iq4_nl,
  iq4_xs,
  tq1_0,
  tq2_0,
  mxfp4,
  nvfp4,
  q1_0,
};

struct DTypeRow {
  DType dtype;
  std::string_view name;    ///< as the files spell it: "BF16", "Q4_K"
  uint16_t block_elements;  ///< 1 for plain types
  uint16_t block_bytes;     ///< bytes of one block; of one element for plain types
  bool in_safetensors;      ///< may stand in a safetensors header
  int16_t ggml_type;        ///< number in a GGUF header, -1 when GGUF has none
};

/// The row of a type; every type has one.
const DTypeRow& dtype_row(DType dtype);

inline std::string_view name(DType dtype) {
  return dtype_row(dtype).name;
}
/// Elements in one block: 1 for plain types, 32 for Q8_0, 256 for Q4_K.
inline int64_t block_elements(DType dtype) {
  return dtype_row(dtype).block_elements;
}
/// Bytes of one block; for plain types the size of an element.
inline int64_t block_bytes(DType dtype) {
  return dtype_row(dtype).block_bytes;
}
/// True for the types whose elements are not stored one by one as whole bytes.
inline bool is_block_type(DType dtype) {
  return block_elements(dtype) != 1;
}
/// Bytes of `elements` values: nothing when they do not fill whole blocks or the product leaves int64.
std::optional<int64_t> size_bytes(DType dtype, int64_t elements);

std::optional<DType> dtype_of_safetensors(std::string_view name);
std::optional<DType> dtype_of_ggml(uint32_t type);

}  // namespace hearth
