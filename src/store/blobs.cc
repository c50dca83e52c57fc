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

Status Blobs::remove_leftovers(int64_t age_s) const {
  return remove_old_files(incoming_, now_ms() / 1000 - age_s);
}

Result<std::unique_ptr<Blobs>> open_blobs(std::string folder, std::string_view where) {
  if (where.empty()) return open_disk(std::move(folder));
  if (where.starts_with("s3://")) return open_s3(std::move(folder), where);
  return Status(Code::bad_input, cat("objects '", where, "': neither empty (local files) nor s3://bucket/prefix?..."));
}

}  // namespace hearth::store
