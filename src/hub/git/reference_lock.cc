#include "hub/git/reference_lock.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "hub/git/git.h"

namespace hearth::hub::git {
namespace {

constexpr int64_t kStale_ms = 5'000;  // a living writer syncs one small file
constexpr int64_t kWait_ms = 8'000;
constexpr int kLook_ms = 20;

std::string lock_of(const std::string& folder, std::string_view ref) {
  return path_join(folder, cat(ref, ".lock"));
}

}  // namespace

bool is_reference_locked(const std::string& folder, std::string_view ref) {
  return exists(lock_of(folder, ref));
}

Status await_reference(const std::string& folder, std::string_view ref) {
  const auto path = lock_of(folder, ref);
  for (const auto begun_ms = monotonic_ms(); monotonic_ms() - begun_ms < kWait_ms; ::poll(nullptr, 0, kLook_ms)) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return errno == ENOENT ? Status() : errno_status("cannot look at", path);
    const auto age_ms = now_ms() - (int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000);
    if (age_ms >= kStale_ms && ::unlink(path.c_str()) != 0 && errno != ENOENT)
      return errno_status("cannot remove", path);
  }
  return Status(Code::busy, cat(ref, " is being written by others: try again in a moment"));
}

Result<int> write_reference(const std::string& folder, std::string_view ref, const std::function<int()>& write) {
  if (const int r = write(); r != GIT_ELOCKED) return r;
  TRY(await_reference(folder, ref));
  return write();
}

Status remove_reference(const std::string& folder, const std::string& ref) {
  // A repository of its own each time: one whose deletion failed at packed-refs takes the reference for deleted.
  const auto remove = [&]() -> Result<int> { return git_reference_remove(TRY(open(folder)).get(), ref.c_str()); };
  int r = TRY(remove());
  if (r == GIT_ELOCKED) {
    TRY(await_reference(folder, ref));
    TRY(await_reference(folder, kPackedReferences));
    r = TRY(remove());
  }
  return r == 0 ? Status() : failure(r, ref);
}

}  // namespace hearth::hub::git
