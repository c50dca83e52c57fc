// BLAKE3 over many leaves or parents at once, a lane each; included by one file an instruction set, which defines
// HEARTH_LANES (4, 8 or 16) and HEARTH_BLAKE3_TABLE. Everything is static: no copy of it may serve another set.
// Source: the BLAKE3 paper, section 2 (compression function, flags) and 5.3 (SIMD across inputs).
#pragma once

#include <cstdint>

#include "huggingface_hub/xet/blake3_kernels.h"

namespace hearth::xet {
namespace {

constexpr int kLanes = HEARTH_LANES;
typedef uint32_t Lanes __attribute__((vector_size(HEARTH_LANES * 4)));
typedef uint32_t LanesUnaligned __attribute__((vector_size(HEARTH_LANES * 4), aligned(4), may_alias));

constexpr uint32_t kInitial[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                  0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
constexpr uint8_t kSchedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1}, {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4}, {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13}};

static inline Lanes splat(uint32_t value) {
  return Lanes{} + value;
}
static inline Lanes rotate(Lanes x, int right) {
  return (x >> right) | (x << (32 - right));
}

static inline __attribute__((always_inline)) void mix(Lanes* v, int a, int b, int c, int d, Lanes x, Lanes y) {
  v[a] = v[a] + v[b] + x;
  v[d] = rotate(v[d] ^ v[a], 16);
  v[c] = v[c] + v[d];
  v[b] = rotate(v[b] ^ v[c], 12);
  v[a] = v[a] + v[b] + y;
  v[d] = rotate(v[d] ^ v[a], 8);
  v[c] = v[c] + v[d];
  v[b] = rotate(v[b] ^ v[c], 7);
}

#if HEARTH_LANES == 4
#define HEARTH_ZIP_LOW 0, 4, 1, 5
#define HEARTH_ZIP_HIGH 2, 6, 3, 7
#elif HEARTH_LANES == 8
#define HEARTH_ZIP_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HEARTH_ZIP_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define HEARTH_ZIP_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HEARTH_ZIP_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#endif

/// A square of words turned round: zipping the halves rotates an element's address (row, column) by one bit.
static inline __attribute__((always_inline)) void transpose(Lanes* rows) {
  Lanes other[kLanes];
  for (int step = 1; step < kLanes; step *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      other[2 * i] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], HEARTH_ZIP_LOW);
      other[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], HEARTH_ZIP_HIGH);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = other[i];
  }
}

/// One block of 64 bytes from each lane's input, chained into `cv`.
static inline __attribute__((always_inline)) void compress(Lanes* cv, const uint8_t* const* blocks, Lanes counter,
                                                           uint32_t flags) {
  Lanes m[16];
#pragma GCC unroll 4
  for (int part = 0; part < 16 / kLanes; ++part) {
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane)
      m[part * kLanes + lane] = *reinterpret_cast<const LanesUnaligned*>(blocks[lane] + part * kLanes * 4);
    transpose(m + part * kLanes);
  }
  Lanes v[16] = {cv[0],
                 cv[1],
                 cv[2],
                 cv[3],
                 cv[4],
                 cv[5],
                 cv[6],
                 cv[7],
                 splat(kInitial[0]),
                 splat(kInitial[1]),
                 splat(kInitial[2]),
                 splat(kInitial[3]),
                 counter,
                 splat(0),
                 splat(64),
                 splat(flags)};
#pragma GCC unroll 7
  for (int round = 0; round < 7; ++round) {
    const uint8_t* s = kSchedule[round];
    mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
    mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
    mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
    mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
    mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
    mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
    mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
    mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) cv[i] = v[i] ^ v[i + 8];
}

static inline void store(const Lanes* cv, int used, uint32_t* out) {
  for (int lane = 0; lane < used; ++lane)
    for (int word = 0; word < 8; ++word) out[8 * lane + word] = cv[word][lane];
}

static void hash_leaves(const uint8_t* input, int64_t count, const uint32_t* key, uint32_t* out) {
  Lanes lane_numbers{};
  for (int i = 0; i < kLanes; ++i) lane_numbers[i] = static_cast<uint32_t>(i);
  for (int64_t first = 0; first < count; first += kLanes) {
    const int used = count - first < kLanes ? static_cast<int>(count - first) : kLanes;
    const uint8_t* blocks[kLanes];
    for (int lane = 0; lane < kLanes; ++lane)
      blocks[lane] = input + (first + (lane < used ? lane : used - 1)) * kBlake3Leaf;  // idle lanes repeat the last
    Lanes cv[8];
    for (int i = 0; i < 8; ++i) cv[i] = splat(key[i]);
    const Lanes counter = lane_numbers + static_cast<uint32_t>(first);
    for (int block = 0; block < 16; ++block) {
      const uint32_t flags = kBlake3Keyed | (block == 0 ? kBlake3ChunkStart : 0) | (block == 15 ? kBlake3ChunkEnd : 0);
      compress(cv, blocks, counter, flags);
      for (int lane = 0; lane < kLanes; ++lane) blocks[lane] += 64;
    }
    store(cv, used, out + 8 * first);
  }
}

static void hash_parents(const uint32_t* pairs, int64_t count, const uint32_t* key, uint32_t* out) {
  for (int64_t first = 0; first < count; first += kLanes) {
    const int used = count - first < kLanes ? static_cast<int>(count - first) : kLanes;
    const uint8_t* blocks[kLanes];
    for (int lane = 0; lane < kLanes; ++lane)
      blocks[lane] = reinterpret_cast<const uint8_t*>(pairs + (first + (lane < used ? lane : used - 1)) * 16);
    Lanes cv[8];
    for (int i = 0; i < 8; ++i) cv[i] = splat(key[i]);
    compress(cv, blocks, splat(0), kBlake3Keyed | kBlake3Parent);
    store(cv, used, out + 8 * first);  // may overwrite pairs that were read: out[8i] lies at or before pairs[16i]
  }
}

}  // namespace

extern const Blake3Kernels HEARTH_BLAKE3_TABLE;
const Blake3Kernels HEARTH_BLAKE3_TABLE = {hash_leaves, hash_parents};

}  // namespace hearth::xet
