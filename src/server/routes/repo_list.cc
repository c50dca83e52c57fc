// GET /api/models, /api/datasets, /api/spaces: lists and searches, page by page; GET /api/models-tags-by-type.
// Source: huggingface_hub 2.4.0 HfApi.list_models, list_datasets, list_spaces, get_model_tags.
#include <algorithm>

#include "base/text.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 1000;

std::vector<std::string> texts(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

Result<hub::RepoQuery> read_query(const Request& rq) {
  hub::RepoQuery out;
  out.kind = rq.kind();
  out.search = texts(rq.query_all("search"));
  out.author = rq.query("author");
  for (const auto filter : rq.query_all("filter"))
    for (const auto tag : split(filter, ','))
      if (!tag.empty()) out.tags.emplace_back(tag);
  out.pipeline_tag = rq.query("pipeline_tag");
  out.library = rq.query("library");
  if (const auto gated = rq.query("gated"); !gated.empty()) out.gated = rq.query_flag("gated");
  if (const auto sort = rq.query("sort"); !sort.empty()) out.sort = TRY(hub::parse_sort(sort));
  out.ascending = rq.query("direction") == "1";
  out.limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPage)), 1);
  out.cursor = rq.query("cursor");
  return out;
}

Result<Response> list(Request& rq) {
  const auto query = TRY(read_query(rq));
  const auto page = TRY(hub::list_repos(rq.hub(), rq.caller(), query));
  const auto expand = rq.query_all("expand");
  const bool full = rq.query_flag("full");
  std::vector<std::string_view> standard = {"modelId",   "likes",        "trendingScore", "private", "downloads",
                                            "createdAt", "pipeline_tag", "library_name",  "tags",    "sdk"};
  if (full || query.kind != hub::RepoKind::model) {
    for (const auto name : {"author", "sha", "lastModified", "gated", "disabled"}) standard.emplace_back(name);
  }
  if (full) standard.emplace_back("siblings");
  if (rq.query_flag("cardData") || (full && query.kind != hub::RepoKind::model)) standard.emplace_back("cardData");
  if (rq.query_flag("config")) standard.emplace_back("config");
  const auto& chosen = expand.empty() ? standard : expand;
  const bool with_files = std::find(chosen.begin(), chosen.end(), "siblings") != chosen.end();
  JsonWriter out;
  out.begin_array();
  for (const auto& item : page.items) {
    auto all = repo_json(item.repo, item.index);
    if (with_files) {
      const auto files = hub::list_files(rq.hub(), item.repo, item.index.head);
      if (!files.ok()) continue;  // deleted a moment ago
      all.set("siblings", siblings_json(*files, /*blobs=*/false));
    }
    out.value(TRY(choose_properties(all, expand, standard)));
  }
  return json_page(out.end().take(), next_address(rq, page.next));
}

// The type of a tag is what stands before its colon; of others it is what they are most often.
Result<Response> tags_by_type(Request& rq, hub::RepoKind kind) {
  Json out = Json::Object();
  for (const auto& [tag, count] : TRY(hub::list_tags(rq.hub(), kind))) {
    const auto colon = tag.find(':');
    const std::string type = colon == std::string::npos ? "other" : tag.substr(0, colon);
    if (!out.find(type)) out.set(type, Json::Array());
    out.set(type, [&] {
      auto list = out[type];
      list.array().push_back(Json::Object{{"id", tag}, {"label", tag.substr(colon + 1)}, {"type", type}});
      return list;
    }());
  }
  return json_response(out);
}
Result<Response> model_tags(Request& rq) {
  return tags_by_type(rq, hub::RepoKind::model);
}
Result<Response> dataset_tags(Request& rq) {
  return tags_by_type(rq, hub::RepoKind::dataset);
}

constexpr Route kRoutes[] = {{"GET", "/api/{kind}", Access::open, list},
                             {"GET", "/api/models-tags-by-type", Access::open, model_tags},
                             {"GET", "/api/datasets-tags-by-type", Access::open, dataset_tags}};

}  // namespace
extern constinit const Routes repo_list_entry{kRoutes};
}  // namespace hearth::server::routes
