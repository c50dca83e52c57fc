// Objects as files: KIND/ab/cd/abcd... under one folder, read-only, renamed into place after fsync.
//
// The order that survives a power cut: the file's bytes (fsync of the file), its name (rename, fsync of the folder),
// the names of folders made for it (fsync of their parents). Only then is the object acknowledged.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/blobs/leftovers.h"
#include "store/blobs/stores.h"

namespace hearth::store {

Status remove_old_files(const std::string& folder, int64_t oldest_s) {
  for (const auto& name : TRY(list_folder(folder))) {
    const auto file = path_join(folder, name);
    struct stat info {};
    if (::lstat(file.c_str(), &info) == 0 && info.st_mtime < oldest_s) TRY(remove_all(file));
  }
  return {};
}

namespace {

constexpr size_t kPiece = 1 << 20;

class Disk final : public Blobs {
 public:
  explicit Disk(std::string folder) : Blobs(path_join(folder, "incoming")), folder_(std::move(folder)) {}

  Status put(const ObjectName& name, std::string_view bytes) const override {
    const auto temporary = path_join(incoming(), random_token(16));
    auto status = [&]() -> Status {
      const auto fd = TRY(open_write(temporary));
      return write_all(fd.get(), bytes, temporary);
    }();
    if (status.ok()) return adopt(temporary, name, bytes.size());
    ::unlink(temporary.c_str());
    return status;
  }

  Result<uint64_t> size(const ObjectName& name) const override { return file_size(path(name)); }

  Status stream(const ObjectName& name, uint64_t begin, uint64_t length,
                const std::function<bool(std::string_view)>& sink) const override {
    const auto file = path(name);
    const auto fd = TRY(open_read(file));
    std::string buffer(std::min<uint64_t>(length, kPiece), '\0');
    while (length > 0) {
      const auto wanted = std::min<uint64_t>(length, buffer.size());
      const ssize_t got = ::pread(fd.get(), buffer.data(), wanted, static_cast<off_t>(begin));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_status("cannot read", file);
      if (got == 0) return {};
      if (!sink(std::string_view(buffer).substr(0, static_cast<size_t>(got))))
        return Status(Code::cancelled, cat(name.text(), ": ended by the reader"));
      begin += static_cast<uint64_t>(got);
      length -= static_cast<uint64_t>(got);
    }
    return {};
  }

  Result<std::string> local_path(const ObjectName& name) const override {
    auto file = path(name);
    TRY(file_size(file));
    return file;
  }
  Result<LocalPart> local_part(const ObjectName& name, uint64_t begin, uint64_t) const override {
    return LocalPart{TRY(local_path(name)), begin};
  }
  bool is_local() const override { return true; }
  std::string presigned_url(const ObjectName&, const PresignOptions&) const override { return {}; }

  Status touch(const ObjectName& name) const override {
    const auto file = path(name);
    if (::utimensat(AT_FDCWD, file.c_str(), nullptr, 0) != 0) return errno_status("cannot touch", file);
    return {};
  }

  Status remove(const ObjectName& name) const override {
    const auto file = path(name);
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return errno_status("cannot remove", file);
    return {};
  }

  Status list(std::string_view kind, const std::function<Status(const ObjectInfo&)>& each) const override {
    const auto top = path_join(folder_, kind);
    if (!is_folder(top)) return {};
    for (const auto& first : TRY(list_folder(top)))
      for (const auto& second : TRY(list_folder(path_join(top, first)))) {
        const auto leaf = cat(top, "/", first, "/", second);
        for (const auto& hash : TRY(list_folder(leaf))) {
          struct stat info {};
          if (!is_sha256(hash) || ::stat(path_join(leaf, hash).c_str(), &info) != 0) continue;  // removed meanwhile
          TRY(each({.name = ObjectName(kind, hash),
                    .size_bytes = static_cast<uint64_t>(info.st_size),
                    .modified_ms = int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000}));
        }
      }
    return {};
  }

  std::string description() const override { return folder_; }

 protected:
  Status take(const std::string& temporary, const ObjectName& name, uint64_t) const override {
    const auto target = path(name);
    const auto leaf = std::string(path_parent(target));
    if (auto young = touch(name); young.ok())
      return sync_folder(leaf);  // another upload may have renamed it a moment ago
    else if (young.code() != Code::not_found)
      return young;
    {
      const auto fd = TRY(open_read(temporary));
      if (fsync(fd.get()) != 0) return errno_status("cannot sync", temporary);
      fchmod(fd.get(), 0444);
    }
    // Every folder on the way is synced into its parent: another upload may have made it and not synced it yet.
    TRY(make_folders(leaf));
    TRY(rename_path(temporary, target));
    TRY(sync_folder(leaf));
    const auto middle = std::string(path_parent(leaf)), top = std::string(path_parent(middle));
    TRY(sync_folder(middle));
    TRY(sync_folder(top));
    return sync_folder(folder_);
  }

 private:
  std::string path(const ObjectName& name) const {
    const auto hash = name.hash();
    return cat(folder_, "/", name.kind(), "/", hash.substr(0, 2), "/", hash.substr(2, 2), "/", hash);
  }

  std::string folder_;
};

}  // namespace

Result<std::unique_ptr<Blobs>> open_disk(std::string folder) {
  auto out = std::make_unique<Disk>(std::move(folder));
  TRY(make_folders(out->incoming()));
  return std::unique_ptr<Blobs>(std::move(out));
}

}  // namespace hearth::store
