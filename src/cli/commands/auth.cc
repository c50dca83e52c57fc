// hearth auth: log in with an access token, see who one is, log out.
// Source: huggingface_hub 2.4.0 cli/auth.py, _login.py. Differs: `login` without --token reads the token from the
// terminal or standard input and opens no browser, because a Hub here has its login links for that.
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/hub_command.h"

namespace hearth::cli::commands {
namespace {

int login(const Arguments& arguments, Terminal& terminal) {
  const auto run = [&]() -> Result<Json> {
    TRY(check_words(arguments, 0, 0, "auth login [--token TOKEN]"));
    auto token = std::string(trim(arguments.get("token")));
    if (token.empty()) {
      auto typed =
          terminal.read_secret("Access token (from `hearth admin token create`, or your settings at the Hub): ");
      if (!typed.ok()) return Status(Code::bad_input, "no token: give --token TOKEN, or the token on standard input");
      token = std::string(trim(*typed));
    }
    if (token.empty() || token.find_first_of(" \t\r\n") != std::string::npos)
      return Status(Code::bad_input, "that is no token: it is one word and begins with hf_");
    const HfApi api(HubHttp(hub_endpoint(), token));
    const auto info = TRY(api.whoami(interrupted()));
    const auto user = info["name"].as_string();
    auto name = std::string(info["auth"]["accessToken"]["displayName"].as_string());
    if (name.empty()) name = cat("oauth-", user);
    TRY(save_token(name, token));
    return Json(Json::Object{{"user", user},
                             {"token_name", name},
                             {"role", info["auth"]["accessToken"]["role"]},
                             {"endpoint", api.http().endpoint()}});
  };
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto done = run();
  if (!done.ok()) return terminal.fail(done.status());
  output->result("Logged in", *done);
  if (token_is_from_environment())
    terminal.note("Note: HF_TOKEN is set and goes before the token just saved; unset it to use that.");
  return 0;
}

int whoami(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const HfApi api = make_api(arguments);
  const auto info = api.whoami(interrupted());
  if (!info.ok()) return terminal.fail(info.status());
  std::vector<std::string> orgs;
  for (const auto& org : (*info)["orgs"].array()) orgs.emplace_back(org["name"].as_string());
  output->result("Logged in", Json::Object{{"user", (*info)["name"]},
                                           {"orgs", orgs.empty() ? Json() : Json(join(orgs, ","))},
                                           {"endpoint", api.http().endpoint()}});
  return 0;
}

int logout(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  if (!get_token() && get_stored_tokens().empty()) {
    terminal.note("Not logged in.");
    return 0;
  }
  const bool one = arguments.has("token-name");
  const auto done = forget_token(one ? std::optional(arguments.get("token-name")) : std::nullopt);
  if (!done.ok()) return terminal.fail(done);
  output->result(one ? "Logged out from one token" : "Logged out from all tokens",
                 Json::Object{{"token_name", one ? Json(arguments.get("token-name")) : Json()}});
  if (!token_is_from_environment()) return 0;
  return terminal.fail(Status(Code::conflict, "still logged in through HF_TOKEN: unset it to be logged out"));
}

int list(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto active = get_token();
  Json::Array rows;
  for (const auto& [name, token] : get_stored_tokens()) {
    const auto hidden = token.size() > 8 ? cat(token.substr(0, 3), "****", token.substr(token.size() - 4)) : "****";
    rows.push_back(Json::Object{{"name", name}, {"token", hidden}, {"active", active && *active == token}});
  }
  output->table(rows, {"name", "token", "active"});
  return 0;
}

int switch_to(const Arguments& arguments, Terminal& terminal) {
  const auto name = arguments.get("token-name");
  if (name.empty()) return terminal.fail(Status(Code::bad_input, "which token? --token-name NAME; `hearth auth list`"));
  const auto done = switch_token(name);
  if (!done.ok()) return terminal.fail(done);
  terminal.print_line(cat("✓ The active token is ", name));
  return 0;
}

int token(const Arguments&, Terminal& terminal) {
  const auto found = get_token();
  if (!found) return terminal.fail(Status(Code::unauthenticated, "not logged in: `hearth auth login` first"));
  terminal.print_line(*found);
  return 0;
}

constexpr Option kLoginOptions[] = {
    {"token", "TOKEN", "The access token; without it, it is asked for, or read from standard input."},
    {"force", "", "Log in again even when logged in already."},
    kJsonOption,
    kQuietOption,
    kFormatOption,
};
constexpr Option kWhoamiOptions[] = {kTokenOption, kJsonOption, kQuietOption, kFormatOption};
constexpr Option kLogoutOptions[] = {{"token-name", "NAME", "Forget one stored token; without it, all of them."},
                                     kJsonOption,
                                     kQuietOption,
                                     kFormatOption};
constexpr Option kSwitchOptions[] = {{"token-name", "NAME", "The stored token to use from now on."}};
constexpr Option kListOptions[] = {kJsonOption, kQuietOption, kFormatOption};

constexpr Command kRows[] = {
    {.verb = "auth login",
     .usage = "",
     .summary = "Log in with an access token and save it for Hearth and Python.",
     .options = kLoginOptions,
     .help = "The token is checked with the Hub (HF_ENDPOINT) and saved as huggingface_hub saves it: the active\n"
             "one in $HF_HOME/token, all of them in $HF_HOME/stored_tokens.\n\n"
             "Examples\n"
             "  $ hearth auth login\n"
             "  $ hearth auth login --token hf_...\n"
             "  $ hearth admin token create ann --role write | hearth auth login\n",
     .run = login},
    {.verb = "auth whoami",
     .usage = "",
     .summary = "Say which account of the Hub you are.",
     .options = kWhoamiOptions,
     .help = "Examples\n  $ hearth auth whoami\n  $ hearth auth whoami --json\n",
     .run = whoami},
    {.verb = "auth logout",
     .usage = "",
     .summary = "Forget the saved tokens, or one of them.",
     .options = kLogoutOptions,
     .help = "Examples\n  $ hearth auth logout\n  $ hearth auth logout --token-name laptop\n",
     .run = logout},
    {.verb = "auth list",
     .usage = "",
     .summary = "List the stored tokens.",
     .options = kListOptions,
     .help = "Examples\n  $ hearth auth list\n",
     .run = list},
    {.verb = "auth switch",
     .usage = "",
     .summary = "Make a stored token the active one.",
     .options = kSwitchOptions,
     .help = "Examples\n  $ hearth auth switch --token-name laptop\n",
     .run = switch_to},
    {.verb = "auth token",
     .usage = "",
     .summary = "Print the active token.",
     .options = {},
     .help = "Examples\n  $ curl -H \"Authorization: Bearer $(hearth auth token)\" ...\n",
     .run = token},
};

}  // namespace

extern constinit const Commands auth_entry{Group::repositories, "auth", "Log in to a Hub, log out, see who you are.",
                                           kRows};

}  // namespace hearth::cli::commands
