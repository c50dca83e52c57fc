// hearth admin export: repositories as one file for a hub without internet.
#include "base/text.h"
#include "hub/archive.h"
#include "hub/audit.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

// "owner/name", "datasets/owner/name", "spaces/owner/name".
Result<hub::RepoId> parse_word(std::string_view word) {
  for (const auto kind : {hub::RepoKind::dataset, hub::RepoKind::space})
    if (word.starts_with(hub::kind_prefix(kind)) && contains(word.substr(hub::kind_prefix(kind).size()), "/"))
      return hub::parse_repo_id(kind, word.substr(hub::kind_prefix(kind).size()));
  return hub::parse_repo_id(hub::RepoKind::model, word);
}

Status export_repos(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  const std::string file(arguments.get("output"));
  if (words.empty() || file.empty())
    return Status(Code::bad_input, "admin export takes REPO... and --output FILE: which repositories, and where to");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  std::vector<hub::Repo> repos;
  for (const auto& word : words) {
    auto repo = hub->repo(TRY(parse_word(word)));
    if (!repo.ok()) return std::move(repo).status().with(word);
    repos.push_back(*std::move(repo));
  }
  const auto done =
      TRY(hub::export_archive(*hub, repos, file, [&](const std::string& name) { terminal.status_line(name); }));
  TRY(hub::record_command(*hub, "hub.export", 0, cat("file ", file), Json::Object{{"repositories", done.repos}}));
  for (const auto& warning : done.warnings) terminal.note(cat("left out: ", warning));
  terminal.print_line(cat(file, ": ", done.repos, " repositories, ", done.objects, " large files"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = export_repos(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_export_entry{"admin export", run};
}  // namespace hearth::server::commands
