#include "safetensors/dtype.h"

#include <array>

#include "base/result.h"

namespace hearth {
namespace {

constexpr int16_t kNoGgml = -1;

// Block sizes: bytes of scales, mins and packed elements, as ggml-common.h lays them out.
constexpr DTypeRow kRows[] = {
    {DType::boolean, "BOOL", 1, 1, true, kNoGgml},
    {DType::u8, "U8", 1, 1, true, kNoGgml},
    {DType::i8, "I8", 1, 1, true, 24},
    {DType::u16, "U16", 1, 2, true, kNoGgml},
    {DType::i16, "I16", 1, 2, true, 25},
    {DType::u32, "U32", 1, 4, true, kNoGgml},
    {DType::i32, "I32", 1, 4, true, 26},
    {DType::u64, "U64", 1, 8, true, kNoGgml},
    {DType::i64, "I64", 1, 8, true, 27},
    {DType::f16, "F16", 1, 2, true, 1},
    {DType::bf16, "BF16", 1, 2, true, 30},
    {DType::f32, "F32", 1, 4, true, 0},
    {DType::f64, "F64", 1, 8, true, 28},
    {DType::c64, "C64", 1, 8, true, kNoGgml},
    {DType::f8_e4m3, "F8_E4M3", 1, 1, true, kNoGgml},
    {DType::f8_e5m2, "F8_E5M2", 1, 1, true, kNoGgml},
    {DType::f8_e8m0, "F8_E8M0", 1, 1, true, kNoGgml},
    {DType::f8_e4m3fnuz, "F8_E4M3FNUZ", 1, 1, true, kNoGgml},
    {DType::f8_e5m2fnuz, "F8_E5M2FNUZ", 1, 1, true, kNoGgml},
    {DType::f6_e2m3, "F6_E2M3", 4, 3, true, kNoGgml},
    {DType::f6_e3m2, "F6_E3M2", 4, 3, true, kNoGgml},
    {DType::f4, "F4", 2, 1, true, kNoGgml},
    {DType::q4_0, "Q4_0", 32, 2 + 16, false, 2},
    {DType::q4_1, "Q4_1", 32, 2 + 2 + 16, false, 3},
    {DType::q5_0, "Q5_0", 32, 2 + 4 + 16, false, 6},
    {DType::q5_1, "Q5_1", 32, 2 + 2 + 4 + 16, false, 7},
    {DType::q8_0, "Q8_0", 32, 2 + 32, false, 8},
    {DType::q8_1, "Q8_1", 32, 4 + 4 + 32, false, 9},
    {DType::q2_k, "Q2_K", 256, 2 + 2 + 16 + 64, false, 10},
    {DType::q3_k, "Q3_K", 256, 2 + 64 + 32 + 12, false, 11},
    {DType::q4_k, "Q4_K", 256, 2 + 2 + 128 + 12, false, 12},
    {DType::q5_k, "Q5_K", 256, 2 + 2 + 128 + 32 + 12, false, 13},
    {DType::q6_k, "Q6_K", 256, 2 + 128 + 64 + 16, false, 14},
    {DType::q8_k, "Q8_K", 256, 4 + 256 + 32, false, 15},
    {DType::iq1_s, "IQ1_S", 256, 2 + 32 + 16, false, 19},
    {DType::iq1_m, "IQ1_M", 256, 32 + 16 + 8, false, 29},
    {DType::iq2_xxs, "IQ2_XXS", 256, 2 + 64, false, 16},
    {DType::iq2_xs, "IQ2_XS", 256, 2 + 64 + 8, false, 17},
    {DType::iq2_s, "IQ2_S", 256, 2 + 64 + 16, false, 22},
    {DType::iq3_xxs, "IQ3_XXS", 256, 2 + 64 + 32, false, 18},
    {DType::iq3_s, "IQ3_S", 256, 2 + 64 + 32 + 8 + 4, false, 21},
    {DType::iq4_nl, "IQ4_NL", 32, 2 + 16, false, 20},
    {DType::iq4_xs, "IQ4_XS", 256, 2 + 2 + 128 + 4, false, 23},
    {DType::tq1_0, "TQ1_0", 256, 2 + 4 * 13, false, 34},
    {DType::tq2_0, "TQ2_0", 256, 2 + 64, false, 35},
    {DType::mxfp4, "MXFP4", 32, 1 + 16, false, 39},
    {DType::nvfp4, "NVFP4", 64, 4 + 32, false, 40},
    {DType::q1_0, "Q1_0", 128, 2 + 16, false, 41},
};

constexpr bool rows_stand_in_order() {
  for (size_t i = 0; i < std::size(kRows); ++i)
    if (static_cast<size_t>(kRows[i].dtype) != i) return false;
  return true;
}
static_assert(rows_stand_in_order(), "a row's place is its type's number");

}  // namespace

const DTypeRow& dtype_row(DType dtype) {
  const auto index = static_cast<size_t>(dtype);
  VERIFY(index < std::size(kRows), "every DType has a row");
  return kRows[index];
}

std::optional<int64_t> size_bytes(DType dtype, int64_t elements) {
  const auto& row = dtype_row(dtype);
  int64_t out = 0;
  if (elements < 0 || elements % row.block_elements != 0) return std::nullopt;
  if (__builtin_mul_overflow(elements / row.block_elements, int64_t{row.block_bytes}, &out)) return std::nullopt;
  return out;
}

std::optional<DType> dtype_of_safetensors(std::string_view name) {
  for (const auto& row : kRows)
    if (row.in_safetensors && row.name == name) return row.dtype;
  return std::nullopt;
}

std::optional<DType> dtype_of_ggml(uint32_t type) {
  for (const auto& row : kRows)
    if (row.ggml_type >= 0 && static_cast<uint32_t>(row.ggml_type) == type) return row.dtype;
  return std::nullopt;
}

}  // namespace hearth
