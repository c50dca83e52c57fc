#include "store/blobs.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/blobs/leftovers.h"
#include "store/blobs/stores.h"

namespace hearth::store {
namespace {

constexpr uint64_t kReadMax = uint64_t{1} << 30;
constexpr uint64_t kPieceFirst = 256 << 10, kPieceMax = 4 << 20;

/// The first request is a small one, so that the client need not wait for its first bytes; each next is twice as long.
class Fetched final : public PieceSource {
 public:
  Fetched(const Blobs& blobs, ObjectName name, uint64_t begin, uint64_t length)
      : blobs_(blobs), name_(std::move(name)), at_(begin), end_(begin + length) {}

  Result<std::vector<Piece>> next(std::stop_token stop) override {
    std::vector<Piece> out;
    if (at_ == end_) return out;
    if (stop.stop_requested()) return Status(Code::cancelled, "the client left");
    const auto wanted = std::min(std::exchange(size_, std::min(size_ * 2, kPieceMax)), end_ - at_);
    out.push_back({.bytes = TRY(blobs_.read(name_, at_, wanted))});
    if (out[0].bytes.size() != wanted)
      return Status(Code::io, cat(blobs_.description(), ": ", name_.text(), " is shorter than it was"));
    at_ += wanted;
    return out;
  }

 private:
  const Blobs& blobs_;
  const ObjectName name_;
  uint64_t at_, size_ = kPieceFirst;
  const uint64_t end_;
};

}  // namespace

Status Blobs::adopt(const std::string& temporary, const ObjectName& name, uint64_t size_bytes) const {
  auto status = [&]() -> Status {
    if (const auto found = TRY(file_size(temporary)); found != size_bytes)
      return Status(Code::bad_input, cat("the upload has ", found, " bytes, ", size_bytes, " were announced"));
    return take(temporary, name, size_bytes);
  }();
  ::unlink(temporary.c_str());  // renamed away, or not wanted
  return status;
}

Result<std::string> Blobs::put(std::string_view bytes) const {
  auto sha256 = sha256_hex(bytes);
  TRY(put(ObjectName(sha256), bytes));
  return sha256;
}

Result<bool> Blobs::has(const ObjectName& name) const {
  const auto found = size(name);
  if (found.ok()) return true;
  if (found.status().code() == Code::not_found) return false;
  return found.status().clone();
}

Result<std::string> Blobs::read(const ObjectName& name, uint64_t begin, uint64_t length) const {
  std::string out;
  bool too_large = false;
  auto status = stream(name, begin, length, [&](std::string_view piece) {
    too_large = out.size() + piece.size() > kReadMax;
    if (!too_large) out.append(piece);
    return !too_large;
  });
  if (too_large) return Status(Code::too_large, cat(name.text(), ": more than ", kReadMax, " bytes at once"));
  if (!status.ok()) return status;
  return out;
}

std::unique_ptr<PieceSource> Blobs::pieces(const ObjectName& name, uint64_t begin, uint64_t length) const {
  return std::make_unique<Fetched>(*this, name, begin, length);
}

Status Blobs::remove_leftovers(int64_t age_s) const {
  return remove_old_files(incoming_, now_ms() / 1000 - age_s);
}

Result<std::unique_ptr<Blobs>> open_blobs(std::string folder, std::string_view where) {
  if (where.empty()) return open_disk(std::move(folder));
  if (where.starts_with("s3://")) return open_s3(std::move(folder), where);
  return Status(Code::bad_input, cat("objects '", where, "': neither empty (local files) nor s3://bucket/prefix?..."));
}

}  // namespace hearth::store
