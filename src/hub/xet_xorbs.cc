// Xorbs in the object store: taking them in, and opening them.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/xet.h"

namespace hearth::hub {
namespace {

Status write_footer(const std::string& path, const xet::XorbTable& table) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return errno_status("cannot write", path);
  if (::ftruncate(fd.get(), table.packed_bytes()) != 0 || ::lseek(fd.get(), 0, SEEK_END) < 0)
    return errno_status("cannot write", path);
  return write_all(fd.get(), xet::format_xorb_footer(table), path);
}

}  // namespace

Result<std::shared_ptr<const OpenXorb>> OpenXorb::open(const Hub& hub, const std::string& hash) {
  auto path = hub.blobs().local_path(store::ObjectName::xorb(hash));
  if (path.ok()) {
    auto mapped = TRY(MappedFile::open(*path));
    const auto view = TRY(xet::XorbView::open(mapped.bytes()));
    if (view.packed_end(view.count() - 1) > mapped.bytes().size())
      return Status(Code::io, cat("stored xorb ", hash, " is damaged: its footer names bytes that it does not have"));
    std::shared_ptr<OpenXorb> out(new OpenXorb(std::move(mapped), view));
    out->path_ = *path;
    out->file_ = std::make_shared<const Fd>(TRY(open_read(*path)));
    return std::shared_ptr<const OpenXorb>(std::move(out));
  }
  if (path.status().code() != Code::not_found) return std::move(path).status();
  const auto row = TRY(hub.db().query_one(
      "SELECT source_sha256, source_offset FROM xet_xorbs WHERE hash = $1 AND source_sha256 <> ''", {hash}));
  if (!row) return Status(Code::not_found, cat("xorb ", hash, " is not stored here"));
  auto table = TRY(MappedFile::open(TRY(hub.blobs().local_path(store::ObjectName("xorbtables", hash)))));
  const auto view = TRY(xet::XorbView::open(table.bytes()));
  const auto part = TRY(hub.blobs().local_part((*row)[0].text(), static_cast<uint64_t>((*row)[1].integer()),
                                               view.size_end(view.count() - 1)));
  auto source = TRY(MappedFile::open(part.path));
  if (part.offset + view.size_end(view.count() - 1) > source.bytes().size())
    return Status(Code::io, cat("stored file ", (*row)[0].text(), " is shorter than its xorb ", hash, " says"));
  std::shared_ptr<OpenXorb> out(new OpenXorb(std::move(table), view));
  out->path_ = part.path;
  out->file_ = std::make_shared<const Fd>(TRY(open_read(part.path)));
  out->source_ = std::move(source);
  out->source_offset_ = part.offset;
  return std::shared_ptr<const OpenXorb>(std::move(out));
}

Result<std::span<const std::byte>> OpenXorb::chunk(size_t index, xet::Unpacker& unpacker) const {
  if (source_)
    return source_->bytes().subspan(source_offset_ + table_.size_begin(index),
                                    table_.size_end(index) - table_.size_begin(index));
  const auto packed =
      table_file_.bytes().subspan(table_.packed_begin(index), table_.packed_end(index) - table_.packed_begin(index));
  const auto header = TRY(xet::read_chunk_header(packed));
  return unpacker.unpack(header, packed.subspan(xet::kChunkHeader));
}

Result<std::span<const std::byte>> OpenXorb::chunk(size_t index, size_t chunk_end, FileWindow& window,
                                                   xet::Unpacker& unpacker) const {
  TRY(window.show(path_));
  if (source_)
    return window.read(source_offset_ + table_.size_begin(index), source_offset_ + table_.size_end(index),
                       source_offset_ + table_.size_end(chunk_end - 1));
  const auto packed =
      TRY(window.read(table_.packed_begin(index), table_.packed_end(index), table_.packed_end(chunk_end - 1)));
  const auto header = TRY(xet::read_chunk_header(packed));
  return unpacker.unpack(header, packed.subspan(xet::kChunkHeader));
}

Status OpenXorb::append(std::vector<Piece>& out, size_t index, uint32_t from, uint32_t to,
                        xet::Unpacker& unpacker) const {
  const auto add_file = [&](uint64_t offset) {
    auto* last = out.empty() ? nullptr : &out.back();
    if (last && last->file == file_ && last->offset + last->length == offset)
      last->length += to - from;
    else
      out.push_back({.file = file_, .offset = offset, .length = to - from});
  };
  if (source_) {
    add_file(source_offset_ + table_.size_begin(index) + from);
    return {};
  }
  const uint32_t begin = table_.packed_begin(index);
  const auto packed = table_file_.bytes().subspan(begin, table_.packed_end(index) - begin);
  const auto header = TRY(xet::read_chunk_header(packed));
  if (header.scheme == xet::Scheme::none) {
    add_file(begin + xet::kChunkHeader + from);
    return {};
  }
  const auto bytes = TRY(unpacker.unpack(header, packed.subspan(xet::kChunkHeader)));
  if (to > bytes.size()) return Status(Code::io, "a stored chunk is shorter than its xorb's footer says");
  if (out.empty() || out.back().file) out.emplace_back();
  out.back().bytes.append(reinterpret_cast<const char*>(bytes.data()) + from, to - from);
  return {};
}

void OpenXorb::append_packed(std::vector<Piece>& out, uint32_t from, uint32_t to) const {
  if (!source_) {
    out.push_back({.file = file_, .offset = from, .length = to - from});
    return;
  }
  // Headers are made up, the chunks lie one after another in the file.
  for (size_t i = 0; i < table_.count() && from < to; ++i) {
    if (table_.packed_end(i) <= from) continue;
    const uint32_t begin = table_.packed_begin(i), size = table_.size_end(i) - table_.size_begin(i);
    uint32_t at = from - begin;
    if (at < xet::kChunkHeader) {
      std::string header;
      xet::append_chunk_header(header, {size, size, xet::Scheme::none});
      const auto take = std::min<uint32_t>(xet::kChunkHeader - at, to - from);
      if (out.empty() || out.back().file) out.emplace_back();
      out.back().bytes.append(header, at, take);
      from += take;
      at += take;
    }
    const auto take = std::min<uint32_t>(table_.packed_end(i), to) - from;
    if (take == 0) continue;
    out.push_back(
        {.file = file_, .offset = source_offset_ + table_.size_begin(i) + (at - xet::kChunkHeader), .length = take});
    from += take;
  }
}

Result<bool> put_xorb(const Hub& hub, const std::string& hash, const xet::XorbTable& table, const std::string& path) {
  auto checked =
      table.hash.hex() == hash
          ? write_footer(path, table)
          : Status(Code::bad_input, cat("the xorb's chunks make the hash ", table.hash.hex(), ", not ", hash));
  if (!checked.ok()) {
    ::unlink(path.c_str());
    return checked;
  }
  const auto size = TRY(file_size(path));
  const auto name = store::ObjectName::xorb(hash);
  const bool known = TRY(hub.blobs().has(name));
  // The row first: a collector that looks between the two finds a young xorb. What a row names is looked for in the
  // store before it is believed.
  TRY(hub.db().execute(
      "INSERT INTO xet_xorbs (hash, packed_bytes, size_bytes, chunk_count, used_ms) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (hash) DO UPDATE SET used_ms = excluded.used_ms",
      {hash, table.packed_bytes(), table.size_bytes(), static_cast<int64_t>(table.chunks.size()), now_ms()}));
  TRY(hub.blobs().adopt(path, name, size));
  return !known;
}

}  // namespace hearth::hub
