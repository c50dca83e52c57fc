// GET /api/{kind}/{repo} and .../revision/{rev}: all that is known of a repository, at main or at a revision.
// Source: huggingface_hub 2.4.0 HfApi.model_info, dataset_info, space_info.
#include <algorithm>

#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

// What comes without `expand`.
const std::vector<std::string_view> kStandard = {
    "modelId",  "author",    "sha",          "lastModified", "createdAt", "private",          "gated",
    "disabled", "downloads", "likes",        "tags",         "cardData",  "siblings",         "usedStorage",
    "sdk",      "subdomain", "library_name", "pipeline_tag", "config",    "transformersInfo", "safetensors",
    "gguf",     "spaces",    "model-index",  "widgetData"};

Result<Response> answer(Request& rq, std::string_view revision) {
  const auto* repo = TRY(rq.repo());
  const auto index =
      revision.empty() ? TRY(hub::main_index(rq.hub(), *repo)) : TRY(hub::read_index(rq.hub(), *repo, revision));
  const auto expand = rq.query_all("expand");
  auto all = repo_json(*repo, index);
  if (expand.empty() || std::find(expand.begin(), expand.end(), "siblings") != expand.end())
    all.set("siblings", siblings_json(TRY(hub::list_files(rq.hub(), *repo, index.head)), rq.query_flag("blobs")));
  return json_response(TRY(choose_properties(all, expand, kStandard)));
}

Result<Response> at_main(Request& rq) {
  return answer(rq, "");
}
Result<Response> at_revision(Request& rq) {
  return answer(rq, rq.arg("rev"));
}

constexpr Route kRoutes[] = {{"GET", "/api/{kind}/{repo}", Access::metadata, at_main},
                             {"GET", "/api/{kind}/{repo}/revision/{rev}", Access::metadata, at_revision}};

}  // namespace
extern constinit const Routes repo_info_entry{kRoutes};
}  // namespace hearth::server::routes
