// hearth hook post-receive: after a push has moved its refs, the hub's row and index follow before the client hears of
// it. Source: git 2.39 Documentation/githooks.txt.
#include "base/files.h"
#include "base/text.h"
#include "hub/audit.h"
#include "hub/push.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

constexpr uint64_t kInputMax = 4u << 20;
constexpr size_t kRefsLogged = 50;

Status follow() {
  const auto updates = TRY(hub::parse_ref_updates(TRY(read_file("/dev/stdin", kInputMax))));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto repo = TRY(hub->repo_by_number(parse_int(env("HEARTH_HOOK_REPO")).value_or(0)));
  TRY(hub::after_push(*hub, repo, env("HEARTH_HOOK_USER"), updates));
  const auto user = TRY(hub->accounts().user(env("HEARTH_HOOK_USER")));
  Json::Array refs;
  for (const auto& update : updates) {
    if (refs.size() == kRefsLogged) break;
    refs.push_back(Json::Object{{"ref", update.ref}, {"oldSha", update.old_id}, {"newSha", update.new_id}});
  }
  return hub::record_audit(*hub, {.actor = user.name,
                                  .actor_id = user.id,
                                  .via = "git",
                                  .address = env("HEARTH_HOOK_ADDRESS"),
                                  .action = "repo.push",
                                  .owner_id = repo.owner_id,
                                  .target = cat(hub::kind_name(repo.kind), " ", repo.full_name()),
                                  .data = Json::Object{{"updatedRefs", std::move(refs)}}});
}

int run(const Arguments&, Terminal& terminal) {
  const auto status = follow();
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody hook_post_receive_entry{"hook post-receive", run};
}  // namespace hearth::server::commands
