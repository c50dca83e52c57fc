// hearth hook pre-receive: git asks the hub whether a push is accepted, while the pushed objects are still in
// quarantine. Source: git 2.39 Documentation/githooks.txt, git-receive-pack.txt (quarantine environment).
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "hub/push.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

constexpr uint64_t kInputMax = 4u << 20;

Result<bool> judge(Terminal& terminal) {
  const auto updates = TRY(hub::parse_ref_updates(TRY(read_file("/dev/stdin", kInputMax))));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto repo = TRY(hub->repo_by_number(parse_int(env("HEARTH_HOOK_REPO")).value_or(0)));
  // The right to push was checked before git was started; this is who did it.
  const auto caller = TRY(hub->accounts().caller_of(TRY(hub->accounts().user(env("HEARTH_HOOK_USER")))));
  const auto check = TRY(hub::check_push(*hub, repo, caller, updates, env("GIT_QUARANTINE_PATH")));
  for (const auto& text : check.texts) terminal.note(text);
  return check.accepted;
}

int run(const Arguments&, Terminal& terminal) {
  const auto accepted = judge(terminal);
  if (!accepted.ok()) return terminal.fail(accepted.status());
  return *accepted ? 0 : 1;
}

}  // namespace
extern constinit const CommandBody hook_pre_receive_entry{"hook pre-receive", run};
}  // namespace hearth::server::commands
