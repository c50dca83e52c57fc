#include "store/blobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::store {

bool is_sha256(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Blobs::Blobs(std::string folder) : folder_(std::move(folder)), incoming_(path_join(folder_, "incoming")) {}

Result<Blobs> Blobs::open(std::string folder) {
  Blobs blobs(std::move(folder));
  TRY(make_folders(path_join(blobs.folder_, "sha256")));
  TRY(make_folders(blobs.incoming_));
  return blobs;
}

std::string Blobs::path(std::string_view sha256) const {
  VERIFY(is_sha256(sha256), "blob names were checked where they came in");
  return cat(folder_, "/sha256/", sha256.substr(0, 2), "/", sha256.substr(2, 2), "/", sha256);
}

bool Blobs::has(std::string_view sha256) const {
  return exists(path(sha256));
}

Result<uint64_t> Blobs::size(std::string_view sha256) const {
  return file_size(path(sha256));
}

Result<Fd> Blobs::open_read(std::string_view sha256) const {
  return hearth::open_read(path(sha256));
}

Status Blobs::adopt(const std::string& temporary, std::string_view sha256, uint64_t size_bytes) const {
  const auto target = path(sha256);
  if (exists(target)) {
    ::unlink(temporary.c_str());
    return sync_folder(std::string(path_parent(target)));  // another upload may have renamed it a moment ago
  }
  if (const auto found = TRY(file_size(temporary)); found != size_bytes)
    return Status(Code::bad_input, cat("the upload has ", found, " bytes, ", size_bytes, " were announced"));
  {
    const auto fd = TRY(hearth::open_read(temporary));
    if (fsync(fd.get()) != 0) return errno_status("cannot sync", temporary);
    fchmod(fd.get(), 0444);
  }
  const auto leaf = std::string(path_parent(target));
  const auto middle = std::string(path_parent(leaf));
  const bool new_leaf = !is_folder(leaf), new_middle = !is_folder(middle);
  TRY(make_folders(leaf));
  TRY(rename_path(temporary, target));
  TRY(sync_folder(leaf));
  if (new_leaf) TRY(sync_folder(middle));
  if (new_middle) TRY(sync_folder(path_join(folder_, "sha256")));
  return {};
}

Result<std::string> Blobs::put(std::string_view bytes) const {
  auto sha256 = sha256_hex(bytes);
  if (has(sha256)) return sha256;
  const auto temporary = path_join(incoming_, random_token(16));
  auto status = [&]() -> Status {
    const auto fd = TRY(open_write(temporary));
    return write_all(fd.get(), bytes, temporary);
  }();
  if (status.ok()) status = adopt(temporary, sha256, bytes.size());
  if (status.ok()) return sha256;
  ::unlink(temporary.c_str());
  return status;
}

Status Blobs::remove_leftovers(int64_t age_s) const {
  const auto oldest_s = now_ms() / 1000 - age_s;
  for (const auto& name : TRY(list_folder(incoming_))) {
    const auto file = path_join(incoming_, name);
    struct stat info {};
    if (::lstat(file.c_str(), &info) == 0 && info.st_mtime < oldest_s) TRY(remove_all(file));
  }
  return {};
}

}  // namespace hearth::store
