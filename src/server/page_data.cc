#include "server/page_data.h"

#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/api_json.h"
#include "server/origin.h"
#include "server/services.h"

namespace hearth::server {

Json page_data(const Request& rq, std::string_view page) {
  Json user;
  if (const auto* signed_in = rq.user())
    user = Json::Object{{"name", signed_in->name}, {"isAdmin", signed_in->is_admin}};
  Json out = Json::Object{{"page", page}, {"endpoint", rq.endpoint()}, {"user", std::move(user)}};
  if (rq.by_session()) out.set("csrfToken", csrf_token(rq.caller().session_id));
  return out;
}

Result<Json> summary_json(const hub::RepoItem& item) {
  const auto all = repo_json(item.repo, item.index);
  Json out = Json::Object();
  for (const std::string_view name :
       {"_id", "id", "private", "gated", "downloads", "likes", "lastModified", "tags", "pipeline_tag", "library_name"})
    if (const auto* value = all.find(name)) out.set(name, *value);
  return out;
}

bool runs_here(const Request& rq, const hub::RepoIndex& index) {
  auto* engines = rq.services().endpoints;
  return engines && engines->runs(index.config["model_type"].as_string(), index.gguf["architecture"].as_string());
}

std::string repo_path(const hub::Repo& repo) {
  return cat("/", hub::kind_prefix(repo.kind), repo.full_name());
}

Response page_response(const Request& rq, Shell shell) {
  shell.theme = net::cookie(rq.head().headers, "theme");
  return html_response(render_shell(shell));
}

}  // namespace hearth::server
