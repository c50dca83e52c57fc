#include "huggingface_hub/xet_xorb.h"

#include <lz4frame.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace hearth::xet {
namespace {

constexpr uint32_t kPackedMax = 2 * kChunkMax;
constexpr std::string_view kFooterMark = "XETBLOB", kHashesMark = "XBLBHSH", kBoundariesMark = "XBLBBND";
// Of a footer for n chunks: 40 n + this.
constexpr size_t kFooterFixed = (7 + 1 + 32) + (7 + 1 + 4) + (7 + 1 + 4) + 12 + 16;

Status broken(std::string_view why) {
  return Status(Code::bad_input, cat("the xorb is malformed: ", why));
}

uint32_t read_u24(const std::byte* at) {
  return std::to_integer<uint32_t>(at[0]) | std::to_integer<uint32_t>(at[1]) << 8 |
         std::to_integer<uint32_t>(at[2]) << 16;
}

uint32_t read_u32(const std::byte* at) {
  uint32_t out;
  std::memcpy(&out, at, 4);
  return out;
}

void append_u32(std::string& out, size_t value) {
  const auto number = static_cast<uint32_t>(value);
  out.append(reinterpret_cast<const char*>(&number), 4);
}

bool has_mark(std::span<const std::byte> bytes, size_t at, std::string_view mark) {
  return bytes.size() >= at + mark.size() && std::memcmp(bytes.data() + at, mark.data(), mark.size()) == 0;
}

// Bytes 0, 4, 8, ... first, then 1, 5, 9, ...: what floating-point numbers have in common comes together. Early groups
// hold the remainder.
void group_bytes(std::span<const std::byte> in, std::byte* out) {
  for (size_t part = 0; part < 4; ++part)
    for (size_t i = part; i < in.size(); i += 4) *out++ = in[i];
}

void ungroup_bytes(std::span<const std::byte> in, std::byte* out) {
  const size_t quarter = in.size() / 4, rest = in.size() % 4;
  const std::byte* parts[4];
  const std::byte* at = in.data();
  for (size_t part = 0; part < 4; ++part) {
    parts[part] = at;
    at += quarter + (part < rest ? 1 : 0);
  }
  for (size_t i = 0; i < quarter; ++i)
    for (size_t part = 0; part < 4; ++part) out[4 * i + part] = parts[part][i];
  for (size_t part = 0; part < rest; ++part) out[4 * quarter + part] = parts[part][quarter];
}

}  // namespace

Result<ChunkHeader> read_chunk_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kChunkHeader) return broken("it ends inside a chunk's header");
  if (bytes[0] != std::byte{0})
    return broken(cat("chunk header version ", std::to_integer<int>(bytes[0]), " is not known (0)"));
  const int scheme = std::to_integer<int>(bytes[4]);
  if (scheme > 2) return broken(cat("compression scheme ", scheme, " is not known (0, 1, 2)"));
  const ChunkHeader out{
      .packed_bytes = read_u24(&bytes[1]), .size_bytes = read_u24(&bytes[5]), .scheme = static_cast<Scheme>(scheme)};
  if (out.size_bytes == 0 || out.size_bytes > kChunkMax)
    return broken(cat("a chunk of ", out.size_bytes, " bytes; it has 1 to ", kChunkMax));
  if (out.packed_bytes == 0 || out.packed_bytes > kPackedMax)
    return broken(cat("a chunk packed in ", out.packed_bytes, " bytes; the limit is ", kPackedMax));
  return out;
}

void append_chunk_header(std::string& out, const ChunkHeader& header) {
  const auto u24 = [&](uint32_t value) {
    out.push_back(static_cast<char>(value));
    out.push_back(static_cast<char>(value >> 8));
    out.push_back(static_cast<char>(value >> 16));
  };
  out.push_back(0);
  u24(header.packed_bytes);
  out.push_back(static_cast<char>(header.scheme));
  u24(header.size_bytes);
}

void append_chunk(std::string& out, std::span<const std::byte> chunk, Scheme scheme) {
  VERIFY(!chunk.empty() && chunk.size() <= kChunkMax, "the chunker cut it");
  const auto size = static_cast<uint32_t>(chunk.size());
  if (scheme != Scheme::none) {
    std::vector<std::byte> grouped;
    auto input = chunk;
    if (scheme == Scheme::grouped_lz4) {
      grouped.resize(chunk.size());
      group_bytes(chunk, grouped.data());
      input = grouped;
    }
    std::string packed(LZ4F_compressFrameBound(input.size(), nullptr), '\0');
    const size_t length = LZ4F_compressFrame(packed.data(), packed.size(), input.data(), input.size(), nullptr);
    if (LZ4F_isError(length) == 0 && length < chunk.size()) {
      append_chunk_header(out, {static_cast<uint32_t>(length), size, scheme});
      out.append(packed, 0, length);
      return;
    }
  }
  append_chunk_header(out, {size, size, Scheme::none});
  out.append(reinterpret_cast<const char*>(chunk.data()), chunk.size());
}

struct Unpacker::State {
  State() { VERIFY(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) == 0, "memory for LZ4"); }
  ~State() { LZ4F_freeDecompressionContext(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  LZ4F_dctx* context = nullptr;
  std::byte unpacked[kChunkMax];
  std::byte grouped[kChunkMax];
};

Unpacker::Unpacker() : state_(std::make_unique<State>()) {}
Unpacker::~Unpacker() = default;
Unpacker::Unpacker(Unpacker&&) noexcept = default;

Result<std::span<const std::byte>> Unpacker::unpack(const ChunkHeader& header, std::span<const std::byte> packed) {
  if (packed.size() != header.packed_bytes) return broken("a chunk is cut short");
  if (header.scheme == Scheme::none) {
    if (packed.size() != header.size_bytes) return broken("an unpacked chunk's two sizes differ");
    return packed;
  }
  auto& s = *state_;
  std::byte* out = header.scheme == Scheme::lz4 ? s.unpacked : s.grouped;
  LZ4F_resetDecompressionContext(s.context);
  LZ4F_decompressOptions_t options{};
  options.stableDst = 1;  // it may refer back to what it wrote: `out` does not move
  size_t taken = 0, made = 0;
  for (;;) {
    size_t in = packed.size() - taken, space = header.size_bytes - made;
    const size_t more = LZ4F_decompress(s.context, out + made, &space, packed.data() + taken, &in, &options);
    if (LZ4F_isError(more) != 0) return broken(cat("LZ4: ", std::string_view(LZ4F_getErrorName(more))));
    taken += in;
    made += space;
    if (more == 0) break;
    if (in == 0 && space == 0) return broken("a packed chunk does not end where its header says");
  }
  if (taken != packed.size() || made != header.size_bytes)
    return broken(cat("a chunk unpacks to ", made, " bytes, its header says ", header.size_bytes));
  if (header.scheme == Scheme::lz4) return std::span<const std::byte>(s.unpacked, made);
  ungroup_bytes({s.grouped, made}, s.unpacked);
  return std::span<const std::byte>(s.unpacked, made);
}

Status XorbReader::read_chunk(const ChunkHeader& header, std::span<const std::byte> packed) {
  const auto chunk = TRY(unpacker_.unpack(header, packed));
  packed_bytes_ += kChunkHeader + header.packed_bytes;
  size_bytes_ += header.size_bytes;
  if (size_bytes_ > kXorbMax) return broken(cat("its chunks have more than ", kXorbMax, " bytes"));
  if (table_.chunks.size() == kXorbChunksMax) return broken(cat("it has more than ", kXorbChunksMax, " chunks"));
  const XorbChunk row{chunk_hash(chunk), static_cast<uint32_t>(packed_bytes_), static_cast<uint32_t>(size_bytes_)};
  tree_.add({row.hash, header.size_bytes});
  table_.chunks.push_back(row);
  return {};
}

// Takes the whole chunks that `bytes` begin with; how many bytes those are.
Result<size_t> XorbReader::add_chunks(std::span<const std::byte> bytes) {
  size_t at = 0;
  while (bytes.size() - at >= kChunkHeader) {
    in_footer_ = has_mark(bytes, at, kFooterMark);
    if (in_footer_) break;
    const auto header = TRY(read_chunk_header(bytes.subspan(at)));
    if (header.packed_bytes > bytes.size() - at - kChunkHeader) break;
    TRY(read_chunk(header, bytes.subspan(at + kChunkHeader, header.packed_bytes)));
    at += kChunkHeader + header.packed_bytes;
  }
  return at;
}

Status XorbReader::add(std::span<const std::byte> bytes) {
  // The chunk that the last piece broke off: its header first, then what that says.
  while (!part_.empty() && !bytes.empty() && !in_footer_) {
    size_t whole = kChunkHeader;
    if (part_.size() >= kChunkHeader) whole += TRY(read_chunk_header(part_)).packed_bytes;
    const auto take = std::min(whole - part_.size(), bytes.size());
    part_.insert(part_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    if (TRY(add_chunks(part_)) > 0) part_.clear();
  }
  if (in_footer_ || bytes.empty()) return {};
  const auto taken = TRY(add_chunks(bytes));
  if (!in_footer_) part_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
  return {};
}

Result<XorbTable> XorbReader::finish() {
  if (!part_.empty() && !in_footer_) return broken("it ends inside a chunk");
  if (table_.chunks.empty()) return broken("it has no chunks");
  table_.hash = tree_.finish();
  return std::move(table_);
}

Result<XorbTable> read_xorb(std::span<const std::byte> bytes) {
  XorbReader reader;
  TRY(reader.add(bytes));
  return reader.finish();
}

std::string format_xorb_footer(const XorbTable& table) {
  const size_t n = table.chunks.size();
  std::string out;
  const auto raw = [&](const Hash& hash) { out.append(reinterpret_cast<const char*>(hash.bytes.data()), 32); };
  out.append(kFooterMark);
  out.push_back(1);
  raw(table.hash);
  out.append(kHashesMark);
  out.push_back(0);
  append_u32(out, n);
  for (const auto& chunk : table.chunks) raw(chunk.hash);
  out.append(kBoundariesMark);
  out.push_back(1);
  append_u32(out, n);
  for (const auto& chunk : table.chunks) append_u32(out, chunk.packed_end);
  for (const auto& chunk : table.chunks) append_u32(out, chunk.size_end);
  append_u32(out, n);
  // Both counted back from the footer's end.
  append_u32(out, (7 + 1 + 4 + 32 * n) + (7 + 1 + 4 + 8 * n) + 12 + 16);
  append_u32(out, (7 + 1 + 4 + 8 * n) + 12 + 16);
  out.append(16, '\0');
  append_u32(out, out.size());
  return out;
}

Result<XorbView> XorbView::open(std::span<const std::byte> file) {
  if (file.size() < kFooterFixed + 4) return broken("it has no footer");
  const size_t length = read_u32(&file[file.size() - 4]);
  if (length < kFooterFixed || length > file.size() - 4) return broken("its footer's length is wrong");
  const auto footer = file.subspan(file.size() - 4 - length, length);
  const size_t count = (length - kFooterFixed) / 40, hashes_at = 7 + 1 + 32,
               boundaries_at = hashes_at + 12 + 32 * count;
  if (count == 0 || count > kXorbChunksMax || kFooterFixed + 40 * count != length ||
      !has_mark(footer, 0, kFooterMark) || !has_mark(footer, hashes_at, kHashesMark) ||
      !has_mark(footer, boundaries_at, kBoundariesMark) || footer[7] != std::byte{1} ||
      read_u32(&footer[hashes_at + 8]) != count || read_u32(&footer[boundaries_at + 8]) != count)
    return broken("its footer's parts do not fit each other");
  XorbView out;
  out.count_ = count;
  out.hashes_ = &footer[hashes_at + 12];
  out.packed_ends_ = &footer[boundaries_at + 12];
  out.size_ends_ = out.packed_ends_ + 4 * count;
  for (size_t i = 0; i < count; ++i)
    if (out.packed_end(i) <= out.packed_begin(i) || out.size_end(i) <= out.size_begin(i) ||
        out.size_end(i) - out.size_begin(i) > kChunkMax)
      return broken("its footer's offsets do not rise");
  return out;
}

Hash XorbView::hash(size_t chunk) const {
  Hash out;
  std::memcpy(out.bytes.data(), hashes_ + 32 * chunk, 32);
  return out;
}

size_t XorbView::chunk_at(uint32_t unpacked_offset) const {
  size_t low = 0, high = count_;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (size_end(middle) <= unpacked_offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace hearth::xet
