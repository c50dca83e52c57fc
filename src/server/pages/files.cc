// GET /owner/name/tree/REV/PATH and /blob/REV/PATH: a folder with its last commits, a file as text. /commit/REV leads
// to the first.
#include "base/text.h"
#include "server/api_json.h"
#include "server/page_data.h"
#include "server/pages_registry.h"

namespace hearth::server::pages {
namespace {

constexpr uint64_t kTextLimit = 1 << 20;

Result<Json> files_data(Request& rq, std::string_view page) {
  const auto& repo = *TRY(rq.repo());
  auto data = page_data(rq, page);
  data.set("kind", hub::kind_plural(repo.kind));
  data.set("info", repo_json(repo, TRY(hub::main_index(rq.hub(), repo))));
  data.set("revision", rq.arg("rev"));
  data.set("path", rq.arg("path"));
  return data;
}

Result<Response> tree(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  hub::TreeQuery query;
  query.path = rq.arg("path");
  query.expand = true;
  Json::Array entries;
  for (const auto& entry : TRY(hub::list_tree(rq.hub(), repo, rq.arg("rev"), query)).entries)
    entries.push_back(tree_entry_json(entry));
  Shell shell;
  shell.title = cat(repo.full_name(), " at ", rq.arg("rev"));
  shell.description = cat("Files of ", repo.full_name());
  shell.data = TRY(files_data(rq, "tree"));
  shell.data.set("entries", std::move(entries));
  return page_response(rq, std::move(shell));
}

Result<Response> blob(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  const auto file = TRY(hub::find_file(rq.hub(), repo, rq.arg("rev"), rq.arg("path")));
  Json text;
  if (file.entry.size_bytes <= kTextLimit) {
    auto bytes = TRY(hub::read_file(rq.hub(), repo, file.commit, rq.arg("path"), kTextLimit));
    if (is_utf8(bytes) && bytes.find('\0') == std::string::npos) text = std::move(bytes);
  }
  Shell shell;
  shell.title = cat(rq.arg("path"), " - ", repo.full_name());
  shell.description = cat("A file of ", repo.full_name());
  shell.data = TRY(files_data(rq, "blob"));
  shell.data.set("size", file.entry.size_bytes);
  shell.data.set("text", std::move(text));
  return page_response(rq, std::move(shell));
}

// The address that clients print after an upload: the files as that commit left them.
Result<Response> commit(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  return redirect(cat(repo_path(repo), "/tree/", TRY(hub::resolve_revision(rq.hub(), repo, rq.arg("rev")))), 302);
}

constexpr Route kRoutes[] = {
    {"GET", "/{kind?}/{repo}/tree/{rev}/{path*}", Access::metadata, tree},
    {"GET", "/{kind?}/{repo}/blob/{rev}/{path*}", Access::content, blob},
    {"GET", "/{kind?}/{repo}/commit/{rev}", Access::metadata, commit},
};

}  // namespace
extern constinit const Routes files_entry{kRoutes};
}  // namespace hearth::server::pages
