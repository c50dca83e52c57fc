// GET /api/models, /api/datasets, /api/spaces, /api/kernels: lists and searches, page by page.
// Source: huggingface_hub 2.4.0 HfApi.list_models, list_datasets, list_spaces.
#include "server/api_json.h"
#include "server/list_query.h"
#include "server/repo_properties.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

// What an item shows when `expand` does not choose.
std::vector<std::string_view> standard_names(const Request& rq, hub::RepoKind kind) {
  using hub::RepoKind;
  const bool full = rq.query_flag("full");
  std::vector<std::string_view> out = {"modelId", "likes",        "trendingScore", "private",   "downloads",
                                       "tags",    "pipeline_tag", "library_name",  "createdAt", "sdk"};
  if (full || kind != RepoKind::model)
    for (const auto name : {"author", "sha", "lastModified", "gated", "disabled"}) out.emplace_back(name);
  if (kind == RepoKind::dataset) out.emplace_back("description");
  if (full) out.emplace_back("siblings");
  if (full && kind == RepoKind::dataset)
    for (const auto name : {"citation", "paperswithcode_id"}) out.emplace_back(name);
  if (full && kind == RepoKind::space)
    for (const auto name : {"models", "datasets", "subdomain", "runtime"}) out.emplace_back(name);
  if (rq.query_flag("cardData") || (full && kind != RepoKind::model)) out.emplace_back("cardData");
  if (rq.query_flag("config") || rq.query_flag("fetch_config")) out.emplace_back("config");
  return out;
}

Result<Response> list(Request& rq) {
  auto query = TRY(read_list_query(rq));
  const auto expand = rq.query_all("expand");
  auto properties = TRY(expanded_properties(query.kind, expand));
  if (expand.empty()) properties = named_properties(query.kind, standard_names(rq, query.kind));
  query.details = need_details(properties);
  const auto page = TRY(hub::list_repos(rq.hub(), rq.caller(), query));
  JsonWriter out;
  out.begin_array();
  for (const auto& item : page.items)
    TRY(write_properties(out, {.rq = rq, .repo = item.repo, .index = item.index}, properties));
  return json_page(out.end().take(), next_address(rq, page.next));
}

constexpr Route kRoutes[] = {{"GET", "/api/{kind}", Access::open, list}};

}  // namespace
extern constinit const Routes repo_list_entry{kRoutes};
}  // namespace hearth::server::routes
