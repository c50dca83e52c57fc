#include "hub/lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/text.h"

namespace hearth::hub {

namespace {

Result<Fd> lock_file(const Hub& hub, const Repo& repo, std::string_view name) {
  const auto path = path_join(hub.git_folder(repo), name);
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd && errno == ENOENT) return Status(Code::repo_not_found, cat("repository ", repo.full_name(), " was deleted"));
  if (!fd) return errno_status("cannot lock", path);
  while (flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return errno_status("cannot lock", path);
  return fd;
}

}  // namespace

Result<Fd> lock_repository(const Hub& hub, const Repo& repo) {
  return lock_file(hub, repo, "hearth.lock");
}

Result<Fd> lock_packs(const Hub& hub, const Repo& repo) {
  return lock_file(hub, repo, "hearth.packs.lock");
}

}  // namespace hearth::hub
