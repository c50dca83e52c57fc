// GET /api/{kind}/{repo}/tree/{rev}/{path}: one folder of a repository at a revision, in pages; POST
// .../paths-info/{rev}. Source: huggingface_hub 2.4.0 HfApi.list_repo_tree, get_paths_info; next page: RFC 8288 Link
// header.
#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "hub/scans.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

// With `expand` also what the scans say of each file.
Result<std::string> entries_json(const Request& rq, const std::vector<hub::TreeEntry>& entries, bool expand) {
  const auto scans = expand ? TRY(hub::stored_scans(rq.hub(), entries)) : std::map<std::string, hub::FileScan>();
  JsonWriter out;
  out.begin_array();
  for (const auto& entry : entries) {
    auto item = tree_entry_json(entry);
    if (expand && !entry.is_folder) item.set("securityFileStatus", hub::file_security(entry, scans));
    out.value(item);
  }
  return out.end().take();
}

Result<Response> tree(Request& rq) {
  const auto* repo = TRY(rq.repo());
  const hub::TreeQuery query{.path = rq.arg("path"),
                             .recursive = rq.query_flag("recursive"),
                             .expand = rq.query_flag("expand"),
                             .cursor = std::string(rq.query("cursor")),
                             .limit = std::max<int64_t>(TRY(rq.query_int("limit", 1000, 1000)), 1)};
  const auto page = TRY(hub::list_tree(rq.hub(), *repo, rq.arg("rev"), query));
  return json_page(TRY(entries_json(rq, page.entries, query.expand)), next_address(rq, page.next));
}

// Python sends a form with `paths` repeated, JavaScript {"paths": [...]}.
Result<Response> paths_info(Request& rq) {
  const auto* repo = TRY(rq.repo());
  std::vector<std::string> paths;
  bool expand = false;
  if (rq.header("content-type").starts_with("application/json")) {
    const auto body = TRY(rq.json());
    for (const auto& path : body["paths"].array()) paths.emplace_back(path.as_string());
    if (body["paths"].is_string()) paths.emplace_back(body["paths"].as_string());
    expand = body["expand"].as_bool();
  } else {
    for (auto& [name, value] : TRY(parse_query(rq.body()))) {
      if (name == "paths" || name == "paths[]")
        paths.push_back(std::move(value));
      else if (name == "expand")
        expand = value == "1" || equals_ignore_case(value, "true");
    }
  }
  const auto found = TRY(hub::paths_info(rq.hub(), *repo, rq.arg("rev"), paths, expand));
  return json_response(TRY(entries_json(rq, found.entries, expand)));
}

constexpr Route kRoutes[] = {
    {"GET", "/api/{kind}/{repo}/tree/{rev}/{path*}", Access::metadata, tree},
    {"POST", "/api/{kind}/{repo}/paths-info/{rev}", Access::metadata, paths_info, BodyMode::memory, 4u << 20}};

}  // namespace
extern constinit const Routes repo_tree_entry{kRoutes};
}  // namespace hearth::server::routes
