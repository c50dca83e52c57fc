// GET /api/{kind}/{repo} and .../revision/{rev}: all that is known of a repository, at main or at a revision.
// Source: huggingface_hub 2.4.0 HfApi.model_info, dataset_info, space_info, kernel_info.
#include "server/api_json.h"
#include "server/repo_properties.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

// What comes without `expand`.
const std::vector<std::string_view> kStandard = {"modelId",
                                                 "author",
                                                 "sha",
                                                 "lastModified",
                                                 "createdAt",
                                                 "private",
                                                 "gated",
                                                 "disabled",
                                                 "downloads",
                                                 "likes",
                                                 "tags",
                                                 "cardData",
                                                 "siblings",
                                                 "usedStorage",
                                                 "sdk",
                                                 "subdomain",
                                                 "library_name",
                                                 "pipeline_tag",
                                                 "config",
                                                 "transformersInfo",
                                                 "safetensors",
                                                 "gguf",
                                                 "spaces",
                                                 "model-index",
                                                 "widgetData",
                                                 "mask_token",
                                                 "description",
                                                 "citation",
                                                 "paperswithcode_id",
                                                 "models",
                                                 "datasets",
                                                 "region",
                                                 "runtime"};

Result<Response> answer(Request& rq, std::string_view revision) {
  const auto* repo = TRY(rq.repo());
  const auto expand = rq.query_all("expand");
  auto properties = TRY(expanded_properties(repo->kind, expand));
  if (expand.empty()) properties = named_properties(repo->kind, kStandard);
  if (rq.query_flag("securityStatus"))
    for (const auto* property : named_properties(repo->kind, {"securityRepoStatus"})) properties.push_back(property);
  const auto index =
      revision.empty() ? TRY(hub::main_index(rq.hub(), *repo)) : TRY(hub::read_index(rq.hub(), *repo, revision));
  JsonWriter out;
  TRY(write_properties(out, {.rq = rq, .repo = *repo, .index = index, .blobs = rq.query_flag("blobs")}, properties));
  return json_response(out.take());
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
