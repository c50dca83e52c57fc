// Block formats of GGML: dequantizing them, and laying them out in panels for the products.
// Source: ggml-common.h (block_q4_0, block_q4_1, block_q8_0) and gguf 0.19.0 quants.py for the values, bit for bit.
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "safetensors/dtype.h"
#include "tensor/kernels/kernel_table.h"
#include "tensor/linear_kernels.h"
#include "tensor/quant/bits.h"
#include "tensor/quant/blocks.h"

namespace hearth::kernels {
namespace {

uint32_t word_at(const std::byte* p) {
  uint32_t out;
  std::memcpy(&out, p, 4);
  return out;
}

float brain_to_float(uint16_t b) {
  return float_of_bits(static_cast<uint32_t>(b) << 16);
}

/// -8 d as f16, exact: Q4_0's (q - 8) d is q d + (-8 d). Nothing when 8 d leaves f16 (|d| > 8191: no real file has it).
bool minimum_of_q4_0(uint16_t d, uint16_t* out) {
  const uint32_t exponent = (d >> 10) & 31;
  uint16_t magnitude = d & 0x7fff;
  if (exponent >= 28) return false;
  if (exponent != 0) {
    magnitude = static_cast<uint16_t>(magnitude + (3 << 10));
  } else {
    for (int i = 0; i < 3; ++i)  // a subnormal doubles by a shift until it is normal, then by its exponent
      magnitude = static_cast<uint16_t>(magnitude >> 10 == 0 ? magnitude << 1 : magnitude + (1 << 10));
  }
  *out = static_cast<uint16_t>(magnitude | ((d & 0x8000) ^ 0x8000));
  return true;
}

struct Source {
  int64_t block_bytes, packed_block_bytes, words, words_at;
};
Source source_of(DType type) {
  switch (type) {
    case DType::q4_0:
      return {18, kQ4BlockBytes, 4, 2};
    case DType::q4_1:
      return {20, kQ4BlockBytes, 4, 4};
    default:
      return {34, kQ8BlockBytes, 8, 2};
  }
}

/// One panel: 16 rows (or the last `count`) transposed by 32-bit words; rows past the end are zero.
bool pack_panel(DType type, const std::byte* from, int64_t row_bytes, int64_t blocks, int64_t count, uint8_t* to) {
  const Source s = source_of(type);
  const uint32_t flip = type == DType::q8_0 ? 0x80808080u : 0u;
  const int64_t scales = type == DType::q8_0 ? 32 : 64;
  bool ok = true;
  for (int64_t b = 0; b < blocks; ++b, to += s.packed_block_bytes) {
    if (count < kPanelRows) std::memset(to, 0, static_cast<size_t>(s.packed_block_bytes));
    for (int64_t r = 0; r < count; ++r) {
      const std::byte* block = from + r * row_bytes + b * s.block_bytes;
      const uint16_t d = half_at(block);
      std::memcpy(to + 2 * r, &d, 2);
      uint16_t minimum = 0;
      if (type == DType::q4_1) minimum = half_at(block + 2);
      if (type == DType::q4_0) ok &= minimum_of_q4_0(d, &minimum);
      if (type != DType::q8_0) std::memcpy(to + 32 + 2 * r, &minimum, 2);
      for (int64_t w = 0; w < s.words; ++w) {
        const uint32_t word = word_at(block + s.words_at + 4 * w) ^ flip;
        std::memcpy(to + scales + 64 * w + 4 * r, &word, 4);
      }
    }
  }
  return ok;
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
  format_ = other.format_;
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

bool can_pack(DType source) {
  switch (source) {
    case DType::f32:
    case DType::f16:
    case DType::bf16:
    case DType::q4_0:
    case DType::q4_1:
    case DType::q8_0:
      return true;
    default:
      return false;
  }
}

Result<PackedWeight> pack(DType source, std::span<const std::byte> data, int64_t rows, int64_t cols, Numerics numerics,
                          ThreadPool& pool) {
  if (!can_pack(source))
    return Status(Code::bad_input, cat("no kernel for weights of type ", name(source),
                                       "; there are F32, F16, BF16, Q4_0, Q4_1 and Q8_0"));
  if (rows <= 0 || cols <= 0 || cols % block_elements(source) != 0)
    return Status(Code::bad_input, cat("a weight of ", rows, " x ", cols, " in ", name(source),
                                       " needs columns in blocks of ", block_elements(source)));
  int64_t elements = 0;
  const bool fits = !__builtin_mul_overflow(rows, cols, &elements);
  const auto wanted = fits ? size_bytes(source, elements) : std::nullopt;
  if (!wanted || *wanted != static_cast<int64_t>(data.size()))
    return Status(Code::bad_input, cat("a weight of ", rows, " x ", cols, " in ", name(source), " does not take ",
                                       data.size(), " bytes"));
  PackedWeight out;
  out.rows_ = rows;
  out.cols_ = cols;
  out.numerics_ = numerics;
  out.format_ = source == DType::f32    ? Format::f32
                : source == DType::f16  ? Format::f16
                : source == DType::bf16 ? Format::bf16
                : source == DType::q8_0 ? Format::q8
                                        : Format::q4;
  if (out.format_ == Format::f32 || out.format_ == Format::f16 || out.format_ == Format::bf16) {
    out.data_ = data.data();
    out.size_bytes_ = *wanted;
    return out;
  }
  const Source s = source_of(source);
  const int64_t panels = (rows + kPanelRows - 1) / kPanelRows, blocks = cols / kBlock;
  const int64_t panel_bytes = blocks * s.packed_block_bytes;
  constexpr int64_t page = 2 << 20;  // whole huge pages where the buffer has some: fewer faults, fewer TLB misses
  const int64_t bytes = panels * panel_bytes;
  const int64_t mapped = bytes < page ? (bytes + 4095) / 4096 * 4096 : (bytes + page - 1) / page * page;
  void* memory = mmap(nullptr, static_cast<size_t>(mapped), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Status(Code::unavailable,
                  cat("no memory for a weight of ", bytes, " bytes; close other programs or take a smaller model"));
  madvise(memory, static_cast<size_t>(mapped), MADV_HUGEPAGE);  // advice: its refusal costs time only
  out.data_ = static_cast<const std::byte*>(memory);
  out.mapped_bytes_ = mapped;
  out.size_bytes_ = bytes;
  std::atomic<bool> ok{true};
  const int64_t row_bytes = blocks * s.block_bytes;
  pool.parallel_for(panels, std::max<int64_t>(1, (256 << 10) / panel_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      if (!pack_panel(source, data.data() + p * kPanelRows * row_bytes, row_bytes, blocks,
                      std::min(kPanelRows, rows - p * kPanelRows), static_cast<uint8_t*>(memory) + p * panel_bytes))
        ok = false;
  });
  if (!ok) return Status(Code::bad_input, "a Q4_0 weight has a scale above 8191: the file is damaged");
  return out;
}

bool can_dequantize(DType source) {
  return can_pack(source) || block_reader(source);
}

Status dequantize(DType source, std::span<const std::byte> data, std::span<float> out) {
  const auto read_block = block_reader(source);
  if (!can_dequantize(source)) return Status(Code::bad_input, cat("cannot dequantize ", name(source)));
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

void embedding_row(const PackedWeight& weight, int64_t row, float* out) {
  VERIFY(row >= 0 && row < weight.rows(), "an embedding's row is inside its table");
  const int64_t cols = weight.cols();
  const std::byte* data = weight.data();
  switch (weight.format()) {
    case Format::f32:
      std::memcpy(out, data + row * cols * 4, static_cast<size_t>(cols) * 4);
      return;
    case Format::f16:
      for (int64_t i = 0; i < cols; ++i) out[i] = half_to_float(half_at(data + (row * cols + i) * 2));
      return;
    case Format::bf16:
      for (int64_t i = 0; i < cols; ++i) out[i] = brain_to_float(half_at(data + (row * cols + i) * 2));
      return;
    default:
      break;
  }
  const bool q8 = weight.format() == Format::q8;
  const int64_t block_bytes = q8 ? kQ8BlockBytes : kQ4BlockBytes, blocks = cols / kBlock, r = row % kPanelRows;
  const std::byte* block = data + row / kPanelRows * blocks * block_bytes;
  for (int64_t b = 0; b < blocks; ++b, block += block_bytes, out += kBlock) {
    const float d = half_to_float(half_at(block + 2 * r));
    const float minimum = q8 ? 0 : half_to_float(half_at(block + 32 + 2 * r));
    for (int i = 0; i < kBlock; ++i) {
      if (q8) {
        const int w = static_cast<int>(block[32 + i / 4 * 64 + 4 * r + i % 4]) - 128;
        out[i] = static_cast<float>(w) * d;
      } else {
        const int both = static_cast<int>(block[64 + i % 16 / 4 * 64 + 4 * r + i % 4]);
        out[i] = static_cast<float>(i < 16 ? both & 15 : both >> 4) * d + minimum;
      }
    }
  }
}

}  // namespace hearth::kernels
