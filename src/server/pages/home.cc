// GET /: what is on this hub, and how to connect to it.
#include "server/page_data.h"
#include "server/pages_registry.h"

namespace hearth::server::pages {
namespace {

Result<Response> handle(Request& rq) {
  hub::RepoQuery query;
  query.details = false;
  query.limit = 12;
  Json::Array repos;
  for (const auto& item : TRY(hub::list_repos(rq.hub(), rq.caller(), query)).items)
    repos.push_back(TRY(summary_json(item)));
  Shell shell;
  shell.title = "Your own hub";
  shell.description = "Models, datasets and Spaces on this machine.";
  shell.data = page_data(rq, "home");
  shell.data.set("repos", std::move(repos));
  shell.data.set("counts",
                 Json::Object{{"models", TRY(hub::count_repos(rq.hub(), rq.caller(), hub::RepoKind::model))},
                              {"datasets", TRY(hub::count_repos(rq.hub(), rq.caller(), hub::RepoKind::dataset))},
                              {"spaces", TRY(hub::count_repos(rq.hub(), rq.caller(), hub::RepoKind::space))}});
  return page_response(rq, std::move(shell));
}

constexpr Route kRoutes[] = {{"GET", "/", Access::open, handle}};

}  // namespace
extern constinit const Routes home_entry{kRoutes};
}  // namespace hearth::server::pages
