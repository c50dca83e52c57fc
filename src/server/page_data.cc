#include "server/page_data.h"

#include "base/clock.h"
#include "base/text.h"

namespace hearth::server {

Json page_data(const Request& rq, std::string_view page) {
  Json user;
  if (const auto* signed_in = rq.user())
    user = Json::Object{{"name", signed_in->name}, {"isAdmin", signed_in->is_admin}};
  return Json::Object{{"page", page}, {"endpoint", rq.endpoint()}, {"user", std::move(user)}};
}

namespace {

Json strings_json(const std::vector<std::string>& strings) {
  Json::Array out;
  for (const auto& text : strings) out.emplace_back(text);
  return out;
}

Json repo_json(const hub::Repo& repo, const hub::RepoIndex& index) {
  Json out = Json::Object{{"id", repo.full_name()},
                          {"private", repo.is_private},
                          {"gated", repo.gated.empty() ? Json(false) : Json(repo.gated)},
                          {"downloads", repo.downloads},
                          {"likes", repo.likes},
                          {"lastModified", iso_time(repo.modified_ms)},
                          {"tags", strings_json(index.tags)}};
  if (!index.pipeline_tag.empty()) out.set("pipeline_tag", index.pipeline_tag);
  if (!index.library_name.empty()) out.set("library_name", index.library_name);
  return out;
}

}  // namespace

Json summary_json(const hub::RepoItem& item) {
  return repo_json(item.repo, item.index);
}

Json info_json(const hub::Repo& repo, const hub::RepoIndex& index) {
  Json out = repo_json(repo, index);
  out.set("sha", index.head);
  out.set("author", repo.owner);
  out.set("createdAt", iso_time(repo.created_ms));
  out.set("usedStorage", index.used_storage_bytes);
  if (!index.card.is_null()) out.set("cardData", index.card);
  if (!index.safetensors.is_null()) out.set("safetensors", index.safetensors);
  if (!index.gguf.is_null()) out.set("gguf", index.gguf);
  return out;
}

Json entry_json(const hub::TreeEntry& entry) {
  Json out = Json::Object{{"type", entry.is_folder ? "directory" : "file"},
                          {"path", entry.path},
                          {"size", entry.size_bytes},
                          {"oid", entry.oid}};
  if (entry.lfs) out.set("lfs", Json::Object{{"oid", entry.lfs->sha256}, {"size", entry.lfs->size_bytes}});
  if (const auto& commit = entry.last_commit)
    out.set("lastCommit",
            Json::Object{{"id", commit->id}, {"title", commit->title}, {"date", iso_time(commit->date_ms)}});
  return out;
}

bool runs_here(const hub::RepoIndex& index) {
  return index.gguf["architecture"].as_string() == "llama" || index.config["model_type"].as_string() == "llama";
}

std::string repo_path(const hub::Repo& repo) {
  return cat("/", hub::kind_prefix(repo.kind), repo.full_name());
}

Response page_response(const Request& rq, Shell shell) {
  shell.theme = net::cookie(rq.head().headers, "theme");
  return html_response(render_shell(shell));
}

}  // namespace hearth::server
