// hearth hook post-receive: after a push has moved its refs, the hub's row and index follow before the client hears of
// it. Source: git 2.39 Documentation/githooks.txt.
#include "base/files.h"
#include "base/text.h"
#include "hub/push.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status follow() {
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto repo = TRY(hub->repo_by_number(parse_int(env("HEARTH_HOOK_REPO")).value_or(0)));
  return hub::after_push(*hub, repo);
}

int run(const Arguments&, Terminal& terminal) {
  const auto status = follow();
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody hook_post_receive_entry{"hook post-receive", run};
}  // namespace hearth::server::commands
