// hearth admin login-provider set: people sign in here with their account at an outside OpenID provider.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/login_provider.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> out;
  for (const auto word : split(list, ','))
    if (!trim(word).empty()) out.emplace_back(trim(word));
  return out;
}

// "group=org:role", several by commas.
Status read_groups(std::string_view list, hub::LoginProvider& out) {
  for (const auto& word : words_of(list)) {
    const auto equals = word.find('='), colon = word.rfind(':');
    if (equals == std::string::npos || colon == std::string::npos || colon < equals)
      return Status(Code::bad_input, cat("--groups takes GROUP=ORG:ROLE, not '", word, "'"));
    const auto role = TRY(hub::parse_org_role(word.substr(colon + 1)));
    out.groups.push_back({word.substr(0, equals), word.substr(equals + 1, colon - equals - 1), role});
  }
  return {};
}

Status set(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin login-provider set takes one NAME");
  hub::LoginProvider provider{.name = std::string(words[0]),
                              .label = std::string(arguments.get("label", words[0])),
                              .issuer = std::string(arguments.get("issuer")),
                              .client_id = std::string(arguments.get("client-id"))};
  if (arguments.has("client-secret-stdin")) provider.client_secret = TRY(terminal.read_line());
  provider.scopes = replace_all(arguments.get("scopes", provider.scopes), ",", " ");
  provider.domains = words_of(arguments.get("domains"));
  provider.name_claim = arguments.get("name-claim", provider.name_claim);
  provider.groups_claim = arguments.get("groups-claim", provider.groups_claim);
  provider.auto_create = !arguments.has("no-create");
  provider.link_names = arguments.has("link-names");
  TRY(read_groups(arguments.get("groups"), provider));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  TRY(hub::set_login_provider(*hub, provider));
  TRY(hub::record_command(*hub, "hub.login_provider.set", 0, cat("provider ", provider.name),
                          Json::Object{{"issuer", provider.issuer}, {"groups", arguments.get("groups")}}));
  terminal.print_line(cat("People sign in with ", provider.label, ". Its redirect address is HUB/login/with/",
                          provider.name, "/callback"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = set(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_login_provider_set_entry{"admin login-provider set", run};
}  // namespace hearth::server::commands
