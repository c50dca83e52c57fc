#include "hub/lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/text.h"

namespace hearth::hub {

namespace {

Result<Fd> lock_path(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return errno_status("cannot lock", path);
  while (flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return errno_status("cannot lock", path);
  return fd;
}

Result<Fd> lock_file(const Hub& hub, const Repo& repo, std::string_view name) {
  auto fd = lock_path(path_join(hub.git_folder(repo), name));
  if (fd.status().code() == Code::not_found)
    return Status(Code::repo_not_found, cat("repository ", repo.full_name(), " was deleted"));
  return fd;
}

}  // namespace

Result<Fd> lock_repository(const Hub& hub, const Repo& repo) {
  return lock_file(hub, repo, "hearth.lock");
}

Result<Fd> lock_packs(const Hub& hub, const Repo& repo) {
  return lock_file(hub, repo, "hearth.packs.lock");
}

Result<Fd> lock_collection(const Hub& hub) {
  return lock_path(path_join(hub.repositories(), "hearth.collection.lock"));
}

}  // namespace hearth::hub
