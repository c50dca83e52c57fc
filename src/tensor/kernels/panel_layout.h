// How the panels of block weights are laid out. Includes nothing but <cstdint>, for kernel files are compiled with
// their own flags.
//
// A panel is 16 rows. It is a sequence of blocks of 32 columns; `group` blocks follow a header that they share:
//
//   header:  what the scales of its blocks are made from, 16 of each: f16, bf16 or f32
//   block:   scales of its 32 columns or of each 16 (int8, 16 rows each), likewise its minima; then its codes
//
// Codes are planes of 64 bytes whose 32-bit lane r belongs to row r. Byte j of lane r holds
//   nibbles  (4 planes):  of plane g, columns 4g + j in the low half and 16 + 4g + j in the high one
//   pairs    (2 planes):  of plane h, bits 2g and 2g + 1: column 16h + 4g + j
//   singles  (1 plane):   bit i: column 4i + j
//   bytes    (8 planes):  of plane g, column 4g + j
// and a code of 6 bits is a nibble and, above it, a pair; one of 5 a nibble and a single; one of 3 a pair and a single.
// A weight is (code - offset) * scale + minimum; with a table it is table[code] * scale; with a zero it is
// scale * (code - zero).
#pragma once

#include <cstdint>

namespace hearth::kernels {

constexpr int64_t kPanelRows = 16;  // output rows of a panel: the 32-bit lanes of one AVX-512 register
constexpr int64_t kBlock = 32;      // columns of a block, and of what activations are rounded by

/// The layouts, named after GGML's types; group_4 and group_8 hold integers with a scale and a zero for any multiple of
/// 32 columns.
enum class Panel : uint8_t {
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  iq4_nl,
  mxfp4,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_xs,
  group_4,
  group_8
};
constexpr int kPanelKinds = 15;

/// Where a scale comes from: an f16 or a bf16 of its own; an f16 of 256 columns times an int8 of each 32 or 16; an f32
/// and a zero of a whole group.
enum class Scales : uint8_t { half, brain, sub_32, sub_16, group };

struct PanelLayout {
  int bits;    ///< of a code
  int offset;  ///< taken from a code
  Scales scales;
  bool has_minimum;  ///< of its own kind: f16, or f16 times uint8
  bool has_table = false;

  constexpr bool has_nibbles() const { return bits >= 4 && bits <= 6; }
  constexpr int pairs() const { return bits == 2 || bits == 3 || bits == 6 ? 2 : 0; }
  constexpr int singles() const { return bits == 3 || bits == 5 ? 1 : 0; }
  constexpr bool has_sub_scales() const { return scales == Scales::sub_32 || scales == Scales::sub_16; }
  /// Scales of a block: one for its first and one for its last 16 columns, or one for all.
  constexpr int halves() const { return scales == Scales::sub_16 ? 2 : 1; }
  /// Blocks that share a header; 0: the weight says how many.
  constexpr int64_t group() const { return scales == Scales::group ? 0 : has_sub_scales() ? 8 : 1; }
  constexpr int64_t header_bytes() const { return scales == Scales::group ? 16 * 8 : (has_minimum ? 2 : 1) * 16 * 2; }
  /// Where a block's codes begin: behind its scales and minima.
  constexpr int64_t codes_at() const { return has_sub_scales() ? (has_minimum ? 2 : 1) * halves() * 16 : 0; }
  constexpr int64_t pairs_at() const { return codes_at() + (has_nibbles() ? 4 * 64 : 0); }
  constexpr int64_t singles_at() const { return pairs_at() + pairs() * 64; }
  constexpr int64_t block_bytes() const { return bits == 8 ? codes_at() + 8 * 64 : singles_at() + singles() * 64; }
  constexpr int64_t panel_bytes(int64_t blocks, int64_t group_blocks) const {
    return (blocks + group_blocks - 1) / group_blocks * header_bytes() + blocks * block_bytes();
  }
};

constexpr PanelLayout layout_of(Panel panel) {
  switch (panel) {
    case Panel::q4_0:
      return {4, 8, Scales::half, false};
    case Panel::q4_1:
      return {4, 0, Scales::half, true};
    case Panel::q5_0:
      return {5, 16, Scales::half, false};
    case Panel::q5_1:
      return {5, 0, Scales::half, true};
    case Panel::q8_0:
      return {8, 128, Scales::half, false};
    case Panel::iq4_nl:
      return {4, 128, Scales::half, false, true};
    case Panel::mxfp4:
      return {4, 128, Scales::brain, false, true};
    case Panel::q2_k:
      return {2, 0, Scales::sub_16, true};
    case Panel::q3_k:
      return {3, 4, Scales::sub_16, false};
    case Panel::q4_k:
      return {4, 0, Scales::sub_32, true};
    case Panel::q5_k:
      return {5, 0, Scales::sub_32, true};
    case Panel::q6_k:
      return {6, 32, Scales::sub_16, false};
    case Panel::iq4_xs:
      return {4, 128, Scales::sub_32, false, true};
    case Panel::group_4:
      return {4, 8, Scales::group, true};
    default:
      return {8, 128, Scales::group, true};
  }
}

}  // namespace hearth::kernels
