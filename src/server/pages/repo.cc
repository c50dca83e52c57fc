// GET /owner/name (datasets/..., spaces/...): the card, the gate, the chat and tokenizer widgets, the files.
#include "base/text.h"
#include "server/api_json.h"
#include "server/engine_model.h"
#include "server/gate_data.h"
#include "server/markdown.h"
#include "server/page_data.h"
#include "server/pages_registry.h"
#include "server/services.h"
#include "server/tokenizer_cache.h"

namespace hearth::server::pages {
namespace {

constexpr uint64_t kCardLimit = 1 << 20;

Result<Response> handle(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  const auto path = repo_path(repo);
  if (rq.arg("repo") != repo.full_name()) return redirect(path, 307);  // another letter case, or a former name
  const auto index = TRY(hub::main_index(rq.hub(), repo));

  Shell shell;
  shell.title = repo.full_name();
  shell.description = index.pipeline_tag.empty() ? repo.full_name() : cat(repo.full_name(), ": ", index.pipeline_tag);
  const auto readme = hub::read_file(rq.hub(), repo, "main", "README.md", kCardLimit);
  if (readme.ok() && !trim(card_body(*readme)).empty())
    shell.card_html = render_markdown(card_body(*readme), {cat(path, "/resolve/main/"), cat(path, "/blob/main/")});

  Json::Array files;
  const auto root = TRY(hub::list_tree(rq.hub(), repo, "main", {})).entries;
  for (const auto& entry : root) files.push_back(tree_entry_json(entry));
  shell.data = page_data(rq, "repo");
  shell.data.set("kind", hub::kind_plural(repo.kind));
  shell.data.set("info", repo_json(repo, index));
  shell.data.set("files", std::move(files));
  if (!repo.gated.empty()) shell.data.set("gate", TRY(gate_json(rq, repo, index.card)));
  const bool runs = repo.kind == hub::RepoKind::model && runs_here(rq, index);
  shell.data.set("use", !runs                                  ? ""
                        : serves(index, EngineUse::generation) ? "chat"
                        : serves(index, EngineUse::embedding)  ? "embed"
                                                               : "task");
  const bool readable = hub::check_access(rq.caller(), repo, hub::Right::content).ok();
  const bool is_model = repo.kind == hub::RepoKind::model;
  shell.data.set("tokenizes", is_model && readable && rq.services().tokenizers && TokenizerCache::has_tokenizer(root));
  shell.data.set("inference", rq.user() || rq.services().anonymous_inference ? "allowed" : "sign-in");
  return page_response(rq, std::move(shell));
}

constexpr Route kRoutes[] = {{"GET", "/{kind?}/{repo}", Access::metadata, handle}};

}  // namespace
extern constinit const Routes repo_entry{kRoutes};
}  // namespace hearth::server::pages
