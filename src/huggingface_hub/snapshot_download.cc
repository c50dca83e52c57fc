#include "huggingface_hub/snapshot_download.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/guarded.h"
#include "base/text.h"

namespace hearth {
namespace {

struct Plan {
  Snapshot snapshot;
  TreeFiles tree;
  std::vector<std::string> paths;
};

std::string cache_folder_of(const SnapshotOptions& options) {
  return options.download.cache_folder.empty() ? hf_hub_cache() : options.download.cache_folder;
}

/// Where the lists of files are kept: beside the blobs, or in the folder's own notes.
std::string tree_folder(const RepoName& repo, const SnapshotOptions& options) {
  return options.download.local_folder.empty() ? RepoCache(cache_folder_of(options), repo).folder()
                                               : path_join(options.download.local_folder, ".cache/huggingface");
}

std::vector<std::string> chosen(const TreeFiles& tree, const SnapshotOptions& options) {
  std::vector<std::string> paths;
  for (const auto& [path, file] : tree) paths.push_back(path);
  return filter_repo_objects(paths, options.allow_patterns, options.ignore_patterns);
}

/// Asks the Hub for the commit and its files.
Result<Plan> ask(const HfApi& api, const RepoName& repo, const SnapshotOptions& options, bool keep_tree,
                 std::stop_token stop) {
  Plan plan;
  auto& commit = plan.snapshot.commit_hash;
  if (is_commit_hash(options.download.revision)) {
    commit = options.download.revision;
  } else {
    const auto info = TRY(api.repo_info(repo, options.download.revision, {}, stop));
    commit = std::string(info["sha"].as_string());
    if (!is_commit_hash(commit))
      return Status(Code::bad_input, cat(api.http().endpoint(), " names no commit for '", repo.id, "': is it a Hub?"));
  }
  const auto folder = tree_folder(repo, options);
  if (auto kept = read_tree_cache(folder, commit)) {
    plan.tree = std::move(*kept);
  } else {
    plan.tree = TRY(api.list_repo_files(repo, commit, stop));
    if (keep_tree) write_tree_cache(folder, commit, plan.tree);
  }
  plan.paths = chosen(plan.tree, options);
  const RepoCache cache(cache_folder_of(options), repo);
  plan.snapshot.folder = options.download.local_folder.empty() ? cache.snapshot(commit) : options.download.local_folder;
  for (const auto& path : plan.paths) {
    TRY(validate_relative_filename(path));
    const auto& file = plan.tree.at(path);
    const bool there = exists(path_join(plan.snapshot.folder, path)) ||
                       (options.download.local_folder.empty() && exists(cache.blob(file.etag())));
    plan.snapshot.files.push_back({path, file.size, there && !options.download.force_download});
  }
  return plan;
}

/// The snapshot as far as this machine has it; `why` when it has none, not_found when files are missing.
Result<Snapshot> from_disk(const RepoName& repo, const SnapshotOptions& options, Status why) {
  const RepoCache cache(cache_folder_of(options), repo);
  const auto commit = cache.commit_of(options.download.revision);
  Snapshot out;
  out.commit_hash = commit.value_or("");
  out.folder = options.download.local_folder;
  if (out.folder.empty() && commit) out.folder = cache.snapshot(*commit);
  if (out.folder.empty() || !is_folder(out.folder)) return why;
  if (const auto tree = commit ? read_tree_cache(tree_folder(repo, options), *commit) : std::nullopt) {
    std::vector<std::string> missing;
    for (const auto& path : chosen(*tree, options))
      if (!exists(path_join(out.folder, path))) missing.push_back(path);
    if (!missing.empty()) {
      return Status(Code::not_found, cat("the snapshot of '", repo.id, "' on this machine lacks ", missing.size(),
                                         " files (", missing.front(), missing.size() > 1 ? ", ..." : "",
                                         "), and the Hub gave none: ", why.message()));
    }
  }
  return out;
}

}  // namespace

Result<Snapshot> plan_snapshot(const HfApi& api, const RepoName& repo, const SnapshotOptions& options,
                               std::stop_token stop) {
  TRY(validate_repo_id(repo.id));
  return TRY(ask(api, repo, options, /*keep_tree=*/false, stop)).snapshot;
}

Result<Snapshot> snapshot_download(const HfApi& api, const RepoName& repo, const SnapshotOptions& options,
                                   std::stop_token stop) {
  TRY(validate_repo_id(repo.id));
  if (options.download.local_files_only || is_offline()) {
    return from_disk(
        repo, options,
        Status(Code::not_found, cat(repo_type_name(repo.type), " '", repo.id, "' is not on this machine at '",
                                    options.download.revision, "', and HF_HUB_OFFLINE forbids to fetch it: unset it")));
  }
  auto asked = ask(api, repo, options, /*keep_tree=*/true, stop);
  if (!asked.ok()) {
    const auto code = asked.status().code();
    if (code == Code::revision_not_found || code == Code::cancelled) return std::move(asked).status();
    return from_disk(repo, options, std::move(asked).status());
  }
  auto& plan = *asked;
  if (options.download.local_folder.empty()) {
    const RepoCache cache(cache_folder_of(options), repo);
    TRY(make_folders(plan.snapshot.folder));
    TRY(cache.write_ref(options.download.revision, plan.snapshot.commit_hash));
  } else {
    TRY(make_folders(options.download.local_folder));
  }
  if (auto* observer = options.download.observer) {
    uint64_t total = 0;
    for (const auto& file : plan.snapshot.files) total += file.size;
    observer->begin(cat("Fetching ", plan.paths.size(), plan.paths.size() == 1 ? " file" : " files"), total);
  }

  // The first failure stops the others; it is what the caller hears.
  std::stop_source failed;
  const std::stop_callback outer(stop, [&] { failed.request_stop(); });
  Guarded<Status> failure;
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < plan.paths.size() && !failed.stop_requested(); i = next++) {
      const auto& path = plan.paths[i];
      const auto& file = plan.tree.at(path);
      auto done = fetch_known_file(api, repo, {path, plan.snapshot.commit_hash, file.etag(), file.size, ""},
                                   options.download, failed.get_token());
      if (done.ok()) continue;
      failure.with([&](Status& first) {
        if (first.ok()) first = std::move(done).status();
      });
      failed.request_stop();
    }
  };
  {
    std::vector<std::jthread> workers;
    const auto count = std::min<size_t>(static_cast<size_t>(std::max(options.max_workers, 1)), plan.paths.size());
    for (size_t i = 1; i < count; ++i) workers.emplace_back(work);
    work();
  }
  TRY(failure.with([](Status& first) { return std::move(first); }));
  if (stop.stop_requested()) return Status(Code::cancelled, cat("stopped while fetching '", repo.id, "'"));
  return std::move(plan.snapshot);
}

}  // namespace hearth
