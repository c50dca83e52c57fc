// hearth repos: create, list and delete repositories of a Hub.
// Source: huggingface_hub 2.4.0 cli/repos.py.
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/hub_command.h"

namespace hearth::cli::commands {
namespace {

int create(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto run = [&]() -> Result<RepoUrl> {
    constexpr std::string_view usage = "repos create REPO_ID [--repo-type TYPE] [--private]";
    TRY(check_words(arguments, 1, 1, usage));
    const auto wanted = TRY(repo_argument(arguments, usage));
    if (arguments.has("private") && arguments.has("public"))
      return Status(Code::bad_input, "--private and --public exclude each other");
    CreateRepoOptions options;
    if (arguments.has("private") || arguments.has("public")) options.is_private = arguments.has("private");
    options.exist_ok = arguments.has("exist-ok");
    options.sdk = std::string(arguments.get("space-sdk"));
    if (wanted.repo.type == RepoType::space && options.sdk.empty())
      return Status(Code::bad_input, "a Space needs --space-sdk (gradio, streamlit, docker, static)");
    return make_api(arguments).create_repo(wanted.repo, options, interrupted());
  };
  const auto done = run();
  if (!done.ok()) return terminal.fail(done.status());
  output->result(done->existed ? "Repository was there already" : "Repository created",
                 Json::Object{{"url", done->url}, {"repo_id", done->repo_id}});
  return 0;
}

int remove(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto run = [&]() -> Result<std::string> {
    constexpr std::string_view usage = "repos delete REPO_ID [--repo-type TYPE] [--missing-ok] [--yes]";
    TRY(check_words(arguments, 1, 1, usage));
    const auto wanted = TRY(repo_argument(arguments, usage));
    if (!arguments.has("yes")) {
      // Nothing brings a deleted repository back: a person says so, a script says --yes.
      if (!terminal.is_interactive() || !output->is_human())
        return Status(Code::bad_input, cat("deleting '", wanted.repo.id, "' cannot be undone: add --yes to do it"));
      terminal.note(cat("Delete ", repo_type_name(wanted.repo.type), " '", wanted.repo.id, "' for ever? [y/N]"));
      const auto answer = terminal.read_line();
      if (!answer.ok() || to_lower_ascii(trim(*answer)).rfind('y', 0) != 0)
        return Status(Code::cancelled, "nothing was deleted");
    }
    TRY(make_api(arguments).delete_repo(wanted.repo, arguments.has("missing-ok"), interrupted()));
    return wanted.repo.id;
  };
  const auto done = run();
  if (!done.ok()) return terminal.fail(done.status());
  output->result("Repository deleted", Json::Object{{"repo_id", *done}});
  return 0;
}

int list(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto run = [&]() -> Result<Json::Array> {
    TRY(check_words(arguments, 0, 0, "repos list [--namespace NAME] [--repo-type TYPE] [--search WORD]"));
    const auto api = make_api(arguments);
    auto owner = std::string(arguments.get("namespace"));
    if (owner.empty()) {
      const auto me = TRY(api.whoami(interrupted()));
      owner = std::string(me["name"].as_string());
    }
    const auto limit = static_cast<size_t>(TRY(arguments.get_int("limit", 1000, 1, 1'000'000)));
    Json::Array rows;
    for (const auto type : {RepoType::model, RepoType::dataset, RepoType::space}) {
      if (arguments.has("repo-type") && TRY(parse_repo_type(arguments.get("repo-type"))) != type) continue;
      Parameters query{{"author", owner}, {"full", "true"}};
      if (arguments.has("search")) query.emplace_back("search", arguments.get("search"));
      if (rows.size() >= limit) break;
      for (const auto& repo : TRY(api.list_repos(type, query, limit - rows.size(), interrupted()))) {
        rows.push_back(Json::Object{{"id", repo["id"]},
                                    {"type", repo_type_name(type)},
                                    {"private", repo["private"].as_bool()},
                                    {"updated", repo["lastModified"]}});
      }
    }
    return rows;
  };
  const auto rows = run();
  if (!rows.ok()) return terminal.fail(rows.status());
  output->table(*rows, {"id", "type", "private", "updated"});
  return 0;
}

constexpr Option kCreateOptions[] = {
    kTypeOption,
    {"private", "", "Seen by you alone."},
    {"public", "", "Seen by everybody (the default)."},
    {"exist-ok", "", "Fine when it exists already."},
    {"space-sdk", "SDK", "Of a Space: gradio, streamlit, docker or static.", false, "sdk"},
    kTokenOption,
    kJsonOption,
    kQuietOption,
    kFormatOption,
};
constexpr Option kDeleteOptions[] = {
    kTypeOption,
    {"missing-ok", "", "Fine when there is none."},
    {"yes", "", "Do not ask.", false, "y"},
    kTokenOption,
    kJsonOption,
    kQuietOption,
    kFormatOption,
};
constexpr Option kListOptions[] = {
    kTypeOption,
    {"namespace", "NAME", "Whose repositories (your own)."},
    {"search", "WORD", "Only those whose name holds this."},
    {"limit", "N", "At most so many (1000)."},
    kTokenOption,
    kJsonOption,
    kQuietOption,
    kFormatOption,
};

constexpr std::string_view kListHelp =
    "All types are listed unless --repo-type names one.\n\n"
    "Examples\n  $ hearth repos list\n  $ hearth repos list --repo-type dataset --json\n";
constexpr Command kRows[] = {
    {.verb = "repos create",
     .usage = "REPO_ID",
     .summary = "Create a repository.",
     .options = kCreateOptions,
     .help = "REPO_ID is NAME (in your own namespace), OWNER/NAME, or datasets/OWNER/NAME.\n\n"
             "Examples\n"
             "  $ hearth repos create my-model\n"
             "  $ hearth repos create ann/rows --repo-type dataset --private\n",
     .run = create},
    {.verb = "repos list",
     .usage = "",
     .summary = "List your repositories, or somebody's.",
     .options = kListOptions,
     .help = kListHelp,
     .run = list},
    {.verb = "repos ls",
     .usage = "",
     .summary = "The same as list.",
     .options = kListOptions,
     .help = kListHelp,
     .run = list},
    {.verb = "repos delete",
     .usage = "REPO_ID",
     .summary = "Delete a repository for ever.",
     .options = kDeleteOptions,
     .help = "Examples\n  $ hearth repos delete ann/old-model --yes\n",
     .run = remove},
};

}  // namespace

extern constinit const Commands repos_entry{Group::repositories, "repos", "Create, list and delete repositories.",
                                            kRows};

}  // namespace hearth::cli::commands
