// hearth admin quota set: how much a user or organisation may store.
#include <optional>

#include "base/arguments.h"
#include "base/text.h"
#include "hub/audit.h"
#include "hub/owners.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

// "100GB", or "none".
Result<std::optional<int64_t>> read_size(std::string_view text) {
  if (text == "none") return std::optional<int64_t>();
  return std::optional(TRY(parse_size(text)));
}

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.empty() || words.size() > 2 || (words.size() == 1 && !arguments.has("private")))
    return Status(Code::bad_input, "admin quota set takes OWNER and a SIZE (100GB, none), or --private SIZE");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto owner = TRY(hub::find_owner(*hub, words[0]));
  auto quota = TRY(hub::quota_of(*hub, owner.id));
  if (words.size() == 2) quota.storage_bytes = TRY(read_size(words[1]));
  if (arguments.has("private")) quota.private_bytes = TRY(read_size(arguments.get("private")));
  TRY(hub::set_quota(*hub, owner.id, quota));
  const auto shown = [](const std::optional<int64_t>& bytes) {
    return bytes ? human_size(static_cast<uint64_t>(*bytes)) : std::string("no limit");
  };
  const auto usage = TRY(hub::usage_of(*hub, owner.id));
  TRY(hub::record_command(
      *hub, "quota.set", owner.id, owner.name,
      Json::Object{{"storage", shown(quota.storage_bytes)}, {"private", shown(quota.private_bytes)}}));
  terminal.print_line(cat(owner.name, ": ", shown(quota.storage_bytes), ", of it private ", shown(quota.private_bytes),
                          "; used ", human_size(static_cast<uint64_t>(usage.storage_bytes)), ", private ",
                          human_size(static_cast<uint64_t>(usage.private_bytes))));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_quota_set_entry{"admin quota set", run};
}  // namespace hearth::server::commands
