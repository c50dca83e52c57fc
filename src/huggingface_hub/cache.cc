#include "huggingface_hub/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr std::string_view kCachedirTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file is a cache directory tag created by huggingface_hub.\n"
    "# For information about cache directory tags, see:\n"
    "#\thttps://bford.info/cachedir/\n";
constexpr int kTreeFormat = 1;

bool is_file(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

/// A new content under a name that readers may have open: whole or not at all, but not synced (it can be had again).
Status replace_file(const std::string& path, std::string_view bytes) {
  TRY(make_folders(std::string(path_parent(path))));
  const auto temporary = cat(path, ".", to_lower_ascii(random_token(8)), ".tmp");
  {
    const auto file = TRY(open_write(temporary));
    TRY(write_all(file.get(), bytes, temporary));
  }
  return rename_path(temporary, path);
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::string& path, std::stop_token stop) {
  TRY(make_folders(std::string(path_parent(path))));
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return errno_status("cannot lock", path);
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return errno_status("cannot lock", path);
    if (stop.stop_requested()) return Status(Code::cancelled, cat("stopped while waiting for ", path));
    // flock has no wait that ends at a stop: ask again, ten times a second.
    constexpr timespec kPause{0, 100'000'000};
    nanosleep(&kPause, nullptr);
  }
  return FileLock(std::move(fd));
}

std::string repo_folder_name(const RepoName& repo) {
  return cat(repo_type_plural(repo.type), "--", replace_all(repo.id, "/", "--"));
}

void write_cachedir_tag(const std::string& folder) {
  const auto path = path_join(folder, "CACHEDIR.TAG");
  if (!exists(path)) static_cast<void>(replace_file(path, kCachedirTag).ok());
}

RepoCache::RepoCache(std::string cache_folder, const RepoName& repo)
    : cache_folder_(std::move(cache_folder)), name_(repo_folder_name(repo)), folder_(path_join(cache_folder_, name_)) {}

std::string RepoCache::blob(std::string_view etag) const {
  return path_join(folder_, cat("blobs/", etag));
}
std::string RepoCache::lock(std::string_view etag) const {
  return path_join(cache_folder_, cat(".locks/", name_, "/", etag, ".lock"));
}
std::string RepoCache::snapshot(std::string_view commit) const {
  return path_join(folder_, cat("snapshots/", commit));
}
std::string RepoCache::pointer(std::string_view commit, std::string_view filename) const {
  return path_join(snapshot(commit), filename);
}

std::optional<std::string> RepoCache::commit_of(std::string_view revision) const {
  if (is_commit_hash(revision)) return std::string(revision);
  if (!validate_relative_filename(revision).ok()) return std::nullopt;
  const auto text = read_file(path_join(folder_, cat("refs/", revision)), 4096);
  if (!text.ok() || trim(*text).empty()) return std::nullopt;
  return std::string(trim(*text));
}

Status RepoCache::write_ref(std::string_view revision, std::string_view commit) const {
  if (revision == commit) return {};
  TRY(validate_relative_filename(revision));
  if (commit_of(revision) == commit) return {};
  return replace_file(path_join(folder_, cat("refs/", revision)), commit);
}

bool RepoCache::is_known_absent(std::string_view commit, std::string_view filename) const {
  return is_file(path_join(folder_, cat(".no_exist/", commit, "/", filename)));
}

void RepoCache::write_absent(std::string_view commit, std::string_view filename) const {
  if (is_known_absent(commit, filename)) return;
  static_cast<void>(replace_file(path_join(folder_, cat(".no_exist/", commit, "/", filename)), "").ok());
}

Status RepoCache::prepare(std::string_view commit, std::string_view filename) const {
  TRY(make_folders(path_join(folder_, "blobs")));
  TRY(make_folders(std::string(path_parent(pointer(commit, filename)))));
  write_cachedir_tag(cache_folder_);
  return {};
}

Status RepoCache::link(std::string_view etag, std::string_view commit, std::string_view filename) const {
  const auto at = pointer(commit, filename);
  std::string up = "../../";
  for (const char c : filename)
    if (c == '/') up += "../";
  const auto target = cat(up, "blobs/", etag);
  // Linked beside and renamed over: a reader sees the old file or the new one.
  const auto temporary = cat(at, ".", to_lower_ascii(random_token(8)), ".tmp");
  if (::symlink(target.c_str(), temporary.c_str()) != 0) return errno_status("cannot link", at);
  auto renamed = rename_path(temporary, at);
  if (!renamed.ok()) ::unlink(temporary.c_str());
  return renamed;
}

std::optional<std::string> try_to_load_from_cache(const RepoName& repo, std::string_view filename,
                                                  std::string_view revision, const std::string& cache_folder) {
  const RepoCache cache(cache_folder, repo);
  const auto commit = cache.commit_of(revision);
  if (!commit || !validate_relative_filename(filename).ok()) return std::nullopt;
  auto path = cache.pointer(*commit, filename);
  if (!is_file(path)) return std::nullopt;
  return path;
}

std::optional<TreeFiles> read_tree_cache(const std::string& folder, std::string_view commit) {
  const auto text = read_file(path_join(folder, cat("trees/", commit, ".json")), 1u << 28);
  if (!text.ok()) return std::nullopt;
  const auto json = Json::parse(*text);
  if (!json.ok() || (*json)["format_version"].as_int() != kTreeFormat || !(*json)["files"].is_object())
    return std::nullopt;
  TreeFiles out;
  for (const auto& [path, info] : (*json)["files"].object()) {
    TreeFile file;
    file.size = static_cast<uint64_t>(std::max<int64_t>(info["size"].as_int(), 0));
    file.blob_id = std::string(info["blob_id"].as_string());
    file.sha256 = std::string(info["lfs_sha256"].as_string());
    file.xet_hash = std::string(info["xet_hash"].as_string());
    if (file.blob_id.empty() || (!file.xet_hash.empty() && !is_sha256(file.xet_hash))) return std::nullopt;
    out.emplace(path, std::move(file));
  }
  return out;
}

void write_tree_cache(const std::string& folder, std::string_view commit, const TreeFiles& files) {
  JsonWriter out;
  out.begin_object().field("format_version", kTreeFormat).key("files").begin_object();
  for (const auto& [path, file] : files) {
    out.key(path).begin_object().field("size", file.size).field("blob_id", file.blob_id);
    if (!file.sha256.empty()) out.field("lfs_sha256", file.sha256).field("lfs_size", file.size);
    if (!file.xet_hash.empty()) out.field("xet_hash", file.xet_hash);
    out.end();
  }
  // Only a saving for the next time: a full disk is told by the download itself.
  static_cast<void>(replace_file(path_join(folder, cat("trees/", commit, ".json")), out.end().end().text()).ok());
}

}  // namespace hearth
