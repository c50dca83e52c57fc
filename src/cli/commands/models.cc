// hearth models: find models on a Hub, list a model's files, read what is known of one.
// Source: huggingface_hub 2.4.0 cli/models.py.
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/hub_command.h"

namespace hearth::cli::commands {
namespace {

Result<Json::Array> list_files(const HfApi& api, const Arguments& arguments, const Output& output) {
  const auto wanted = TRY(repo_argument(arguments, "models list REPO_ID"));
  const std::string revision = wanted.revision.empty() ? "main" : wanted.revision;
  Json::Array rows;
  for (const auto& entry :
       TRY(api.list_repo_tree(wanted.repo, revision, wanted.path, arguments.has("recursive"), interrupted()))) {
    const bool folder = entry["type"].as_string() == "directory";
    const auto size = entry["size"].as_int();
    const bool readable = output.is_human() && arguments.has("human-readable");
    rows.push_back(Json::Object{{"path", folder ? Json(cat(entry["path"].as_string(), "/")) : entry["path"]},
                                {"size", folder     ? Json()
                                         : readable ? Json(human_size(static_cast<uint64_t>(size)))
                                                    : Json(size)}});
  }
  return rows;
}

Result<Json::Array> list_models(const HfApi& api, const Arguments& arguments) {
  Parameters query;
  for (const auto& [option, name] :
       {std::pair{"search", "search"}, {"author", "author"}, {"pipeline-tag", "pipeline_tag"}})
    if (arguments.has(option)) query.emplace_back(name, arguments.get(option));
  for (const auto& tag : arguments.all("filter")) query.emplace_back("filter", tag);
  if (const auto sort = arguments.get("sort"); !sort.empty()) {
    constexpr std::pair<std::string_view, std::string_view> kKeys[] = {{"created_at", "createdAt"},
                                                                       {"downloads", "downloads"},
                                                                       {"last_modified", "lastModified"},
                                                                       {"likes", "likes"},
                                                                       {"trending_score", "trendingScore"}};
    std::string_view key;
    for (const auto& [name, wire] : kKeys)
      if (name == sort) key = wire;
    if (key.empty())
      return Status(
          Code::bad_input,
          cat("--sort takes created_at, downloads, last_modified, likes or trending_score, not '", sort, "'"));
    query.emplace_back("sort", key);
    query.emplace_back("direction", "-1");
  }
  query.emplace_back("full", "true");
  const auto limit = static_cast<size_t>(TRY(arguments.get_int("limit", 30, 1, 100'000)));
  Json::Array rows;
  for (const auto& model : TRY(api.list_repos(RepoType::model, std::move(query), limit, interrupted()))) {
    rows.push_back(Json::Object{{"id", model["id"]},
                                {"pipeline_tag", model["pipeline_tag"]},
                                {"downloads", model["downloads"]},
                                {"likes", model["likes"]},
                                {"last_modified", model["lastModified"]},
                                {"private", model["private"].as_bool()}});
  }
  return rows;
}

int list(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  if (const auto words = check_words(arguments, 0, 1, "models list [REPO_ID]"); !words.ok())
    return terminal.fail(words);
  const auto api = make_api(arguments);
  const bool files = !arguments.positional().empty();
  const auto rows = files ? list_files(api, arguments, *output) : list_models(api, arguments);
  if (!rows.ok()) return terminal.fail(rows.status());
  output->table(
      *rows, files ? std::vector<std::string>{"path", "size"}
                   : std::vector<std::string>{"id", "pipeline_tag", "downloads", "likes", "last_modified", "private"});
  return 0;
}

int info(const Arguments& arguments, Terminal& terminal) {
  const auto run = [&]() -> Result<Json> {
    TRY(check_words(arguments, 1, 1, "models info MODEL_ID"));
    const auto wanted = TRY(repo_argument(arguments, "models info MODEL_ID"));
    Parameters query;
    for (const auto property : split(arguments.get("expand"), ','))
      if (!trim(property).empty()) query.emplace_back("expand", trim(property));
    return make_api(arguments).repo_info(wanted.repo, wanted.revision, query, interrupted());
  };
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto done = run();
  if (!done.ok()) return terminal.fail(done.status());
  if (output->format() == Format::quiet) {
    terminal.print_line((*done)["id"].as_string());
  } else {
    terminal.print_line(done->dump(output->is_human() ? 2 : 0));
  }
  return 0;
}

constexpr Option kListOptions[] = {
    {"search", "WORDS", "Only models whose name or card holds these."},
    {"author", "NAME", "Only models of this account."},
    {"filter", "TAG", "Only models with this tag.", true},
    {"pipeline-tag", "TASK", "Only models for this task ('text-generation')."},
    {"sort", "KEY", "created_at, downloads, last_modified, likes or trending_score."},
    {"limit", "N", "At most so many (30)."},
    {"human-readable", "", "Of files: sizes as people read them."},
    {"recursive", "", "Of files: all folders.", false, "R"},
    kRevisionOption,
    kTokenOption,
    kJsonOption,
    kQuietOption,
    kFormatOption,
};
constexpr Option kInfoOptions[] = {
    kRevisionOption, {"expand", "LIST", "Only these properties, with commas between ('downloads,tags')."},
    kTokenOption,    kJsonOption,
    kQuietOption,    kFormatOption,
};
constexpr std::string_view kListHelp =
    "With a REPO_ID, its files are listed.\n\n"
    "Examples\n"
    "  $ hearth models ls --search llama --limit 10\n"
    "  $ hearth models ls ann/bert -R --human-readable\n";
constexpr Command kRows[] = {
    {.verb = "models list",
     .usage = "[REPO_ID]",
     .summary = "List models on the Hub, or the files of one.",
     .options = kListOptions,
     .help = kListHelp,
     .run = list},
    {.verb = "models ls",
     .usage = "[REPO_ID]",
     .summary = "The same as list.",
     .options = kListOptions,
     .help = kListHelp,
     .run = list},
    {.verb = "models info",
     .usage = "MODEL_ID",
     .summary = "Show what the Hub knows of a model, as JSON.",
     .options = kInfoOptions,
     .help = "Examples\n  $ hearth models info ann/bert\n  $ hearth models info ann/bert --expand downloads,tags\n",
     .run = info},
};

}  // namespace

extern constinit const Commands models_entry{Group::repositories, "models", "Find models on a Hub and look at them.",
                                             kRows};

}  // namespace hearth::cli::commands
