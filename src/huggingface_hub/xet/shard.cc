#include "huggingface_hub/xet_shard.h"

#include <cstring>

#include "base/text.h"

namespace hearth::xet {
namespace {

constexpr size_t kRecord = 48, kFooter = 200;
constexpr uint64_t kVersion = 2, kFooterVersion = 1;
constexpr uint8_t kTag[32] = {'H',  'F',  'R',  'e',  'p',  'o',  'M',  'e',  't',  'a',  'D',
                              'a',  't',  'a',  0x00, 0x55, 0x69, 0x67, 0x45, 0x6a, 0x7b, 0x81,
                              0x57, 0x83, 0xa5, 0xbd, 0xd9, 0x5c, 0xcd, 0xd1, 0x4a, 0xa9};
constexpr uint32_t kWithRanges = 1u << 31, kWithSha256 = 1u << 30, kGlobalDedup = 1u << 31;

Status broken(std::string_view why) {
  return Status(Code::bad_input, cat("the shard is malformed: ", why));
}

/// Reads records one after another; never past the end.
class Records {
 public:
  explicit Records(std::span<const std::byte> bytes) : bytes_(bytes) {}
  Result<const std::byte*> next() {
    if (bytes_.size() - at_ < kRecord) return broken("it ends inside a record");
    at_ += kRecord;
    return &bytes_[at_ - kRecord];
  }
  /// How many records at most are left: no list is made longer.
  size_t left() const { return (bytes_.size() - at_) / kRecord; }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

template <class N>
N number(const std::byte* at) {
  N out;
  std::memcpy(&out, at, sizeof out);
  return out;
}

Hash hash_of(const std::byte* at) {
  Hash out;
  std::memcpy(out.bytes.data(), at, 32);
  return out;
}

bool is_bookend(const std::byte* record) {
  for (size_t i = 0; i < 32; ++i)
    if (record[i] != std::byte{0xFF}) return false;
  return true;
}

Result<ShardFile> read_file(const std::byte* head, Records& records) {
  ShardFile out;
  out.hash = hash_of(head);
  const auto flags = number<uint32_t>(head + 32), count = number<uint32_t>(head + 36);
  if (count > records.left()) return broken("a file has more segments than there is room for");
  out.segments.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    const auto* r = TRY(records.next());
    out.segments.push_back({hash_of(r), number<uint32_t>(r + 36), number<uint32_t>(r + 40), number<uint32_t>(r + 44)});
  }
  if (flags & kWithRanges) {
    if (count > records.left()) return broken("it ends inside a file's range hashes");
    out.range_hashes.reserve(count);
    for (uint32_t i = 0; i < count; ++i) out.range_hashes.push_back(hash_of(TRY(records.next())));
  }
  if (flags & kWithSha256) out.sha256 = hash_of(TRY(records.next()));
  return out;
}

Result<ShardXorb> read_xorb_entry(const std::byte* head, Records& records) {
  ShardXorb out;
  out.hash = hash_of(head);
  const auto count = number<uint32_t>(head + 36);
  out.size_bytes = number<uint32_t>(head + 40);
  out.packed_bytes = number<uint32_t>(head + 44);
  if (count > records.left()) return broken("a xorb has more chunks than there is room for");
  out.chunks.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    const auto* r = TRY(records.next());
    out.chunks.push_back({hash_of(r), number<uint32_t>(r + 32), number<uint32_t>(r + 36)});
  }
  return out;
}

class Writer {
 public:
  void hash(const Hash& hash) { out.append(reinterpret_cast<const char*>(hash.bytes.data()), 32); }
  template <class N>
  void number(N value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void u32(size_t value) { number(static_cast<uint32_t>(value)); }
  void u64(uint64_t value) { number(value); }
  void bookend() {
    out.append(32, '\xFF');
    out.append(16, '\0');
  }
  std::string out;
};

void write_file_entry(Writer& w, const ShardFile& file) {
  const bool ranges = !file.range_hashes.empty();
  VERIFY(!ranges || file.range_hashes.size() == file.segments.size(), "a range hash each segment");
  w.hash(file.hash);
  w.u32((ranges ? kWithRanges : 0) | (file.sha256 ? kWithSha256 : 0));
  w.u32(file.segments.size());
  w.u64(0);
  for (const auto& segment : file.segments) {
    w.hash(segment.xorb);
    w.u32(0);
    w.u32(segment.size_bytes);
    w.u32(segment.chunk_begin);
    w.u32(segment.chunk_end);
  }
  for (const auto& hash : file.range_hashes) {
    w.hash(hash);
    w.out.append(16, '\0');
  }
  if (file.sha256) {
    w.hash(*file.sha256);
    w.out.append(16, '\0');
  }
}

void write_xorb_entry(Writer& w, const ShardXorb& xorb, const Hash* key) {
  w.hash(xorb.hash);
  w.u32(0);
  w.u32(xorb.chunks.size());
  w.u32(xorb.size_bytes);
  w.u32(xorb.packed_bytes);
  for (const auto& chunk : xorb.chunks) {
    w.hash(key ? keyed_hash(*key, chunk.hash) : chunk.hash);
    w.u32(chunk.size_begin);
    w.u32(chunk.size_bytes);
    w.u32(globally_deduplicated(chunk.hash) ? kGlobalDedup : 0);
    w.u32(0);
  }
}

}  // namespace

Result<Shard> read_shard(std::span<const std::byte> bytes) {
  if (bytes.size() < kRecord) return broken("it is shorter than a header");
  if (std::memcmp(bytes.data(), kTag, sizeof kTag) != 0) return broken("it does not begin with a shard's tag");
  if (const auto version = number<uint64_t>(&bytes[32]); version != kVersion)
    return broken(cat("version ", version, " is not known (2)"));
  const auto footer_bytes = number<uint64_t>(&bytes[40]);
  Shard out;
  if (footer_bytes != 0) {
    if (footer_bytes != kFooter || bytes.size() < kRecord + kFooter) return broken("its footer's size is wrong");
    const auto* footer = &bytes[bytes.size() - kFooter];
    if (number<uint64_t>(footer) != kFooterVersion) return broken("its footer's version is not known (1)");
    if (const auto key = hash_of(footer + 72); !key.zero()) out.hmac_key = key;
    bytes = bytes.first(bytes.size() - kFooter);
  }
  Records records(bytes.subspan(kRecord));
  for (const auto* r = TRY(records.next()); !is_bookend(r); r = TRY(records.next()))
    out.files.push_back(TRY(read_file(r, records)));
  for (const auto* r = TRY(records.next()); !is_bookend(r); r = TRY(records.next()))
    out.xorbs.push_back(TRY(read_xorb_entry(r, records)));
  return out;
}

std::string write_shard(const Shard& shard, const std::optional<ShardFooter>& footer) {
  Writer w;
  w.out.append(reinterpret_cast<const char*>(kTag), sizeof kTag);
  w.u64(kVersion);
  w.u64(footer ? kFooter : 0);
  for (const auto& file : shard.files) write_file_entry(w, file);
  w.bookend();
  const uint64_t xorbs_at = w.out.size();
  uint64_t packed = 0, size = 0;
  for (const auto& xorb : shard.xorbs) {
    write_xorb_entry(w, xorb, footer && footer->hmac_key ? &*footer->hmac_key : nullptr);
    packed += xorb.packed_bytes;
    size += xorb.size_bytes;
  }
  w.bookend();
  if (!footer) return std::move(w.out);
  const uint64_t end = w.out.size();
  w.u64(kFooterVersion);
  w.u64(kRecord);
  w.u64(xorbs_at);
  for (int table = 0; table < 3; ++table) {  // of files, xorbs, chunks: none, readers make their own
    w.u64(end);
    w.u64(0);
  }
  w.hash(footer->hmac_key.value_or(Hash{}));
  w.u64(static_cast<uint64_t>(footer->created_s));
  w.u64(static_cast<uint64_t>(footer->key_expires_s));
  for (int i = 0; i < 6; ++i) w.u64(0);
  w.u64(packed);
  w.u64(size);
  w.u64(size);
  w.u64(end);
  return std::move(w.out);
}

}  // namespace hearth::xet
