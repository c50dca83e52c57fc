// hearth admin short-name set: names without an owner, as the public Hub's gpt2.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/hub.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status set(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 2) return Status(Code::bad_input, "admin short-name set takes a NAME and a REPO");
  const auto kind = TRY(hub::parse_kind(arguments.get("type", "model")));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto repo = TRY(hub->repo(TRY(hub::parse_repo_id(kind, words[1]))));
  TRY(hub->set_short_name(kind, words[0], &repo));
  TRY(hub::record_command(*hub, "repo.short_name.set", repo.owner_id, cat(hub::kind_name(kind), " ", repo.full_name()),
                          Json::Object{{"name", words[0]}}));
  terminal.print_line(cat(words[0], " leads to the ", hub::kind_name(kind), " ", repo.full_name()));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = set(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_short_name_set_entry{"admin short-name set", run};
}  // namespace hearth::server::commands
