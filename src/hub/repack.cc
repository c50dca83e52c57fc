#include "hub/repack.h"

#include <algorithm>

#include "base/process.h"
#include "base/text.h"
#include "hub/lock.h"

namespace hearth::hub {
namespace {

constexpr size_t kLooseMax = 2000, kPacksMax = 30;
// Objects are spread over 256 folders by their hash: one of them tells how many there are.
constexpr std::string_view kSampleFolder = "17";

bool needed(const std::string& objects) {
  const auto sample = list_folder(path_join(objects, kSampleFolder));
  if (sample.ok() && sample->size() * 256 > kLooseMax) return true;
  const auto packs = list_folder(path_join(objects, "pack"));
  if (!packs.ok()) return false;
  return static_cast<size_t>(std::count_if(packs->begin(), packs->end(),
                                           [](const auto& name) { return name.ends_with(".pack"); })) > kPacksMax;
}

}  // namespace

Result<bool> repack_if_needed(const Hub& hub, const Repo& repo) {
  const auto folder = hub.git_folder(repo);
  if (!needed(path_join(folder, "objects"))) return false;
  const auto lock = TRY(lock_packs(hub, repo));
  ProcessOptions git;
  git.arguments = {"git",
                   "-c",
                   "safe.directory=*",
                   "-c",
                   "core.fsync=committed,derived-metadata,reference",
                   "-c",
                   "pack.threads=1",
                   "-c",
                   "pack.windowMemory=128m",
                   "-C",
                   folder,
                   "repack",
                   "--geometric=2",
                   "-d",
                   "-l",
                   "-q"};
  git.environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C"};
  const auto done = TRY(run_process(std::move(git)));
  if (done.exit_status != 0)
    return Status(Code::io, cat("git repack of ", repo.full_name(), " failed: ", trim(done.err)));
  return true;
}

}  // namespace hearth::hub
