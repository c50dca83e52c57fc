#include "server/engine_model.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/index.h"
#include "hub/tree.h"
#include "server/page_data.h"

namespace hearth::server {
namespace {

constexpr int64_t kUnusedMax_s = 7 * 24 * 3600;

Result<hub::Repo> only_model(const Request& rq, EngineUse use) {
  std::optional<hub::Repo> found;
  for (auto& item : TRY(hub::list_repos(rq.hub(), rq.caller(), {})).items) {
    if (!serves(item.index, use) || !runs_here(rq, item.index)) continue;
    if (found) return Status(Code::bad_input, "'model' must name one of this hub's models: GET /v1/models lists them");
    found = std::move(item.repo);
  }
  if (!found) return Status(Code::not_found, "this hub has no model that its engines run for this");
  return *std::move(found);
}

// Used a moment ago.
void touch(const std::string& folder) {
  static_cast<void>(::utimensat(AT_FDCWD, folder.c_str(), nullptr, 0));  // else it is made again sooner
}

// Older commits of the repository, and what no engine was asked for in a week: they may hold whole copies of what is
// stored as chunks. An engine that still answers from them has its files mapped.
Status remove_unused(const std::string& newest) {
  const std::string repo(path_parent(newest)), all(path_parent(repo));
  const auto oldest_s = now_ms() / 1000 - kUnusedMax_s;
  for (const auto& other : TRY(list_folder(all)))
    for (const auto& name : TRY(list_folder(path_join(all, other)))) {
      const auto folder = cat(all, "/", other, "/", name);
      const bool is_older = other == path_name(repo) && name != path_name(newest) && !contains(name, ".");
      struct stat info {};
      if (is_older || (::stat(folder.c_str(), &info) == 0 && info.st_mtime < oldest_s)) TRY(remove_all(folder));
    }
  return {};
}

// A big file for an engine to map: a link to where it lies whole. What is stored as chunks alone is put together in the
// folder itself and goes with it.
Status place_big_file(const hub::Hub& hub, const std::string& sha256, const std::string& path) {
  const auto stored = hub.blobs().local_path(sha256);
  if (!stored.ok() && stored.status().code() != Code::not_found) return stored.status().clone();
  if (!stored.ok()) return hub::copy_content(hub, sha256, path);
  const auto target = TRY(absolute_path(*stored));
  return ::symlink(target.c_str(), path.c_str()) == 0 ? Status() : errno_status("cannot link", path);
}

// The repository's files at a commit as a folder: big files are links into the store, small ones copies. Made once a
// commit, under a temporary name first, so that a folder that exists is whole.
Result<std::string> checkout(const Request& rq, const hub::Repo& repo, const std::string& commit) {
  const auto folder = path_join(rq.hub().folder(), cat("engines/", repo.id, "/", commit));
  if (is_folder(folder)) {
    touch(folder);
    return folder;
  }
  const auto making = cat(folder, ".", rq.id().substr(rq.id().size() - 8));
  TRY(remove_all(making));
  TRY(make_folders(making));
  hub::TreeQuery query;
  query.recursive = true;
  const auto page = TRY(hub::list_tree(rq.hub(), repo, commit, query));
  for (const auto& entry : page.entries) {
    const auto path = path_join(making, entry.path);
    if (entry.is_folder) continue;
    TRY(make_folders(std::string(path_parent(path))));
    if (entry.lfs) {
      TRY(place_big_file(rq.hub(), entry.lfs->sha256, path));
    } else {
      TRY(write_file(path, TRY(hub::read_blob(rq.hub(), repo, entry.oid))));
    }
  }
  const auto renamed = rename_path(making, folder);
  if (!renamed.ok()) {
    TRY(remove_all(making));
    if (!is_folder(folder)) return renamed.clone();  // else another request was first
  }
  TRY(remove_unused(folder));
  return folder;
}

}  // namespace

bool serves(const hub::RepoIndex& index, EngineUse use) {
  const auto& task = index.pipeline_tag;
  switch (use) {
    case EngineUse::generation:
      return task == "text-generation" || task == "image-text-to-text" || !index.gguf.is_null();
    case EngineUse::embedding:
      return task == "sentence-similarity" || task == "feature-extraction";
    case EngineUse::judgement:
      return task == "text-classification" || task == "text-ranking";
    case EngineUse::any:
      return true;
  }
  return false;
}

Result<EngineModel> find_engine_model(const Request& rq, std::string_view model, EngineUse use) {
  std::string_view file;
  if (const auto colon = model.find(':'); colon != std::string_view::npos && !model.starts_with("http")) {
    file = model.substr(colon + 1);
    model = model.substr(0, colon);
  }
  EngineModel out;
  if (model.empty() || model == "dummy" || model == "tgi" || model.starts_with("http")) {
    out.repo = TRY(only_model(rq, use));
  } else {
    const auto id = hub::parse_repo_id(hub::RepoKind::model, model);
    if (!id.ok()) return Status(Code::repo_not_found, cat("no model '", model, "' on this hub"));
    out.repo = TRY(rq.hub().repo(*id));
  }
  TRY(hub::check_access(rq.caller(), out.repo, hub::Right::content));
  out.id = out.repo.full_name();
  const auto index = TRY(hub::main_index(rq.hub(), out.repo));
  if (!runs_here(rq, index)) {
    const auto kind = index.config["model_type"].as_string(index.gguf["architecture"].as_string());
    return Status(Code::bad_input, cat("this hub's engines do not run ", out.id, ": ",
                                       kind.empty() ? "its files say no model_type they know"
                                                    : cat("they do not know the model_type ", printable(kind))));
  }
  const auto folder = TRY(checkout(rq, out.repo, index.head));
  if (file.empty() && exists(path_join(folder, "config.json")) && index.gguf.is_null()) {
    out.path = folder;
    return out;
  }
  std::vector<std::string> choices;
  for (const auto& name : TRY(list_folder(folder)))
    if (name.ends_with(".gguf")) choices.push_back(name);
  if (!file.empty()) {
    out.id += cat(":", file);
    for (const auto& name : choices)
      if (name == file) return out.path = path_join(folder, name), out;
    return Status(Code::entry_not_found,
                  cat(out.repo.full_name(), " has no weight file ", file, "; it has ", join(choices, ", ")));
  }
  if (choices.size() == 1) return out.path = path_join(folder, choices[0]), out;
  return Status(Code::bad_input,
                cat(out.id, " has several weight files; name one as '", out.id, ":FILE': ", join(choices, ", ")));
}

}  // namespace hearth::server
