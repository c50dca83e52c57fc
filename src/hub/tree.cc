#include "hub/tree.h"

#include <algorithm>

#include "base/text.h"
#include "hub/content.h"
#include "hub/git/snapshot.h"
#include "hub/last_commits.h"

namespace hearth::hub {
namespace {

constexpr int64_t kPageMax = 1000, kExpandedPageMax = 100;
constexpr size_t kPathsMax = 1000, kFilesMax = 100'000;

// Visits a folder's entries in git's order, folders before what they hold, and keeps those of one page.
struct PageBuilder {
  const git::Snapshot& at;
  bool recursive;
  int64_t skip, limit;
  TreePage page;
  int64_t seen = 0;
  bool more = false;

  Status visit(git_tree* folder, const std::string& prefix) {
    for (size_t i = 0; i < git_tree_entrycount(folder) && !more; ++i) {
      const auto* entry = git_tree_entry_byindex(folder, i);
      const auto mode = git_tree_entry_filemode(entry);
      const auto path = path_join(prefix, git_tree_entry_name(entry));
      if (seen >= skip + limit) {
        more = true;
        return {};
      }
      if (seen++ >= skip)
        page.entries.push_back(TRY(git::describe(at.odb.get(), path, mode, *git_tree_entry_id(entry))));
      if (recursive && mode == GIT_FILEMODE_TREE) {
        const auto below = TRY(git::tree(at.repository.get(), *git_tree_entry_id(entry)));
        TRY(visit(below.get(), path));
      }
    }
    return {};
  }
};

Status add_xet_hashes(const Hub& hub, std::span<TreeEntry> entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries)
    if (entry.lfs) names.push_back(entry.lfs->sha256);
  if (names.empty()) return {};
  const auto hashes = TRY(xet_hashes(hub, names));
  for (auto& entry : entries)
    if (const auto found = entry.lfs ? hashes.find(entry.lfs->sha256) : hashes.end(); found != hashes.end())
      entry.lfs->xet_hash = found->second;
  return {};
}

}  // namespace

Result<std::string> resolve_revision(const Hub& hub, const Repo& repo, std::string_view revision) {
  const auto repository = TRY(git::open(hub, repo));
  return git::hex(TRY(git::resolve(repository.get(), revision)));
}

Result<TreePage> list_tree(const Hub& hub, const Repo& repo, std::string_view revision, const TreeQuery& query) {
  // A cursor is "<commit>.<entries seen>": later pages show the same commit though the branch moves.
  std::string commit(revision);
  int64_t skip = 0;
  if (!query.cursor.empty()) {
    const auto dot = query.cursor.find('.');
    const auto seen =
        dot == std::string::npos ? std::nullopt : parse_int(std::string_view(query.cursor).substr(dot + 1));
    if (!seen || *seen < 0 || dot != 40) return Status(Code::bad_input, "the cursor is not one of this listing");
    commit = query.cursor.substr(0, dot);
    skip = *seen;
  }
  const auto at = TRY(git::snapshot(hub, repo, commit));
  git::TreePtr below;
  std::string prefix;
  if (!query.path.empty()) {
    const auto entry = TRY(git::entry_at(at, query.path));
    if (!entry.is_folder)
      return Status(Code::entry_not_found, cat(entry.path, " is a file, not a folder, at revision ", at.commit_id));
    below = TRY(git::tree(at.repository.get(), TRY(git::parse_oid(entry.oid))));
    prefix = entry.path;
  }
  const auto limit = std::clamp<int64_t>(query.limit, 1, query.expand ? kExpandedPageMax : kPageMax);
  PageBuilder builder{.at = at, .recursive = query.recursive, .skip = skip, .limit = limit, .page = {}};
  TRY(builder.visit(below ? below.get() : at.root.get(), prefix));
  builder.page.commit = at.commit_id;
  if (builder.more) builder.page.next = cat(at.commit_id, ".", skip + limit);
  if (query.expand) TRY(add_last_commits(hub, repo, at, builder.page.entries));
  TRY(add_xet_hashes(hub, builder.page.entries));
  return std::move(builder.page);
}

Result<TreePage> paths_info(const Hub& hub, const Repo& repo, std::string_view revision,
                            const std::vector<std::string>& paths, bool expand) {
  if (paths.size() > kPathsMax)
    return Status(Code::too_large, cat(paths.size(), " paths asked, the limit is ", kPathsMax));
  const auto at = TRY(git::snapshot(hub, repo, revision));
  TreePage out;
  out.commit = at.commit_id;
  for (const auto& path : paths) {
    auto entry = git::entry_at(at, path);
    if (entry.ok()) {
      out.entries.push_back(*std::move(entry));
    } else if (const auto code = entry.status().code(); code != Code::entry_not_found && code != Code::bad_input) {
      return std::move(entry).status();
    }
  }
  if (expand) TRY(add_last_commits(hub, repo, at, out.entries));
  TRY(add_xet_hashes(hub, out.entries));
  return out;
}

Result<std::vector<TreeEntry>> list_files(const Hub& hub, const Repo& repo, std::string_view revision) {
  return git::all_files(TRY(git::snapshot(hub, repo, revision)), kFilesMax);
}

Result<FileAt> find_file(const Hub& hub, const Repo& repo, std::string_view revision, std::string_view path) {
  const auto at = TRY(git::snapshot(hub, repo, revision));
  auto entry = TRY(git::entry_at(at, path));
  if (entry.is_folder) return Status(Code::entry_not_found, cat(entry.path, " is a folder at revision ", at.commit_id));
  TRY(add_xet_hashes(hub, {&entry, 1}));
  return FileAt{at.commit_id, std::move(entry)};
}

Result<std::string> read_blob(const Hub& hub, const Repo& repo, std::string_view oid, uint64_t max_bytes) {
  const auto repository = TRY(git::open(hub, repo));
  const auto odb = TRY(git::odb(repository.get()));
  return git::read_blob(odb.get(), TRY(git::parse_oid(oid)), max_bytes);
}

Result<std::string> read_file(const Hub& hub, const Repo& repo, std::string_view revision, std::string_view path,
                              uint64_t max_bytes) {
  const auto file = TRY(find_file(hub, repo, revision, path));
  if (!file.entry.lfs) return read_blob(hub, repo, file.entry.oid, max_bytes);
  if (file.entry.size_bytes > max_bytes)
    return Status(Code::too_large, cat(path, " has ", file.entry.size_bytes, " bytes, the limit is ", max_bytes));
  return read_content(hub, file.entry.lfs->sha256);
}

std::optional<LfsPointer> parse_pointer(std::string_view text) {
  LfsPointer out;
  out.pointer_size_bytes = text.size();
  bool version = false, size = false;
  for (const auto line : split(text, '\n')) {
    if (line == "version https://git-lfs.github.com/spec/v1") version = true;
    if (!version) return std::nullopt;  // the specification puts it first
    if (line.starts_with("oid sha256:")) out.sha256 = line.substr(11);
    if (line.starts_with("size ")) {
      const auto bytes = parse_int(line.substr(5));
      if (!bytes || *bytes < 0) return std::nullopt;
      out.size_bytes = static_cast<uint64_t>(*bytes);
      size = true;
    }
  }
  if (!size || !store::is_sha256(out.sha256)) return std::nullopt;
  return out;
}

std::string format_pointer(std::string_view sha256, uint64_t size_bytes) {
  return cat("version https://git-lfs.github.com/spec/v1\noid sha256:", sha256, "\nsize ", size_bytes, "\n");
}

}  // namespace hearth::hub
