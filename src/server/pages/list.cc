// GET /models, /datasets, /spaces: the repositories of a kind that the reader may know of.
#include "server/page_data.h"
#include "server/pages_registry.h"

namespace hearth::server::pages {
namespace {

Result<Response> handle(Request& rq) {
  hub::RepoQuery query;
  query.details = false;
  query.kind = rq.kind();
  query.author = rq.query("author");
  query.pipeline_tag = rq.query("pipeline_tag");
  query.limit = 500;
  if (const auto search = rq.query("search"); !search.empty()) query.search.emplace_back(search);
  Json::Array repos;
  for (const auto& item : TRY(hub::list_repos(rq.hub(), rq.caller(), query)).items)
    repos.push_back(TRY(summary_json(item)));
  const std::string_view title = query.kind == hub::RepoKind::model     ? "Models"
                                 : query.kind == hub::RepoKind::dataset ? "Datasets"
                                                                        : "Spaces";
  Shell shell;
  shell.title = title;
  shell.description = "Everything of this kind on this hub.";
  shell.data = page_data(rq, "list");
  shell.data.set("kind", hub::kind_plural(query.kind));
  shell.data.set("search", rq.query("search"));
  shell.data.set("repos", std::move(repos));
  return page_response(rq, std::move(shell));
}

constexpr Route kRoutes[] = {{"GET", "/{kind}", Access::open, handle}};

}  // namespace
extern constinit const Routes list_entry{kRoutes};
}  // namespace hearth::server::pages
