#include "huggingface_hub/xet/blake3.h"

#include <atomic>
#include <cstring>
#include <vector>

#include "huggingface_hub/xet/blake3_kernels.h"

namespace hearth::xet {

extern const Blake3Kernels blake3_plain, blake3_avx2, blake3_avx512;

namespace {

constexpr uint32_t kInitial[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                  0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
constexpr uint8_t kPermutation[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
constexpr size_t kStackLeaves = 160;  // a chunk of 128 KiB and some: no allocation

struct Choice {
  const char* name;
  const Blake3Kernels* kernels;
};
constexpr Choice kPlain{"plain", &blake3_plain}, kAvx2{"avx2", &blake3_avx2}, kAvx512{"avx512", &blake3_avx512};

bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0;
}
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
}

constinit std::atomic<const Choice*> chosen{nullptr};

const Choice& choice() {
  const auto* now = chosen.load(std::memory_order_relaxed);
  if (now) return *now;
  now = has_avx512() ? &kAvx512 : has_avx2() ? &kAvx2 : &kPlain;
  chosen.store(now, std::memory_order_relaxed);
  return *now;
}

uint32_t rotate(uint32_t x, int right) {
  return (x >> right) | (x << (32 - right));
}

void mix(uint32_t* v, int a, int b, int c, int d, uint32_t x, uint32_t y) {
  v[a] = v[a] + v[b] + x;
  v[d] = rotate(v[d] ^ v[a], 16);
  v[c] = v[c] + v[d];
  v[b] = rotate(v[b] ^ v[c], 12);
  v[a] = v[a] + v[b] + y;
  v[d] = rotate(v[d] ^ v[a], 8);
  v[c] = v[c] + v[d];
  v[b] = rotate(v[b] ^ v[c], 7);
}

/// One block of up to 64 bytes (zero-padded in `words`), chained into `cv`.
void compress(uint32_t* cv, const uint32_t* words, uint32_t length, uint64_t counter, uint32_t flags) {
  uint32_t m[16], next[16];
  std::memcpy(m, words, sizeof m);
  uint32_t v[16] = {cv[0],
                    cv[1],
                    cv[2],
                    cv[3],
                    cv[4],
                    cv[5],
                    cv[6],
                    cv[7],
                    kInitial[0],
                    kInitial[1],
                    kInitial[2],
                    kInitial[3],
                    static_cast<uint32_t>(counter),
                    static_cast<uint32_t>(counter >> 32),
                    length,
                    flags};
  for (int round = 0; round < 7; ++round) {
    mix(v, 0, 4, 8, 12, m[0], m[1]);
    mix(v, 1, 5, 9, 13, m[2], m[3]);
    mix(v, 2, 6, 10, 14, m[4], m[5]);
    mix(v, 3, 7, 11, 15, m[6], m[7]);
    mix(v, 0, 5, 10, 15, m[8], m[9]);
    mix(v, 1, 6, 11, 12, m[10], m[11]);
    mix(v, 2, 7, 8, 13, m[12], m[13]);
    mix(v, 3, 4, 9, 14, m[14], m[15]);
    for (int i = 0; i < 16; ++i) next[i] = m[kPermutation[i]];
    std::memcpy(m, next, sizeof m);
  }
  for (int i = 0; i < 8; ++i) cv[i] = v[i] ^ v[i + 8];
}

/// A leaf of 0 to 1024 bytes; `last` is added to its last block's flags.
void hash_leaf(const std::byte* input, size_t size, uint64_t counter, uint32_t last, const uint32_t* key,
               uint32_t* out) {
  std::memcpy(out, key, 32);
  uint32_t flags = kBlake3Keyed | kBlake3ChunkStart;
  do {
    const size_t take = size < 64 ? size : 64;
    uint32_t words[16] = {};
    if (take > 0) std::memcpy(words, input, take);
    input += take;
    size -= take;
    if (size == 0) flags |= kBlake3ChunkEnd | last;
    compress(out, words, static_cast<uint32_t>(take), counter, flags);
    flags &= ~kBlake3ChunkStart;
  } while (size > 0);
}

}  // namespace

const char* blake3_kernel_name() {
  return choice().name;
}

bool use_blake3_kernel(const char* name) {
  if (std::strcmp(name, "avx512") == 0 && has_avx512()) return chosen = &kAvx512, true;
  if (std::strcmp(name, "avx2") == 0 && has_avx2()) return chosen = &kAvx2, true;
  if (std::strcmp(name, "plain") == 0) return chosen = &kPlain, true;
  return false;
}

std::array<uint8_t, 32> blake3_keyed(const Blake3Key& key_bytes, std::span<const std::byte> input) {
  uint32_t key[8];
  std::memcpy(key, key_bytes.data(), sizeof key);
  std::array<uint8_t, 32> out;
  uint32_t root[8];
  if (input.size() <= static_cast<size_t>(kBlake3Leaf)) {
    hash_leaf(input.data(), input.size(), 0, kBlake3Root, key, root);
    std::memcpy(out.data(), root, sizeof root);
    return out;
  }
  const auto& kernels = *choice().kernels;
  const size_t leaves = (input.size() + kBlake3Leaf - 1) / kBlake3Leaf, whole = input.size() / kBlake3Leaf;
  uint32_t stack[kStackLeaves * 8];
  std::vector<uint32_t> heap;
  uint32_t* values = stack;
  if (leaves > kStackLeaves) {
    heap.resize(leaves * 8);
    values = heap.data();
  }
  kernels.leaves(reinterpret_cast<const uint8_t*>(input.data()), static_cast<int64_t>(whole), key, values);
  if (whole < leaves)
    hash_leaf(input.data() + whole * kBlake3Leaf, input.size() - whole * kBlake3Leaf, whole, 0, key,
              values + whole * 8);
  // Level by level; an odd one rises unchanged. That is BLAKE3's tree: left subtrees are complete.
  size_t count = leaves;
  while (count > 2) {
    kernels.parents(values, static_cast<int64_t>(count / 2), key, values);
    if (count % 2 == 1) std::memmove(values + count / 2 * 8, values + (count - 1) * 8, 32);
    count = (count + 1) / 2;
  }
  std::memcpy(root, key, sizeof root);
  compress(root, values, 64, 0, kBlake3Keyed | kBlake3Parent | kBlake3Root);
  std::memcpy(out.data(), root, sizeof root);
  return out;
}

}  // namespace hearth::xet
