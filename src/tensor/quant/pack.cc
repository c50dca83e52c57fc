// Block formats of GGML: dequantizing them, and laying them out in panels for the products.
// Source: ggml-common.h (block_q4_0, block_q4_1, block_q8_0) and gguf 0.19.0 quants.py for the values, bit for bit.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "safetensors/dtype.h"
#include "tensor/linear_kernels.h"
#include "tensor/quant/bits.h"
#include "tensor/quant/blocks.h"
#include "tensor/quant/panels.h"

namespace hearth::kernels {
namespace {

constexpr int64_t kHugePage = 2 << 20;

/// fill(panel, its bytes) for all of a weight's panels, in parallel.
template <class Fill>
void fill_panels(const PackedWeight& weight, ThreadPool& pool, const Fill& fill) {
  const int64_t panels = (weight.rows() + kPanelRows - 1) / kPanelRows, panel_bytes = weight.size_bytes() / panels;
  auto* const memory = reinterpret_cast<uint8_t*>(const_cast<std::byte*>(weight.data()));
  pool.parallel_for(panels, std::max<int64_t>(1, (256 << 10) / panel_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) fill(p, memory + p * panel_bytes);
  });
}

}  // namespace

PackedWeight::PackedWeight(PackedWeight&& other) noexcept {
  *this = std::move(other);
}

PackedWeight& PackedWeight::operator=(PackedWeight&& other) noexcept {
  if (this == &other) return *this;
  release();
  rows_ = std::exchange(other.rows_, 0);
  cols_ = std::exchange(other.cols_, 0);
  size_bytes_ = std::exchange(other.size_bytes_, 0);
  mapped_bytes_ = std::exchange(other.mapped_bytes_, 0);
  data_ = std::exchange(other.data_, nullptr);
  group_ = other.group_;
  format_ = other.format_;
  panel_ = other.panel_;
  numerics_ = other.numerics_;
  return *this;
}

PackedWeight::~PackedWeight() {
  release();
}

void PackedWeight::release() {
  if (mapped_bytes_ > 0) munmap(const_cast<std::byte*>(data_), static_cast<size_t>(mapped_bytes_));
  mapped_bytes_ = 0;
}

Result<PackedWeight> PackedWeight::of_panels(Panel panel, int64_t rows, int64_t cols, int64_t group,
                                             Numerics numerics) {
  const int64_t panels = (rows + kPanelRows - 1) / kPanelRows;
  const int64_t bytes = panels * layout_of(panel).panel_bytes(cols / kBlock, group);
  // Whole huge pages where the buffer has some: fewer faults, fewer TLB misses.
  const int64_t page = bytes < kHugePage ? 4096 : kHugePage, mapped = (bytes + page - 1) / page * page;
  void* memory = mmap(nullptr, static_cast<size_t>(mapped), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Status(Code::unavailable,
                  cat("no memory for a weight of ", bytes, " bytes; close other programs or take a smaller model"));
  madvise(memory, static_cast<size_t>(mapped), MADV_HUGEPAGE);  // advice: its refusal costs time only
  PackedWeight out;
  out.rows_ = rows;
  out.cols_ = cols;
  out.group_ = group;
  out.numerics_ = numerics;
  out.format_ = Format::panels;
  out.panel_ = panel;
  out.data_ = static_cast<const std::byte*>(memory);
  out.mapped_bytes_ = mapped;
  out.size_bytes_ = bytes;
  return out;
}

bool can_pack(DType source) {
  return source == DType::f32 || source == DType::f16 || source == DType::bf16 || panel_of(source);
}

Result<PackedWeight> pack(DType source, std::span<const std::byte> data, int64_t rows, int64_t cols, Numerics numerics,
                          ThreadPool& pool) {
  if (!can_pack(source))
    return Status(Code::bad_input, cat("no kernel for weights of type ", name(source),
                                       "; there are F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, "
                                       "IQ4_NL, IQ4_XS and MXFP4"));
  if (rows <= 0 || cols <= 0 || cols % block_elements(source) != 0)
    return Status(Code::bad_input, cat("a weight of ", rows, " x ", cols, " in ", name(source),
                                       " needs columns in blocks of ", block_elements(source)));
  int64_t elements = 0;
  const bool fits = !__builtin_mul_overflow(rows, cols, &elements);
  const auto wanted = fits ? size_bytes(source, elements) : std::nullopt;
  if (!wanted || *wanted != static_cast<int64_t>(data.size()))
    return Status(Code::bad_input, cat("a weight of ", rows, " x ", cols, " in ", name(source), " does not take ",
                                       data.size(), " bytes"));
  const auto panel = panel_of(source);
  if (!panel) {
    PackedWeight out;
    out.rows_ = rows;
    out.cols_ = cols;
    out.numerics_ = numerics;
    out.format_ = source == DType::f32 ? Format::f32 : source == DType::f16 ? Format::f16 : Format::bf16;
    out.data_ = data.data();
    out.size_bytes_ = *wanted;
    return out;
  }
  auto out = TRY(PackedWeight::of_panels(*panel, rows, cols, layout_of(*panel).group(), numerics));
  const int64_t row_bytes = *wanted / rows;
  fill_panels(out, pool, [&](int64_t p, uint8_t* to) {
    write_panel(*panel, data.data() + p * kPanelRows * row_bytes, row_bytes, cols / kBlock,
                std::min(kPanelRows, rows - p * kPanelRows), to);
  });
  return out;
}

Result<PackedWeight> pack_codes(const CodedMatrix& source, Numerics numerics, ThreadPool& pool) {
  const auto [rows, cols] = std::pair(source.rows, source.cols);
  if (source.bits != 4 && source.bits != 8)
    return Status(Code::bad_input, cat("no kernel for whole numbers of ", source.bits, " bits; there are 4 and 8"));
  if (rows <= 0 || cols <= 0 || cols % kBlock != 0 || source.group <= 0 || source.group % kBlock != 0)
    return Status(Code::bad_input, cat("a weight of ", rows, " x ", cols, " in groups of ", source.group,
                                       " needs columns and groups in multiples of ", kBlock));
  const int64_t groups = cols / source.group + (cols % source.group != 0 ? 1 : 0);
  int64_t elements = 0;
  if (__builtin_mul_overflow(rows, cols, &elements) || static_cast<int64_t>(source.codes.size()) != elements ||
      static_cast<int64_t>(source.scales.size()) != rows * groups || source.zeros.size() != source.scales.size())
    return Status(Code::bad_input, cat("a weight of ", rows, " x ", cols, " in groups of ", source.group, " is not ",
                                       source.codes.size(), " numbers, ", source.scales.size(), " scales and ",
                                       source.zeros.size(), " zeros"));
  const Panel panel = source.bits == 4 ? Panel::group_4 : Panel::group_8;
  auto out = TRY(PackedWeight::of_panels(panel, rows, cols, source.group / kBlock, numerics));
  auto from = source;
  from.group = std::min(source.group, cols);
  fill_panels(out, pool, [&](int64_t p, uint8_t* to) { write_panel(panel, from, p * kPanelRows, to); });
  return out;
}

Status dequantize(DType source, std::span<const std::byte> data, std::span<float> out) {
  const auto read_block = block_reader(source);
  if (!can_pack(source)) return Status(Code::bad_input, cat("cannot dequantize ", name(source)));
  const auto wanted = size_bytes(source, static_cast<int64_t>(out.size()));
  if (!wanted || *wanted != static_cast<int64_t>(data.size()))
    return Status(Code::bad_input,
                  cat(out.size(), " values of ", name(source), " do not take ", data.size(), " bytes"));
  const std::byte* p = data.data();
  const size_t count = out.size();
  if (read_block) {
    for (size_t i = 0; i < count; i += static_cast<size_t>(block_elements(source)), p += block_bytes(source))
      read_block(p, out.data() + i);
    return {};
  }
  switch (source) {
    case DType::f32:
      if (count > 0) std::memcpy(out.data(), p, count * 4);
      break;
    case DType::f16:
      for (size_t i = 0; i < count; ++i) out[i] = half_to_float(half_at(p + 2 * i));
      break;
    case DType::bf16:
      for (size_t i = 0; i < count; ++i) out[i] = brain_to_float(half_at(p + 2 * i));
      break;
    case DType::q8_0:
      for (size_t b = 0; b < count; b += 32, p += 34) {
        const float d = half_to_float(half_at(p));
        for (size_t i = 0; i < 32; ++i) out[b + i] = static_cast<float>(static_cast<int8_t>(p[2 + i])) * d;
      }
      break;
    default: {
      const bool with_minimum = source == DType::q4_1;
      for (size_t b = 0; b < count; b += 32, p += with_minimum ? 20 : 18) {
        const float d = half_to_float(half_at(p)), minimum = with_minimum ? half_to_float(half_at(p + 2)) : 0;
        const std::byte* nibbles = p + (with_minimum ? 4 : 2);
        for (size_t i = 0; i < 32; ++i) {
          const int q = static_cast<int>(nibbles[i % 16]) >> (i < 16 ? 0 : 4) & 15;
          out[b + i] = with_minimum ? static_cast<float>(q) * d + minimum : static_cast<float>(q - 8) * d;
        }
      }
    }
  }
  return {};
}

}  // namespace hearth::kernels
