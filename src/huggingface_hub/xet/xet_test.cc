// The codec against hf_xet 1.8.0's own values: hashes, chunks, xorbs and shards of a file that Python's generator
// makes.
#include <doctest/doctest.h>

#include <random>
#include <sstream>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "huggingface_hub/xet/blake3.h"
#include "huggingface_hub/xet_chunker.h"
#include "huggingface_hub/xet_shard.h"
#include "huggingface_hub/xet_xorb.h"

namespace hearth::xet {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// random.Random(1).randbytes(3_000_000) + 500_000 zeros: CPython's generator is std::mt19937 seeded by init_by_array
/// with the one word 1; randbytes takes 32 bits a word, least significant byte first.
std::string sample() {
  // init_by_array([1]) on a state of init_genrand(19650218).
  constexpr size_t n = 624;
  std::array<uint32_t, n> mt{};
  mt[0] = 19650218u;
  for (uint32_t i = 1; i < n; ++i) mt[i] = 1812433253u * (mt[i - 1] ^ (mt[i - 1] >> 30)) + i;
  uint32_t i = 1;
  for (size_t k = n; k > 0; --k) {
    mt[i] = (mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * 1664525u)) + 1u;
    if (++i >= n) mt[0] = mt[n - 1], i = 1;
  }
  for (size_t k = n - 1; k > 0; --k) {
    mt[i] = (mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * 1566083941u)) - i;
    if (++i >= n) mt[0] = mt[n - 1], i = 1;
  }
  mt[0] = 0x80000000u;
  std::string state;
  for (const auto word : mt) state += cat(word, " ");
  std::mt19937 generator;
  std::istringstream(state + "624") >> generator;
  std::string out;
  for (int k = 0; k < 750'000; ++k) {
    const uint32_t word = generator();
    out.append(reinterpret_cast<const char*>(&word), 4);
  }
  return out + std::string(500'000, '\0');
}

struct Cut {
  std::vector<TreeEntry> chunks;
  std::vector<std::string_view> bytes;
};
Cut cut(std::string_view text) {
  Cut out;
  while (!text.empty()) {
    const auto length = chunk_length(bytes_of(text));
    out.bytes.push_back(text.substr(0, length));
    out.chunks.push_back({chunk_hash(bytes_of(out.bytes.back())), length});
    text.remove_prefix(length);
  }
  return out;
}

std::string xorb_of(const Cut& file, size_t count, Scheme scheme) {
  std::string out;
  for (size_t i = 0; i < count; ++i) append_chunk(out, bytes_of(file.bytes[i]), scheme);
  return out;
}

}  // namespace

TEST_CASE("xet: a small file's hashes") {
  const auto one = cut("Hello World!");
  REQUIRE(one.chunks.size() == 1);
  const auto hash = one.chunks[0].hash;
  CHECK(hash.hex() == "d8d408e608fb9ca213b9909a65d86d725f2de4d8d540324be8a363e7a6e228cb");
  CHECK(xorb_hash(one.chunks) == hash);
  CHECK(file_hash(hash).hex() == "a9dae0ad88b060bdd7e7c87abdcf95b132c95a0414b06d4f6beb68d287b87165");
  CHECK(file_hash(Hash{}).zero());
  CHECK(parse_hash(hash.hex()) == hash);
  CHECK(!parse_hash(hash.hex().substr(1)));
  CHECK(!parse_hash(std::string(64, 'g')));
}

TEST_CASE("xet: chunks, xorb and file of a sample are those of hf_xet, with every kernel") {
  const auto text = sample();
  REQUIRE(sha256_hex(text) == "93ebaa19f014421cee03eb5082ec2b9acd73c37f4366bbb09f17222e36aa9374");
  const std::string best = blake3_kernel_name();
  for (const auto* kernel : {"plain", "avx2", "avx512"}) {
    if (!use_blake3_kernel(kernel)) continue;
    INFO(kernel);
    const auto file = cut(text);
    REQUIRE(file.chunks.size() == 58);
    CHECK(file.chunks[0].size_bytes == 43634);
    CHECK(file.chunks[1].size_bytes == 131072);
    CHECK(file.chunks[2].size_bytes == 58382);
    CHECK(file.chunks[3].size_bytes == 117044);
    CHECK(file.chunks[56].size_bytes == 131072);
    CHECK(file.chunks[57].size_bytes == 125232);
    CHECK(file.chunks[0].hash.hex() == "11e3056dc77e48ed221121b4eff48e92f8230ac05462778a4d44214305232998");
    auto unique = file.chunks;
    CHECK(unique[55].hash == unique[56].hash);
    unique.erase(unique.begin() + 56);
    CHECK(xorb_hash(unique).hex() == "3384516f41936cff65c1775dc160e81f39238c7b778656cc3ab78144ec469acb");
    CHECK(file_hash(xorb_hash(file.chunks)).hex() ==
          "81a64e3db466e811e7af545494d03288220e7e8031b809634131ff4e711f852f");
  }
  CHECK(use_blake3_kernel(best.c_str()));
}

TEST_CASE("xet: a xorb comes back chunk by chunk, whatever its compression") {
  const auto text = sample();
  const auto file = cut(text);
  for (const auto scheme : {Scheme::none, Scheme::lz4, Scheme::grouped_lz4}) {
    const auto packed = xorb_of(file, file.chunks.size(), scheme);
    if (scheme != Scheme::none) CHECK(packed.size() < text.size() - 490'000);
    auto table = read_xorb(bytes_of(packed));
    REQUIRE(table.ok());
    CHECK(table->hash == xorb_hash(file.chunks));
    CHECK(table->size_bytes() == text.size());
    CHECK(table->packed_bytes() == packed.size());
    const auto stored = packed + format_xorb_footer(*table);
    CHECK(read_xorb(bytes_of(stored))->hash == table->hash);
    for (const size_t piece : {1, 7, 8, 9, 65'536, 3'000'000}) {
      XorbReader reader;
      for (std::string_view rest = stored; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
        REQUIRE(reader.add(bytes_of(rest.substr(0, piece))).ok());
      const auto pieced = reader.finish();
      REQUIRE(pieced.ok());
      CHECK(pieced->hash == table->hash);
      CHECK(pieced->packed_bytes() == table->packed_bytes());
    }
    const auto view = XorbView::open(bytes_of(stored));
    REQUIRE(view.ok());
    REQUIRE(view->count() == file.chunks.size());
    std::string again;
    Unpacker unpacker;
    for (size_t i = 0; i < view->count(); ++i) {
      CHECK(view->hash(i) == file.chunks[i].hash);
      CHECK(view->chunk_at(view->size_begin(i)) == i);
      CHECK(view->chunk_at(view->size_end(i) - 1) == i);
      const auto at = bytes_of(stored).subspan(view->packed_begin(i));
      const auto header = read_chunk_header(at);
      REQUIRE(header.ok());
      const auto chunk = unpacker.unpack(*header, at.subspan(kChunkHeader, header->packed_bytes));
      REQUIRE(chunk.ok());
      again.append(reinterpret_cast<const char*>(chunk->data()), chunk->size());
    }
    CHECK(again == text);
  }
}

TEST_CASE("xet: bytes of every length mod 4 come back from grouping") {
  for (const size_t extra : {0, 1, 2, 3}) {
    std::string text;
    for (size_t i = 0; i < 4000 + extra; ++i) text.push_back(static_cast<char>(i % 4 == 3 ? 63 : i / 7 * (i % 4)));
    std::string packed;
    append_chunk(packed, bytes_of(text), Scheme::grouped_lz4);
    REQUIRE(packed.size() < text.size());
    Unpacker unpacker;
    const auto header = read_chunk_header(bytes_of(packed));
    REQUIRE(header.ok());
    CHECK(header->scheme == Scheme::grouped_lz4);
    const auto back = unpacker.unpack(*header, bytes_of(packed).subspan(kChunkHeader));
    REQUIRE(back.ok());
    CHECK(std::string_view(reinterpret_cast<const char*>(back->data()), back->size()) == text);
  }
}

TEST_CASE("xet: a xorb that lies is refused") {
  const auto text = sample();
  const auto file = cut(text);
  const auto good = xorb_of(file, 3, Scheme::lz4);
  const auto refused = [](std::string bytes) { return !read_xorb(bytes_of(bytes)).ok(); };
  CHECK(!refused(good));
  CHECK(refused(""));
  CHECK(refused(good.substr(0, good.size() - 1)));
  for (const size_t kept : {3, 8, 9, 100'000}) {
    XorbReader reader;
    CHECK(reader.add(bytes_of(good).first(kept)).ok());
    CHECK(!reader.finish().ok());
  }
  CHECK(refused(good + std::string(3, '\0')));
  auto changed = good;
  changed[4] = 3;  // a scheme that is not known
  CHECK(refused(changed));
  changed = good;
  changed[5] = static_cast<char>(changed[5] + 1);  // a size that the bytes do not have
  CHECK(refused(changed));
  std::string bomb(200'000, 'a'), packed;  // more than a chunk may have behind a header that says less
  append_chunk(packed, bytes_of(bomb).first(kChunkMax), Scheme::lz4);
  packed[5] = 100, packed[6] = 0, packed[7] = 0;
  CHECK(refused(packed));
  changed = good;
  changed[good.size() / 2] ^= 1;  // one bit: another chunk, so another name
  const auto other = read_xorb(bytes_of(changed));
  CHECK((!other.ok() || other->hash != read_xorb(bytes_of(good))->hash));
}

TEST_CASE("xet: the tree of many chunks does not depend on when its groups are cut") {
  std::mt19937_64 random(7);
  std::vector<TreeEntry> chunks(5000);
  for (auto& chunk : chunks) {
    for (int word = 0; word < 4; ++word) {
      const uint64_t value = random();
      std::memcpy(chunk.hash.bytes.data() + 8 * word, &value, 8);
    }
    chunk.size_bytes = random() % 100'000;
  }
  const auto key_bytes = from_hex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f");
  REQUIRE(key_bytes.ok());
  Blake3Key node_key;
  std::memcpy(node_key.data(), key_bytes->data(), 32);
  // The definition, written as it reads: whole levels at once.
  const auto by_levels = [&](std::vector<TreeEntry> level) {
    while (level.size() > 1) {
      std::vector<TreeEntry> next;
      for (size_t at = 0; at < level.size();) {
        const size_t left = level.size() - at;
        size_t take = left;
        if (left > 2) {
          take = std::min<size_t>(9, left);
          for (size_t i = 2; i < take; ++i)
            if (level[at + i].hash.word(3) % 4 == 0) take = i + 1;
        }
        std::string text;  // a group of one is a group too
        uint64_t size = 0;
        for (size_t i = 0; i < take; ++i) {
          text += cat(level[at + i].hash.hex(), " : ", level[at + i].size_bytes, "\n");
          size += level[at + i].size_bytes;
        }
        next.push_back({Hash{blake3_keyed(node_key, bytes_of(text))}, size});
        at += take;
      }
      level = next;
    }
    return level[0].hash;
  };
  for (const size_t count : {2, 3, 9, 10, 11, 100, 4999, 5000}) {
    INFO(count);
    const std::vector<TreeEntry> some(chunks.begin(), chunks.begin() + static_cast<ptrdiff_t>(count));
    CHECK(xorb_hash(some) == by_levels(some));
  }
}

TEST_CASE("xet: the sample's shard has the size that hf_xet sends, and reads back") {
  Shard shard;
  const auto sampled = sample();
  const auto file = cut(sampled);
  std::vector<Hash> hashes;
  ShardXorb xorb{.hash = {}, .size_bytes = 3368928, .packed_bytes = 3002088, .chunks = {}};
  for (size_t i = 0; i < 58; ++i) {
    if (i == 56) continue;
    xorb.chunks.push_back({file.chunks[i].hash, 0, static_cast<uint32_t>(file.chunks[i].size_bytes)});
    hashes.push_back(file.chunks[i].hash);
  }
  ShardFile entry{.hash = {}, .segments = {}, .range_hashes = {}, .sha256 = Hash{}};
  entry.segments = {{xorb.hash, 3243696, 0, 56}, {xorb.hash, 256304, 55, 57}};
  entry.range_hashes = {range_hash(std::span(hashes).first(56)), range_hash(std::span(hashes).subspan(55))};
  shard.files = {entry};
  shard.xorbs = {xorb};
  const auto text = write_shard(shard, std::nullopt);
  CHECK(text.size() == 3216);
  const auto read = read_shard(bytes_of(text));
  REQUIRE(read.ok());
  REQUIRE(read->files.size() == 1);
  CHECK(read->files[0].range_hashes == entry.range_hashes);
  CHECK(read->files[0].segments[1].chunk_begin == 55);
  REQUIRE(read->xorbs.size() == 1);
  CHECK(read->xorbs[0].chunks.size() == 57);
  CHECK(read->xorbs[0].packed_bytes == 3002088);

  const auto answer =
      write_shard(shard, ShardFooter{.hmac_key = file.chunks[0].hash, .created_s = 1, .key_expires_s = 2});
  CHECK(answer.size() == 3216 + 200);
  const auto keyed = read_shard(bytes_of(answer));
  REQUIRE(keyed.ok());
  CHECK(keyed->hmac_key == file.chunks[0].hash);
  CHECK(keyed->xorbs[0].chunks[1].hash == keyed_hash(file.chunks[0].hash, hashes[1]));
  for (size_t length = 0; length < text.size(); length += 47) CHECK(!read_shard(bytes_of(text).first(length)).ok());
}

}  // namespace hearth::xet
