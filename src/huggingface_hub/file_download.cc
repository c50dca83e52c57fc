#include "huggingface_hub/file_download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr int kTriesWithoutProgress = 5;

bool is_file(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

Status check_space(const std::string& folder, uint64_t needed, std::string_view filename) {
  struct statvfs space {};
  if (statvfs(folder.c_str(), &space) != 0) return {};
  const uint64_t free = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
  if (free >= needed) return {};
  return Status(Code::no_space,
                cat(filename, " needs ", human_size(needed), ", and ", folder, " has ", human_size(free),
                    " free: `hearth cache prune` and `hearth cache rm` make room, or set HF_HOME"));
}

/// The etag is the content's own hash for Hubs that keep the rule: SHA-256 of large files, git's id of others.
Status check_hash(const std::string& path, std::string_view etag, std::string_view filename) {
  if ((etag.size() != 64 && etag.size() != 40) || etag.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return {};
  std::string found;
  if (TRY(file_size(path)) == 0) {
    found = etag.size() == 64 ? sha256_hex("") : git_blob_id("");
  } else {
    const auto map = TRY(MappedFile::open(path));
    found = etag.size() == 64 ? sha256_hex(map.text()) : git_blob_id(map.text());
  }
  if (found == etag) return {};
  ::unlink(path.c_str());
  return Status(Code::io, cat(filename, " arrived damaged: its hash is ", found, ", not ", etag,
                              ". The bytes were thrown away: run the command again"));
}

/// Brings `incomplete` to the whole file, going on from what it holds.
Status fetch(const HfApi& api, const RepoName& repo, const KnownFile& file, const std::string& incomplete,
             const DownloadOptions& options, std::stop_token stop) {
  Fd fd(::open(incomplete.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return errno_status("cannot write", incomplete);
  const auto advance = [&](int64_t bytes) {
    if (options.observer) options.observer->advance(bytes);
  };
  uint64_t have = TRY(file_size(incomplete));
  const auto cut_to = [&](uint64_t size) -> Status {
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return errno_status("cannot shorten", incomplete);
    advance(static_cast<int64_t>(size) - static_cast<int64_t>(have));
    have = size;
    return {};
  };
  advance(static_cast<int64_t>(have));
  if (file.size && have > *file.size) TRY(cut_to(0));
  if (file.size) TRY(check_space(std::string(path_parent(incomplete)), *file.size - have, file.filename));

  for (int failures = 0; !file.size || have < *file.size;) {
    HubRequest request;
    request.target = file.location.empty() ? api.hf_hub_url(repo, file.commit_hash, file.filename) : file.location;
    request.headers = {{"Accept-Encoding", "identity"}, {"X-HF-Download-Counter", "1"}};
    if (have > 0) request.headers.emplace_back("Range", cat("bytes=", have, "-"));
    const uint64_t before = have;
    Status failed;
    bool begun = false;
    request.sink = [&](int status, std::string_view bytes) {
      if (!begun) {
        begun = true;
        if (status == 200 && have > 0) failed = cut_to(0);  // the range was not honoured: from the start
        if (failed.ok() && ::lseek(fd.get(), static_cast<off_t>(have), SEEK_SET) < 0)
          failed = errno_status("cannot write", incomplete);
      }
      if (failed.ok() && file.size && have + bytes.size() > *file.size)
        failed = Status(Code::io, cat(file.filename, " is longer than the ", *file.size, " bytes the Hub told"));
      if (failed.ok()) failed = write_all(fd.get(), bytes, incomplete);
      if (!failed.ok()) return false;
      have += bytes.size();
      advance(static_cast<int64_t>(bytes.size()));
      return true;
    };
    auto answer = api.http().send(request, stop);
    if (!failed.ok()) return failed;
    if (answer.ok() && answer->ok() && (!file.size || have == *file.size)) break;
    if (stop.stop_requested()) return Status(Code::cancelled, cat("stopped while fetching ", file.filename));
    if (answer.ok() && answer->status == 416 && before > 0) {
      TRY(cut_to(0));
    } else if (answer.ok() && !answer->ok() && answer->status != 408 && answer->status != 429 && answer->status < 500) {
      return api.http().to_status(*answer, {&repo, file.commit_hash, file.filename});
    }
    failures = have > before ? 1 : failures + 1;
    if (failures > kTriesWithoutProgress) {
      if (!answer.ok()) return std::move(answer).status().with(file.filename);
      if (!answer->ok()) return api.http().to_status(*answer, {&repo, file.commit_hash, file.filename});
      return Status(Code::unavailable, cat(file.filename, " ended after ", have, " of ", file.size.value_or(0),
                                           " bytes; run the command again to go on from there"));
    }
    if (!wait_for(std::min(1 << (failures - 1), 8), stop))
      return Status(Code::cancelled, cat("stopped while fetching ", file.filename));
  }
  return check_hash(incomplete, file.etag, file.filename);
}

// ---- a folder of one's own: files as they are named, what is known of them in .cache/huggingface ----

struct LocalPaths {
  std::string file, metadata, lock, incomplete;
};

LocalPaths local_paths(const std::string& folder, const KnownFile& file) {
  const auto base = path_join(folder, cat(".cache/huggingface/download/", file.filename));
  const auto name = cat(path_name(file.filename), ".metadata");
  Hasher hasher(HashKind::sha1);
  hasher.update(name);
  auto short_hash = replace_all(replace_all(to_base64(hasher.digest()), "+", "-"), "/", "_");
  return {path_join(folder, file.filename), cat(base, ".metadata"), cat(base, ".lock"),
          path_join(path_parent(base), cat(short_hash, ".", file.etag, ".incomplete"))};
}

struct LocalMetadata {
  std::string commit_hash, etag;
};

/// What was noted when the file was fetched; nothing when the file has changed since.
std::optional<LocalMetadata> read_local_metadata(const LocalPaths& paths) {
  const auto text = read_file(paths.metadata, 4096);
  struct stat info {};
  if (!text.ok() || stat(paths.file.c_str(), &info) != 0) return std::nullopt;
  const auto lines = split(*text, '\n');
  const auto noted = lines.size() >= 3 ? parse_double(trim(lines[2])) : std::nullopt;
  if (!noted || static_cast<double>(info.st_mtim.tv_sec) - 1 > *noted) return std::nullopt;
  return LocalMetadata{std::string(trim(lines[0])), std::string(trim(lines[1]))};
}

Status write_local_metadata(const LocalPaths& paths, const KnownFile& file) {
  const auto now = now_ms();
  const auto fraction = std::to_string(1000 + now % 1000).substr(1);
  return write_file(paths.metadata, cat(file.commit_hash, "\n", file.etag, "\n", now / 1000, ".", fraction, "\n"));
}

Status copy_file(const std::string& from, const std::string& to) {
  const auto source = TRY(open_read(from));
  const auto temporary = to + ".copying";
  const auto target = TRY(open_write(temporary));
  std::string buffer(1 << 20, '\0');
  for (;;) {
    const auto got = ::read(source.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_status("cannot read", from);
    if (got == 0) break;
    TRY(write_all(target.get(), std::string_view(buffer).substr(0, static_cast<size_t>(got)), to));
  }
  return rename_path(temporary, to);
}

Result<std::string> fetch_to_folder(const HfApi& api, const RepoName& repo, const KnownFile& file,
                                    const DownloadOptions& options, std::stop_token stop) {
  const auto paths = local_paths(options.local_folder, file);
  TRY(make_folders(std::string(path_parent(paths.file))));
  TRY(make_folders(std::string(path_parent(paths.metadata))));
  const auto notes = path_join(options.local_folder, ".cache/huggingface");
  write_cachedir_tag(notes);
  if (!exists(path_join(notes, ".gitignore"))) TRY(write_file(path_join(notes, ".gitignore"), "*"));

  const auto lock = TRY(FileLock::acquire(paths.lock, stop));
  if (!options.force_download && is_file(paths.file)) {
    const auto known = read_local_metadata(paths);
    bool same = known && known->etag == file.etag;
    if (!known && file.etag.size() == 64 && TRY(file_size(paths.file)) > 0)
      same = sha256_hex(TRY(MappedFile::open(paths.file)).text()) == file.etag;
    if (same) {
      if (options.observer) options.observer->advance(static_cast<int64_t>(file.size.value_or(0)));
      TRY(write_local_metadata(paths, file));
      return paths.file;
    }
  }
  const auto cache_folder = options.cache_folder.empty() ? hf_hub_cache() : options.cache_folder;
  const auto cached = try_to_load_from_cache(repo, file.filename, file.commit_hash, cache_folder);
  if (cached && !options.force_download) {
    TRY(copy_file(*cached, paths.file));
    if (options.observer) options.observer->advance(static_cast<int64_t>(file.size.value_or(0)));
  } else {
    TRY(fetch(api, repo, file, paths.incomplete, options, stop));
    TRY(rename_path(paths.incomplete, paths.file));
  }
  TRY(write_local_metadata(paths, file));
  return paths.file;
}

Result<std::string> fetch_to_cache(const HfApi& api, const RepoName& repo, const KnownFile& file,
                                   const DownloadOptions& options, std::stop_token stop) {
  const RepoCache cache(options.cache_folder.empty() ? hf_hub_cache() : options.cache_folder, repo);
  const auto pointer = cache.pointer(file.commit_hash, file.filename);
  if (!options.force_download && is_file(pointer)) {
    // The cache may be read-only: then the ref stays as it is.
    static_cast<void>(cache.write_ref(options.revision, file.commit_hash).ok());
    if (options.observer) options.observer->advance(static_cast<int64_t>(file.size.value_or(0)));
    return pointer;
  }
  TRY(cache.prepare(file.commit_hash, file.filename));
  TRY(cache.write_ref(options.revision, file.commit_hash));
  const auto lock = TRY(FileLock::acquire(cache.lock(file.etag), stop));
  const auto blob = cache.blob(file.etag);
  if (options.force_download || !is_file(blob)) {
    const auto incomplete = blob + ".incomplete";
    if (options.force_download) ::unlink(incomplete.c_str());
    TRY(fetch(api, repo, file, incomplete, options, stop));
    TRY(rename_path(incomplete, blob));
  } else if (options.observer) {
    options.observer->advance(static_cast<int64_t>(file.size.value_or(0)));
  }
  TRY(cache.link(file.etag, file.commit_hash, file.filename));
  return pointer;
}

/// What this machine has of the file when the Hub gives no answer; `why` otherwise.
Result<std::string> from_disk(const RepoName& repo, std::string_view filename, const DownloadOptions& options,
                              Status why) {
  if (!options.local_folder.empty()) {
    auto path = path_join(options.local_folder, filename);
    if (is_file(path) && !options.force_download) return path;
  } else if (const auto cached =
                 try_to_load_from_cache(repo, filename, options.revision,
                                        options.cache_folder.empty() ? hf_hub_cache() : options.cache_folder);
             cached && !options.force_download) {
    return *cached;
  }
  return why;
}

}  // namespace

Result<std::string> fetch_known_file(const HfApi& api, const RepoName& repo, const KnownFile& file,
                                     const DownloadOptions& options, std::stop_token stop) {
  TRY(validate_relative_filename(file.filename));
  return options.local_folder.empty() ? fetch_to_cache(api, repo, file, options, stop)
                                      : fetch_to_folder(api, repo, file, options, stop);
}

Result<std::string> hf_hub_download(const HfApi& api, const RepoName& repo, std::string_view filename,
                                    const DownloadOptions& options, std::stop_token stop) {
  TRY(validate_repo_id(repo.id));
  TRY(validate_relative_filename(filename));
  const RepoCache cache(options.cache_folder.empty() ? hf_hub_cache() : options.cache_folder, repo);
  if (options.local_folder.empty() && is_commit_hash(options.revision) && !options.force_download) {
    // A commit never changes: what is there needs no question.
    auto pointer = cache.pointer(options.revision, filename);
    if (is_file(pointer)) return pointer;
  }
  if (options.local_files_only || is_offline()) {
    return from_disk(repo, filename, options,
                     Status(Code::not_found, cat("'", filename, "' of ", repo_type_name(repo.type), " '", repo.id,
                                                 "' is not on this machine at revision '", options.revision,
                                                 "', and HF_HUB_OFFLINE forbids to fetch it: unset it")));
  }
  auto head = api.head_file(repo, options.revision, filename, stop);
  if (!head.ok()) return from_disk(repo, filename, options, std::move(head).status());
  if (head->status >= 400) {
    auto status = api.http().to_status(*head, {&repo, options.revision, filename});
    if (status.code() == Code::entry_not_found && options.local_folder.empty()) {
      if (const auto commit = head->header("X-Repo-Commit"); is_commit_hash(commit)) {
        cache.write_absent(commit, filename);
        static_cast<void>(cache.write_ref(options.revision, commit).ok());
      }
    }
    if (status.code() == Code::entry_not_found || status.code() == Code::revision_not_found) return status;
    return from_disk(repo, filename, options, std::move(status));
  }
  auto metadata = api.file_metadata(*head);
  if (!metadata.ok()) return from_disk(repo, filename, options, std::move(metadata).status());
  KnownFile file{std::string(filename), metadata->commit_hash, metadata->etag, metadata->size, ""};
  if (!api.http().is_own(metadata->location)) file.location = metadata->location;
  if (options.observer) options.observer->begin(filename, file.size.value_or(0));
  return fetch_known_file(api, repo, file, options, stop);
}

}  // namespace hearth
