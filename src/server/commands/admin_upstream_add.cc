// hearth admin upstream add: another hub is asked for what this one lacks. The running server sees it within seconds.
#include "base/arguments.h"
#include "base/text.h"
#include "hub/audit.h"
#include "hub/mirrors.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status add(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 2) return Status(Code::bad_input, "admin upstream add takes a NAME and a URL");
  if (arguments.has("all") == arguments.has("owner"))
    return Status(Code::bad_input, "say --owner OWNER or --all: whose repositories may come from there");
  hub::Upstream upstream{.name = words[0], .url = words[1], .owner = std::string(arguments.get("owner"))};
  if (arguments.has("max-size")) upstream.repo_max_bytes = TRY(parse_size(arguments.get("max-size")));
  if (arguments.has("token-stdin")) upstream.token = trim(TRY(terminal.read_line()));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  TRY(hub::add_upstream(*hub, upstream));
  TRY(hub::record_command(*hub, "hub.upstream.add", 0, cat("upstream ", upstream.name),
                          Json::Object{{"url", upstream.url}, {"owner", upstream.owner}}));
  terminal.print_line(cat("Repositories of ", upstream.owner.empty() ? "owners unknown here" : upstream.owner,
                          " come from ", upstream.url, " when they are asked for"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = add(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_upstream_add_entry{"admin upstream add", run};
}  // namespace hearth::server::commands
