// hearth admin token create: a token for a user; the token is the last word printed.
#include "base/clock.h"
#include "base/text.h"
#include "hub/audit.h"
#include "server/account_json.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"
#include "server/span.h"

namespace hearth::server::commands {
namespace {

// "org:acme=repo.content.read,repo.write", "model:ann/tiny=repo.write", "discussion.write" (everywhere) become the JSON
// that the site sends.
Result<Json> read_scope_words(const std::vector<std::string>& words, bool gated) {
  Json::Array global, scoped;
  for (const auto& word : words) {
    const auto text = std::string_view(word);
    const auto equals = text.find('=');
    Json::Array permissions;
    for (const auto name : split(text.substr(equals == std::string_view::npos ? 0 : equals + 1), ','))
      (equals == std::string_view::npos ? global : permissions).emplace_back(trim(name));
    if (equals == std::string_view::npos) continue;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon > equals)
      return Status(Code::bad_input,
                    cat("--scope '", text.substr(0, 100), "' is not TYPE:NAME=PERMISSION,...: org:acme=repo.write"));
    scoped.push_back(Json::Object{{"entity", Json::Object{{"type", text.substr(0, colon)},
                                                          {"name", text.substr(colon + 1, equals - colon - 1)},
                                                          {"_id", text.substr(colon + 1, equals - colon - 1)}}},
                                  {"permissions", std::move(permissions)}});
  }
  return Json(Json::Object{{"canReadGatedRepos", gated}, {"global", std::move(global)}, {"scoped", std::move(scoped)}});
}

Status create(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin token create takes one USER");
  const auto role = TRY(hub::parse_role(arguments.get("role", "read")));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto user = TRY(hub->accounts().user(words[0]));
  const auto scopes = arguments.all("scope");
  if (role != hub::TokenRole::fine_grained && (!scopes.empty() || arguments.has("gated")))
    return Status(Code::bad_input, "--scope and --gated are for tokens with --role fineGrained");
  hub::TokenLimits limits;
  if (role == hub::TokenRole::fine_grained)
    limits.scopes = TRY(
        read_scopes(*hub, TRY(hub->accounts().caller_of(user)), TRY(read_scope_words(scopes, arguments.has("gated")))));
  if (arguments.has("expires")) limits.expires_ms = now_ms() + TRY(read_span_ms(arguments.get("expires")));
  const auto name = arguments.get("name", "command line");
  const auto token = TRY(hub->accounts().create_token(user, role, name, limits));
  TRY(hub::record_command(*hub, "user.token.create", user.id, cat("token of ", user.name),
                          Json::Object{{"name", name}, {"role", hub::role_name(role)}}));
  terminal.print_line(cat("Token of ", user.name, " (", hub::role_name(role), "), shown this once: ", token));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = create(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_token_create_entry{"admin token create", run};
}  // namespace hearth::server::commands
