#include "server/engine_model.h"

#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/index.h"
#include "hub/tree.h"
#include "server/page_data.h"

namespace hearth::server {
namespace {

Result<hub::Repo> only_model(const Request& rq) {
  std::optional<hub::Repo> found;
  for (auto& item : TRY(hub::list_repos(rq.hub(), rq.caller(), {})).items) {
    if (!runs_here(item.index)) continue;
    if (found) return Status(Code::bad_input, "'model' must name one of this hub's models: GET /v1/models lists them");
    found = std::move(item.repo);
  }
  if (!found) return Status(Code::not_found, "this hub has no model that its engine runs");
  return *std::move(found);
}

// An engine that still answers from an older commit has its files mapped: they may go.
Status remove_older(const std::string& newest) {
  const std::string parent(path_parent(newest));
  for (const auto& name : TRY(list_folder(parent)))
    if (name != path_name(newest) && name.find('.') == std::string::npos) TRY(remove_all(path_join(parent, name)));
  return {};
}

// The repository's files at a commit as a folder: big files are links into the store, small ones copies. Made once a
// commit, under a temporary name first, so that a folder that exists is whole.
Result<std::string> checkout(const Request& rq, const hub::Repo& repo, const std::string& commit) {
  const auto folder = path_join(rq.hub().folder(), cat("engines/", repo.id, "/", commit));
  if (is_folder(folder)) return folder;
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
      const auto store_path = TRY(absolute_path(TRY(hub::local_content(rq.hub(), entry.lfs->sha256))));
      if (::symlink(store_path.c_str(), path.c_str()) != 0) return errno_status("cannot link", path);
    } else {
      TRY(write_file(path, TRY(hub::read_blob(rq.hub(), repo, entry.oid))));
    }
  }
  const auto renamed = rename_path(making, folder);
  if (!renamed.ok()) {
    TRY(remove_all(making));
    if (!is_folder(folder)) return renamed.clone();  // else another request was first
  }
  TRY(remove_older(folder));
  return folder;
}

}  // namespace

Result<EngineModel> find_engine_model(const Request& rq, std::string_view model) {
  std::string_view file;
  if (const auto colon = model.find(':'); colon != std::string_view::npos && !model.starts_with("http")) {
    file = model.substr(colon + 1);
    model = model.substr(0, colon);
  }
  EngineModel out;
  if (model.empty() || model == "dummy" || model == "tgi" || model.starts_with("http")) {
    out.repo = TRY(only_model(rq));
  } else {
    const auto id = hub::parse_repo_id(hub::RepoKind::model, model);
    if (!id.ok()) return Status(Code::repo_not_found, cat("no model '", model, "' on this hub"));
    out.repo = TRY(rq.hub().repo(*id));
    TRY(hub::check_access(rq.caller(), out.repo, hub::Right::content));
  }
  out.id = out.repo.full_name();
  const auto index = TRY(hub::main_index(rq.hub(), out.repo));
  if (!runs_here(index))
    return Status(Code::unsupported,
                  cat("this hub's engine does not run ", out.id, ": it runs LLaMA models as safetensors or GGUF"));
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
