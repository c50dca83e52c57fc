#include "tensor/quant/panels.h"

#include <algorithm>
#include <cstring>

#include "tensor/quant/bits.h"
#include "tensor/quant/sub_scales.h"

namespace hearth::kernels {
namespace {

constexpr uint32_t kOnes = 0x01010101;

/// What blocks of one header share, as bits of f16 (of bf16 where the layout says so).
struct Head {
  uint16_t scale = 0, minimum = 0;
};
/// 32 columns of a row: codes, four in a word, and the block's own scales and minima.
struct Part {
  uint32_t codes[8] = {};
  int8_t scales[2] = {}, minima[2] = {};
};

/// 32 numbers of four bits in 16 bytes: the low halves, then the high ones.
void read_nibbles(const std::byte* p, Part& out) {
  for (int g = 0; g < 4; ++g) {
    const uint32_t both = word_at(p + 4 * g);
    out.codes[g] = both & 15 * kOnes;
    out.codes[4 + g] = both >> 4 & 15 * kOnes;
  }
}
/// 32 bits, one a column, as bit `to` of the codes.
void read_singles(uint32_t bits, int to, Part& out) {
  for (int g = 0; g < 8; ++g)
    out.codes[g] |= ((bits >> 4 * g & 15) * 0x00204081 & kOnes) << to;  // four bits spread over four bytes
}
/// Of 32 bytes, one a column, the bits of `mask` from `shift` on, as bits `to` and up of the codes.
void read_bits(const std::byte* p, int shift, uint32_t mask, int to, Part& out) {
  for (int g = 0; g < 8; ++g) out.codes[g] |= (word_at(p + 4 * g) >> shift & mask * kOnes) << to;
}

/// How a file holds a layout's blocks. head(): of a block or super-block; part(): 32 columns of it.
template <Panel K>
struct File;

template <>
struct File<Panel::q4_0> {
  static constexpr int64_t bytes = 18;
  static Head head(const std::byte* p) { return {half_at(p)}; }
  static void part(const std::byte* p, int, Part& out) { read_nibbles(p + 2, out); }
};
template <>
struct File<Panel::iq4_nl> : File<Panel::q4_0> {};
template <>
struct File<Panel::q4_1> {
  static constexpr int64_t bytes = 20;
  static Head head(const std::byte* p) { return {half_at(p), half_at(p + 2)}; }
  static void part(const std::byte* p, int, Part& out) { read_nibbles(p + 4, out); }
};
template <>
struct File<Panel::q5_0> {
  static constexpr int64_t bytes = 22;
  static Head head(const std::byte* p) { return {half_at(p)}; }
  static void part(const std::byte* p, int, Part& out) {
    read_nibbles(p + 6, out);
    read_singles(word_at(p + 2), 4, out);
  }
};
template <>
struct File<Panel::q5_1> {
  static constexpr int64_t bytes = 24;
  static Head head(const std::byte* p) { return {half_at(p), half_at(p + 2)}; }
  static void part(const std::byte* p, int, Part& out) {
    read_nibbles(p + 8, out);
    read_singles(word_at(p + 4), 4, out);
  }
};
template <>
struct File<Panel::q8_0> {
  static constexpr int64_t bytes = 34;
  static Head head(const std::byte* p) { return {half_at(p)}; }
  static void part(const std::byte* p, int, Part& out) {
    for (int g = 0; g < 8; ++g) out.codes[g] = word_at(p + 2 + 4 * g) ^ 0x80 * kOnes;
  }
};
template <>
struct File<Panel::mxfp4> {
  static constexpr int64_t bytes = 17;
  static Head head(const std::byte* p) {
    const int e = byte_at(p, 0);  // half of 2^(e - 127), as bf16
    return {static_cast<uint16_t>(e < 2 ? 0x20 << e : (e - 1) << 7)};
  }
  static void part(const std::byte* p, int, Part& out) { read_nibbles(p + 1, out); }
};

constexpr uint16_t kSign = 0x8000;  // a K-quant takes its minimum away

template <>
struct File<Panel::q2_k> {
  static constexpr int64_t bytes = 84;
  static Head head(const std::byte* p) { return {half_at(p + 80), static_cast<uint16_t>(half_at(p + 82) ^ kSign)}; }
  static void part(const std::byte* p, int i, Part& out) {
    read_bits(p + 16 + i / 4 * 32, i % 4 * 2, 3, 0, out);
    for (int half = 0; half < 2; ++half) {
      const int both = byte_at(p, 2 * i + half);
      out.scales[half] = static_cast<int8_t>(both & 15);
      out.minima[half] = static_cast<int8_t>(both >> 4);
    }
  }
};
template <>
struct File<Panel::q3_k> {
  static constexpr int64_t bytes = 110;
  static Head head(const std::byte* p) { return {half_at(p + 108)}; }
  static void part(const std::byte* p, int i, Part& out) {
    read_bits(p + 32 + i / 4 * 32, i % 4 * 2, 3, 0, out);
    read_bits(p, i, 1, 2, out);
    for (int half = 0; half < 2; ++half) out.scales[half] = static_cast<int8_t>(scale_of_q3(p + 96, 2 * i + half));
  }
};
template <>
struct File<Panel::q4_k> {
  static constexpr int64_t bytes = 144;
  static Head head(const std::byte* p) { return {half_at(p), static_cast<uint16_t>(half_at(p + 2) ^ kSign)}; }
  static void part(const std::byte* p, int i, Part& out) {
    read_bits(p + 16 + i / 2 * 32, i % 2 * 4, 15, 0, out);
    const auto [scale, minimum] = scale_min(p + 4, i);
    out.scales[0] = static_cast<int8_t>(scale);
    out.minima[0] = static_cast<int8_t>(minimum);
  }
};
template <>
struct File<Panel::q5_k> {
  static constexpr int64_t bytes = 176;
  static Head head(const std::byte* p) { return File<Panel::q4_k>::head(p); }
  static void part(const std::byte* p, int i, Part& out) {
    read_bits(p + 48 + i / 2 * 32, i % 2 * 4, 15, 0, out);
    read_bits(p + 16, i, 1, 4, out);
    const auto [scale, minimum] = scale_min(p + 4, i);
    out.scales[0] = static_cast<int8_t>(scale);
    out.minima[0] = static_cast<int8_t>(minimum);
  }
};
template <>
struct File<Panel::q6_k> {
  static constexpr int64_t bytes = 210;
  static Head head(const std::byte* p) { return {half_at(p + 208)}; }
  static void part(const std::byte* p, int i, Part& out) {
    read_bits(p + i / 4 * 64 + i % 2 * 32, i % 4 / 2 * 4, 15, 0, out);
    read_bits(p + 128 + i / 4 * 32, i % 4 * 2, 3, 4, out);
    for (int half = 0; half < 2; ++half) out.scales[half] = static_cast<int8_t>(p[192 + 2 * i + half]);
  }
};
template <>
struct File<Panel::iq4_xs> {
  static constexpr int64_t bytes = 136;
  static Head head(const std::byte* p) { return {half_at(p)}; }
  static void part(const std::byte* p, int i, Part& out) {
    read_nibbles(p + 8 + 16 * i, out);
    out.scales[0] = static_cast<int8_t>(scale_of_iq4(p + 2, i));
  }
};

/// One row's 32 columns to its lane of a block's planes.
template <Panel K>
void write_part(const Part& from, int64_t lane, uint8_t* block) {
  constexpr PanelLayout L = layout_of(K);
  const auto put = [lane](uint8_t* plane, uint32_t word) { std::memcpy(plane + 4 * lane, &word, 4); };
  if constexpr (L.has_sub_scales())
    for (int half = 0; half < L.halves(); ++half) {
      block[16 * half + lane] = static_cast<uint8_t>(from.scales[half]);
      if (L.has_minimum) block[16 * (L.halves() + half) + lane] = static_cast<uint8_t>(from.minima[half]);
    }
  if constexpr (L.bits == 8)
    for (int g = 0; g < 8; ++g) put(block + L.codes_at() + 64 * g, from.codes[g]);
  if constexpr (L.has_nibbles())
    for (int g = 0; g < 4; ++g)
      put(block + L.codes_at() + 64 * g, (from.codes[g] & 15 * kOnes) | (from.codes[4 + g] & 15 * kOnes) << 4);
  for (int h = 0; h < L.pairs(); ++h) {
    uint32_t word = 0;
    for (int g = 0; g < 4; ++g) word |= (from.codes[4 * h + g] >> (L.has_nibbles() ? 4 : 0) & 3 * kOnes) << 2 * g;
    put(block + L.pairs_at() + 64 * h, word);
  }
  if constexpr (L.singles() > 0) {
    uint32_t word = 0;
    for (int g = 0; g < 8; ++g) word |= (from.codes[g] >> (L.bits - 1) & kOnes) << g;
    put(block + L.singles_at(), word);
  }
}

template <Panel K>
void write(const std::byte* from, int64_t row_bytes, int64_t blocks, int64_t count, uint8_t* to) {
  constexpr PanelLayout L = layout_of(K);
  for (int64_t b = 0; b < blocks; b += L.group(), from += File<K>::bytes) {
    for (int64_t r = 0; r < count; ++r) {
      const std::byte* const source = from + r * row_bytes;
      const Head head = File<K>::head(source);
      std::memcpy(to + 2 * r, &head.scale, 2);
      if (L.has_minimum) std::memcpy(to + 32 + 2 * r, &head.minimum, 2);
      for (int i = 0; i < L.group(); ++i) {
        Part part;
        File<K>::part(source, i, part);
        write_part<K>(part, r, to + L.header_bytes() + i * L.block_bytes());
      }
    }
    to += L.header_bytes() + L.group() * L.block_bytes();
  }
}

template <Panel K>
void write(const CodedMatrix& from, int64_t first, uint8_t* to) {
  constexpr PanelLayout L = layout_of(K);
  const int64_t groups = (from.cols + from.group - 1) / from.group, count = std::min(kPanelRows, from.rows - first);
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t begin = g * from.group, end = std::min(begin + from.group, from.cols);
    for (int64_t r = 0; r < count; ++r) {
      const auto at = static_cast<size_t>((first + r) * groups + g);
      std::memcpy(to + 4 * r, &from.scales[at], 4);
      std::memcpy(to + 64 + 4 * r, &from.zeros[at], 4);
    }
    to += L.header_bytes();
    for (int64_t column = begin; column < end; column += kBlock, to += L.block_bytes())
      for (int64_t r = 0; r < count; ++r) {
        Part part;
        std::memcpy(part.codes, from.codes.data() + (first + r) * from.cols + column, sizeof part.codes);
        write_part<K>(part, r, to);
      }
  }
}

}  // namespace

std::optional<Panel> panel_of(DType type) {
  switch (type) {
    case DType::q4_0:
      return Panel::q4_0;
    case DType::q4_1:
      return Panel::q4_1;
    case DType::q5_0:
      return Panel::q5_0;
    case DType::q5_1:
      return Panel::q5_1;
    case DType::q8_0:
      return Panel::q8_0;
    case DType::iq4_nl:
      return Panel::iq4_nl;
    case DType::mxfp4:
      return Panel::mxfp4;
    case DType::q2_k:
      return Panel::q2_k;
    case DType::q3_k:
      return Panel::q3_k;
    case DType::q4_k:
      return Panel::q4_k;
    case DType::q5_k:
      return Panel::q5_k;
    case DType::q6_k:
      return Panel::q6_k;
    case DType::iq4_xs:
      return Panel::iq4_xs;
    default:
      return std::nullopt;
  }
}

const int8_t* table_of(Panel panel) {
  if (panel == Panel::iq4_nl || panel == Panel::iq4_xs) return kUneven;
  return panel == Panel::mxfp4 ? kTwiceE2m1 : nullptr;
}

void write_panel(Panel panel, const std::byte* from, int64_t row_bytes, int64_t blocks, int64_t count, uint8_t* to) {
  switch (panel) {
    case Panel::q4_0:
      return write<Panel::q4_0>(from, row_bytes, blocks, count, to);
    case Panel::q4_1:
      return write<Panel::q4_1>(from, row_bytes, blocks, count, to);
    case Panel::q5_0:
      return write<Panel::q5_0>(from, row_bytes, blocks, count, to);
    case Panel::q5_1:
      return write<Panel::q5_1>(from, row_bytes, blocks, count, to);
    case Panel::q8_0:
      return write<Panel::q8_0>(from, row_bytes, blocks, count, to);
    case Panel::iq4_nl:
      return write<Panel::iq4_nl>(from, row_bytes, blocks, count, to);
    case Panel::mxfp4:
      return write<Panel::mxfp4>(from, row_bytes, blocks, count, to);
    case Panel::q2_k:
      return write<Panel::q2_k>(from, row_bytes, blocks, count, to);
    case Panel::q3_k:
      return write<Panel::q3_k>(from, row_bytes, blocks, count, to);
    case Panel::q4_k:
      return write<Panel::q4_k>(from, row_bytes, blocks, count, to);
    case Panel::q5_k:
      return write<Panel::q5_k>(from, row_bytes, blocks, count, to);
    case Panel::q6_k:
      return write<Panel::q6_k>(from, row_bytes, blocks, count, to);
    case Panel::iq4_xs:
      return write<Panel::iq4_xs>(from, row_bytes, blocks, count, to);
    case Panel::group_4:
    case Panel::group_8:
      break;  // whole numbers: below
  }
}

void write_panel(Panel panel, const CodedMatrix& from, int64_t first, uint8_t* to) {
  if (panel == Panel::group_4) return write<Panel::group_4>(from, first, to);
  return write<Panel::group_8>(from, first, to);
}

}  // namespace hearth::kernels
