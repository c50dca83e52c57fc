#include "hub/git/copy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "base/text.h"
#include "hub/git/git.h"

namespace hearth::hub::git {
namespace {

constexpr std::string_view kFolders[] = {"refs/heads/", "refs/tags/", "refs/convert/"};

// Another file system, or more links than it allows: the bytes then.
Status link_or_copy(const std::string& from, const std::string& to, bool link) {
  if (exists(to)) return {};
  if (link && (::link(from.c_str(), to.c_str()) == 0 || errno == EEXIST)) return {};
  if (link && errno != EXDEV && errno != EMLINK && errno != EPERM) return errno_status("cannot link", from);
  const auto file = TRY(MappedFile::open(from));
  return write_file(to, file.text(), 0444);
}

bool is_fanout(std::string_view name) {
  return name.size() == 2 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Status copy_objects(const std::string& from, const std::string& to, bool link,
                    const std::function<void(const std::string&)>& taken) {
  for (const auto& folder : TRY(list_folder(from))) {
    // Besides these: what a push has in quarantine, and tables that git makes again.
    if (!is_fanout(folder) && folder != "pack") continue;
    const auto target = path_join(to, folder);
    TRY(make_folders(target));
    auto names = TRY(list_folder(path_join(from, folder)));
    // git looks for indexes: a pack must be there before its index.
    std::stable_partition(names.begin(), names.end(), [](const auto& name) { return !name.ends_with(".idx"); });
    for (const auto& name : names) {
      if (name.starts_with("tmp_") || name.ends_with(".lock") || name.ends_with(".keep")) continue;
      TRY(link_or_copy(cat(from, "/", folder, "/", name), path_join(target, name), link));
      if (taken) taken(path_join(folder, name));
    }
    TRY(sync_folder(target));
  }
  return sync_folder(to);
}

Status copy_repository(const std::string& from, const std::string& to) {
  TRY(copy_objects(path_join(from, "objects"), path_join(to, "objects"), /*link=*/true, {}));
  const auto source = TRY(open(from)), target = TRY(open(to));
  git_reference_iterator* made = nullptr;
  if (const int r = git_reference_iterator_new(&made, source.get()); r != 0) return failure(r, "references");
  const ReferenceIteratorPtr iterator(made);
  git_reference* next = nullptr;
  while (git_reference_next(&next, iterator.get()) == 0) {
    const ReferencePtr reference(next);
    const std::string_view name = git_reference_name(reference.get());
    const auto* id = git_reference_target(reference.get());
    if (!id || std::none_of(std::begin(kFolders), std::end(kFolders), [&](auto f) { return name.starts_with(f); }))
      continue;
    git_reference* copy = nullptr;
    if (const int r = git_reference_create(&copy, target.get(), git_reference_name(reference.get()), id, /*force=*/1,
                                           "duplicate");
        r != 0)
      return failure(r, name);
    git_reference_free(copy);
  }
  return {};
}

}  // namespace hearth::hub::git
