#include "huggingface_hub/cache_manager.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "huggingface_hub/cache.h"

namespace hearth {
namespace {

bool is_link(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

/// Files below `folder`, links not followed.
Status files_below(const std::string& folder, const std::string& below, std::vector<std::string>& out) {
  for (const auto& name : TRY(list_folder(path_join(folder, below)))) {
    if (name == ".DS_Store") continue;
    auto path = below.empty() ? name : cat(below, "/", name);
    const auto full = path_join(folder, path);
    if (!is_link(full) && is_folder(full)) {
      TRY(files_below(folder, path, out));
    } else {
      out.push_back(std::move(path));
    }
  }
  return {};
}

/// Where the link leads, one step (a blob may itself be a link into a store that repositories share), without `..`.
std::string link_target(const std::string& link) {
  char buffer[PATH_MAX];
  const auto size = readlink(link.c_str(), buffer, sizeof buffer);
  if (size < 0) return link;
  const std::string_view target(buffer, static_cast<size_t>(size));
  if (target.starts_with('/')) return std::string(target);
  std::string out(path_parent(link));
  for (const auto part : split(target, '/')) {
    if (part == "..") {
      out = std::string(path_parent(out));
    } else if (part != "." && !part.empty()) {
      out = path_join(out, part);
    }
  }
  return out;
}

struct BlobInfo {
  uint64_t size;
  double accessed, modified;
};

double seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Result<CachedRepo> scan_repo(const std::string& folder, std::string_view name) {
  CachedRepo out;
  out.path = path_join(folder, name);
  const auto dashes = name.find("--");
  const auto broken = [&](std::string_view why) { return Status(Code::bad_input, cat(out.path, " ", why)); };
  if (dashes == std::string_view::npos) return broken("is no repository of the cache");
  const auto type = parse_repo_type(name.substr(0, dashes));
  if (!type.ok()) return broken("is of an unknown type");
  out.repo = {*type, replace_all(name.substr(dashes + 2), "--", "/")};
  if (!is_folder(path_join(out.path, "snapshots"))) return broken("has no snapshots");

  std::map<std::string, std::vector<std::string>> refs;
  if (const auto refs_folder = path_join(out.path, "refs"); is_folder(refs_folder)) {
    std::vector<std::string> names;
    TRY(files_below(refs_folder, "", names));
    for (auto& ref : names) {
      if (ref.ends_with(".tmp")) continue;
      refs[std::string(trim(TRY(read_file(path_join(refs_folder, ref), 4096))))].push_back(std::move(ref));
    }
  }

  std::map<std::string, BlobInfo> blobs;
  for (const auto& commit : TRY(list_folder(path_join(out.path, "snapshots")))) {
    if (commit == ".DS_Store") continue;
    CachedRevision revision;
    revision.commit_hash = commit;
    revision.snapshot_path = path_join(out.path, cat("snapshots/", commit));
    if (!is_folder(revision.snapshot_path)) return broken(cat("has a file among its snapshots: ", commit));
    TRY(files_below(revision.snapshot_path, "", revision.files));
    std::set<std::string> used;
    for (const auto& file : revision.files) {
      const auto blob = link_target(path_join(revision.snapshot_path, file));
      struct stat info {};
      if (stat(blob.c_str(), &info) != 0) return broken(cat("lacks a blob: ", blob));
      blobs.emplace(blob, BlobInfo{static_cast<uint64_t>(info.st_size), seconds(info.st_atim), seconds(info.st_mtim)});
      used.insert(blob);
    }
    struct stat own {};
    if (used.empty() && stat(revision.snapshot_path.c_str(), &own) == 0) revision.last_modified = seconds(own.st_mtim);
    for (const auto& blob : used) {
      revision.size_on_disk += blobs.at(blob).size;
      revision.last_modified = std::max(revision.last_modified, blobs.at(blob).modified);
    }
    revision.blobs.assign(used.begin(), used.end());
    if (const auto found = refs.find(commit); found != refs.end()) revision.refs = found->second;
    out.revisions.push_back(std::move(revision));
  }
  struct stat own {};
  if (blobs.empty() && stat(out.path.c_str(), &own) == 0) {
    out.last_accessed = seconds(own.st_atim);
    out.last_modified = seconds(own.st_mtim);
  }
  for (const auto& [path, info] : blobs) {
    out.size_on_disk += info.size;
    out.last_accessed = std::max(out.last_accessed, info.accessed);
    out.last_modified = std::max(out.last_modified, info.modified);
  }
  return out;
}

void find_incomplete(const std::string& repo_path, std::vector<IncompleteFile>& out) {
  const auto folder = path_join(repo_path, "blobs");
  const auto names = list_folder(folder);
  if (!names.ok()) return;
  for (const auto& name : *names) {
    if (!name.ends_with(".incomplete")) continue;
    auto path = path_join(folder, name);
    out.push_back({path, file_size(path).value_or(0)});
  }
}

}  // namespace

std::string CachedRepo::cache_id() const {
  return cat(repo_type_name(repo.type), "/", repo.id);
}

Result<CacheInfo> scan_cache_dir(const std::string& folder) {
  if (!is_folder(folder)) return Status(Code::not_found, cat("there is no cache at ", folder, " yet"));
  CacheInfo out;
  out.folder = folder;
  for (const auto& name : TRY(list_folder(folder))) {
    // Files, locks and the store of blobs that repositories share are no repositories.
    if (name.starts_with('.') || name == "blobs" || !is_folder(path_join(folder, name))) continue;
    find_incomplete(path_join(folder, name), out.incomplete);
    auto repo = scan_repo(folder, name);
    if (!repo.ok()) {
      out.warnings.push_back(repo.status().message());
      continue;
    }
    out.size_on_disk += repo->size_on_disk;
    out.repos.push_back(std::move(*repo));
  }
  std::sort(out.repos.begin(), out.repos.end(),
            [](const auto& a, const auto& b) { return a.cache_id() < b.cache_id(); });
  return out;
}

CacheDeletion plan_deletion(const CacheInfo& cache, std::span<const std::string> revisions) {
  CacheDeletion out;
  const std::set<std::string_view> wanted(revisions.begin(), revisions.end());
  for (const auto& repo : cache.repos) {
    std::vector<const CachedRevision*> gone;
    std::set<std::string_view> kept_blobs;
    for (const auto& revision : repo.revisions) {
      if (wanted.contains(cat(repo.cache_id(), "@", revision.commit_hash))) {
        gone.push_back(&revision);
      } else {
        kept_blobs.insert(revision.blobs.begin(), revision.blobs.end());
      }
    }
    if (gone.empty()) continue;
    out.revision_count += static_cast<int64_t>(gone.size());
    if (gone.size() == repo.revisions.size()) {
      ++out.repo_count;
      out.freed_bytes += repo.size_on_disk;
      out.paths.push_back(repo.path);
      out.paths.push_back(path_join(cache.folder, cat(".locks/", path_name(repo.path))));
      continue;
    }
    std::set<std::string_view> gone_blobs;
    for (const auto* revision : gone) {
      for (const auto& ref : revision->refs) out.paths.push_back(path_join(repo.path, cat("refs/", ref)));
      out.paths.push_back(revision->snapshot_path);
      out.paths.push_back(path_join(repo.path, cat(".no_exist/", revision->commit_hash)));
      out.paths.push_back(path_join(repo.path, cat("trees/", revision->commit_hash, ".json")));
      for (const auto& blob : revision->blobs) {
        if (kept_blobs.contains(blob) || !gone_blobs.insert(blob).second) continue;
        out.freed_bytes += file_size(blob).value_or(0);
        out.paths.push_back(blob);
      }
    }
  }
  return out;
}

Status CacheDeletion::execute() const {
  for (const auto& path : paths) TRY(remove_all(path));
  return {};
}

}  // namespace hearth
