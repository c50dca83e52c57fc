// hearth admin upstream list: a line an upstream: name, owner or "*", address, whether a token is shown to it,
// how large a repository may be.
#include "base/text.h"
#include "hub/mirrors.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status list(Terminal& terminal) {
  const auto hub = TRY(hub::Hub::open(data_folder()));
  for (const auto& upstream : TRY(hub::list_upstreams(*hub)))
    terminal.print_line(cat(upstream.name, "\t", upstream.owner.empty() ? "*" : upstream.owner, "\t", upstream.url,
                            "\t", upstream.token.empty() ? "no token" : "token", "\t",
                            upstream.repo_max_bytes == 0
                                ? "any size"
                                : cat("up to ", human_size(static_cast<uint64_t>(upstream.repo_max_bytes)))));
  return {};
}

int run(const Arguments&, Terminal& terminal) {
  const auto status = list(terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_upstream_list_entry{"admin upstream list", run};
}  // namespace hearth::server::commands
