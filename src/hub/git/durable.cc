#include "hub/git/durable.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"

namespace hearth::hub::git {
namespace {

constexpr int64_t kClockStep_ms = 100;  // a file system's clock lags behind the system's by a tick

Status sync_path(const std::string& path) {
  const auto fd = TRY(open_read(path));
  if (fsync(fd.get()) != 0) return errno_status("cannot sync", path);
  return {};
}

// Folders whose entries changed, at any depth; what is removed meanwhile needs no sync.
Status sync_changed(const std::string& folder, int64_t since_ms) {
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return {};
  // A folder in it is a link more: without any, none need be looked for. (File systems that do not count have 1.)
  if (info.st_nlink != 2) {
    auto names = list_folder(folder);
    if (names.status().code() == Code::not_found) return {};
    for (const auto& name : TRY(std::move(names))) TRY(sync_changed(path_join(folder, name), since_ms));
  }
  if (int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000 < since_ms) return {};
  auto synced = sync_path(folder);
  if (synced.code() == Code::not_found) return {};
  return synced;
}

}  // namespace

Status sync_new(const std::string& folder) {
  for (const auto& name : TRY(list_folder(folder))) {
    const auto path = path_join(folder, name);
    TRY(is_folder(path) ? sync_new(path) : sync_path(path));
  }
  return sync_path(folder);
}

Status sync_names(const std::string& folder, int64_t since_ms) {
  for (const std::string_view part : {"objects", "refs"})
    TRY(sync_changed(path_join(folder, part), since_ms - kClockStep_ms));
  return sync_path(folder);
}

}  // namespace hearth::hub::git
