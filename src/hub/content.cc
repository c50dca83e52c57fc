#include "hub/content.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr uint64_t kBatch = 2 << 20;   // bytes made at once
constexpr size_t kPiecesMax = 256;     // parts of files in a batch
constexpr int64_t kTermsAtOnce = 128;  // rows read at once
constexpr uint64_t kReadMax = uint64_t{1} << 30;

/// Unpacks a file's range, batch by batch. Holds one xorb open at a time.
class XetPieces final : public PieceSource {
 public:
  XetPieces(const Hub& hub, XetFile file, uint64_t begin, uint64_t length)
      : hub_(hub), file_(std::move(file)), at_(begin), end_(begin + length) {}

  Result<std::vector<Piece>> next(std::stop_token stop) override {
    std::vector<Piece> out;
    for (uint64_t made = 0; at_ < end_ && made < kBatch && out.size() < kPiecesMax;) {
      if (stop.stop_requested()) return Status(Code::cancelled, "the client left");
      const auto before = at_;
      TRY(add_chunk(out));
      made += at_ - before;
    }
    return out;
  }

 private:
  Status add_chunk(std::vector<Piece>& out) {
    while (term_ < terms_.size() && terms_[term_].offset_bytes + terms_[term_].size_bytes <= at_) ++term_, xorb_ = {};
    if (term_ == terms_.size()) {
      terms_ = TRY(xet_terms(hub_, file_.hash, at_, end_, kTermsAtOnce));
      term_ = 0;
      if (terms_.empty()) return Status(Code::io, cat("stored file ", file_.sha256, " has no bytes at ", at_));
    }
    const auto& term = terms_[term_];
    if (!xorb_) {
      xorb_ = TRY(OpenXorb::open(hub_, term.xorb));
      const auto& table = xorb_->table();
      if (term.chunk_end > table.count())
        return Status(Code::io, cat("stored xorb ", term.xorb, " has too few chunks"));
      chunk_ = table.chunk_at(table.size_begin(term.chunk_begin) + static_cast<uint32_t>(at_ - term.offset_bytes));
    }
    const auto& table = xorb_->table();
    if (chunk_ >= term.chunk_end)
      return Status(Code::io, cat("stored xorb ", term.xorb, " is shorter than its file says"));
    const uint64_t chunk_at = term.offset_bytes + (table.size_begin(chunk_) - table.size_begin(term.chunk_begin));
    const auto size = table.size_end(chunk_) - table.size_begin(chunk_);
    const auto from = static_cast<uint32_t>(at_ - chunk_at);
    const auto to = static_cast<uint32_t>(std::min<uint64_t>(size, end_ - chunk_at));
    TRY(xorb_->append(out, chunk_, from, to, unpacker_));
    at_ += to - from;
    ++chunk_;
    return {};
  }

  const Hub& hub_;
  const XetFile file_;
  uint64_t at_, end_;
  std::vector<XetTerm> terms_;
  size_t term_ = 0, chunk_ = 0;
  std::shared_ptr<const OpenXorb> xorb_;
  xet::Unpacker unpacker_;
};

Status unknown(std::string_view sha256) {
  return Status(Code::not_found, cat("content ", sha256, " is not stored here"));
}

// Calls `sink` with the bytes of a range, in order.
template <class Sink>
Status each_piece(PieceSource& source, const Sink& sink) {
  std::string buffer;
  for (;;) {
    const auto batch = TRY(source.next({}));
    if (batch.empty()) return {};
    for (const auto& piece : batch) {
      if (!piece.file) {
        TRY(sink(std::string_view(piece.bytes)));
        continue;
      }
      for (uint64_t done = 0; done < piece.length;) {
        buffer.resize(std::min<uint64_t>(piece.length - done, 1 << 20));
        const auto got =
            ::pread(piece.file->get(), buffer.data(), buffer.size(), static_cast<off_t>(piece.offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return Status(Code::io, "a stored xorb is shorter than it was");
        TRY(sink(std::string_view(buffer.data(), static_cast<size_t>(got))));
        done += static_cast<uint64_t>(got);
      }
    }
  }
}

}  // namespace

Result<bool> has_content(const Hub& hub, std::string_view sha256) {
  if (TRY(hub.blobs().has(sha256))) return true;
  return TRY(xet_file_of(hub, sha256)).has_value();
}

Result<uint64_t> content_size(const Hub& hub, std::string_view sha256) {
  auto whole = hub.blobs().size(sha256);
  if (whole.ok() || whole.status().code() != Code::not_found) return whole;
  const auto file = TRY(xet_file_of(hub, sha256));
  if (!file) return unknown(sha256);
  return file->size_bytes;
}

Status touch_content(const Hub& hub, std::string_view sha256) {
  if (auto touched = hub.blobs().touch(sha256); !touched.ok() && touched.code() != Code::not_found) return touched;
  TRY(hub.db().execute("UPDATE xet_files SET used_ms = $2 WHERE sha256 = $1", {sha256, now_ms()}));
  return {};
}

std::unique_ptr<PieceSource> xet_pieces(const Hub& hub, const XetFile& file, uint64_t begin, uint64_t length) {
  return std::make_unique<XetPieces>(hub, file, begin, length);
}

Result<std::string> read_content(const Hub& hub, std::string_view sha256, uint64_t begin, uint64_t length) {
  if (TRY(hub.blobs().has(sha256))) return hub.blobs().read(sha256, begin, length);
  const auto file = TRY(xet_file_of(hub, sha256));
  if (!file) return unknown(sha256);
  if (begin >= file->size_bytes) return std::string();
  length = std::min(length, file->size_bytes - begin);
  if (length > kReadMax) return Status(Code::too_large, cat(sha256, ": more than ", kReadMax, " bytes at once"));
  std::string out;
  XetPieces pieces(hub, *file, begin, length);
  TRY(each_piece(pieces, [&](std::string_view bytes) {
    out.append(bytes);
    return Status();
  }));
  return out;
}

Status stream_content(const Hub& hub, std::string_view sha256, const std::function<Status(std::string_view)>& sink) {
  if (TRY(hub.blobs().has(sha256))) {
    Status refused;
    auto status = hub.blobs().stream(sha256, 0, UINT64_MAX, [&](std::string_view bytes) {
      refused = sink(bytes);
      return refused.ok();
    });
    return refused.ok() ? std::move(status) : std::move(refused);
  }
  const auto file = TRY(xet_file_of(hub, sha256));
  if (!file) return unknown(sha256);
  XetPieces pieces(hub, *file, 0, file->size_bytes);
  return each_piece(pieces, sink);
}

Status copy_content(const Hub& hub, std::string_view sha256, const std::string& path) {
  Hasher hasher(HashKind::sha256);
  auto status = [&]() -> Status {
    const auto fd = TRY(open_write(path, 0600));
    return stream_content(hub, sha256, [&](std::string_view bytes) {
      hasher.update(bytes);
      return write_all(fd.get(), bytes, path);
    });
  }();
  if (status.ok() && hasher.hex() != sha256)
    status = Status(Code::io, cat("stored file ", sha256, " is damaged: it has other bytes"));
  if (!status.ok()) ::unlink(path.c_str());
  return status;
}

Result<LocalContent> LocalContent::open(const Hub& hub, std::string_view sha256) {
  auto whole = hub.blobs().local_path(sha256);
  if (whole.ok()) return LocalContent(*std::move(whole), false);
  if (whole.status().code() != Code::not_found) return std::move(whole).status();
  auto path = path_join(hub.blobs().incoming(), cat("content-", random_token(16)));
  TRY(copy_content(hub, sha256, path));
  return LocalContent(std::move(path), true);
}

LocalContent::~LocalContent() {
  if (is_temporary_) ::unlink(path_.c_str());
}

}  // namespace hearth::hub
