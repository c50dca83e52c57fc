// hearth cache: what the shared cache holds, removing from it, checking it against the Hub.
// Source: huggingface_hub 2.4.0 cli/cache.py.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/arguments.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/hub_command.h"
#include "huggingface_hub/cache.h"
#include "huggingface_hub/cache_manager.h"

namespace hearth::cli::commands {
namespace {

std::string cache_folder(const Arguments& arguments) {
  const auto own = arguments.get("cache-dir");
  return own.empty() ? hf_hub_cache() : std::string(own);
}

/// A row of `cache ls`: a repository, or one revision of it.
struct Entry {
  const CachedRepo* repo;
  const CachedRevision* revision;

  uint64_t size() const { return revision ? revision->size_on_disk : repo->size_on_disk; }
  double modified() const { return revision ? revision->last_modified : repo->last_modified; }
  std::vector<std::string> refs() const {
    std::set<std::string> out;
    for (const auto& each : repo->revisions)
      if (!revision || revision == &each) out.insert(each.refs.begin(), each.refs.end());
    return {out.begin(), out.end()};
  }
};

/// "30s", "5m", "1h", "7d", "2w", "1mo", "1y" in seconds.
std::optional<double> parse_duration(std::string_view text) {
  const auto end = text.find_first_not_of("0123456789.");
  const auto number = parse_double(text.substr(0, end));
  const auto unit = trim(end == std::string_view::npos ? "s" : text.substr(end));
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}, {"mo", 30 * 86400}, {"y", 365 * 86400}};
  for (const auto& [name, seconds] : kUnits)
    if (number && name == unit) return *number * seconds;
  return std::nullopt;
}

bool compare(double left, std::string_view op, double right) {
  if (op == ">") return left > right;
  if (op == "<") return left < right;
  if (op == ">=") return left >= right;
  if (op == "<=") return left <= right;
  return (op == "!=") != (left == right);
}

/// Drops the entries that the expression ("size>1GB", "type=model", "accessed>7d", "refs=main") does not let through.
Status apply_filter(std::vector<Entry>& entries, std::string_view expression) {
  const auto wrong = [&](std::string_view why) {
    return Status(Code::bad_input, cat("--filter '", expression, "': ", why,
                                       " (examples: size>1GB, type=model, accessed>7d, modified<1h, refs=main)"));
  };
  const auto begin = expression.find_first_of("<>=!");
  if (begin == std::string_view::npos) return wrong("no comparison in it");
  const auto end = expression.find_first_not_of("<>=!", begin);
  const auto key = to_lower_ascii(trim(expression.substr(0, begin)));
  const auto op = expression.substr(begin, end == std::string_view::npos ? end : end - begin);
  const auto value = std::string(trim(end == std::string_view::npos ? "" : expression.substr(end)));
  if (op != "=" && op != "!=" && op != ">" && op != "<" && op != ">=" && op != "<=") return wrong("unknown comparison");
  if (key == "type" || key == "refs") {
    if (op != "=") return wrong("only '=' is possible here");
    std::erase_if(entries, [&](const Entry& entry) {
      if (key == "type") return repo_type_name(entry.repo->repo.type) != to_lower_ascii(value);
      const auto refs = entry.refs();
      return std::none_of(refs.begin(), refs.end(), [&](const auto& ref) { return equals_ignore_case(ref, value); });
    });
    return {};
  }
  const double limit =
      key == "size" ? static_cast<double>(parse_size(value).value_or(-1)) : parse_duration(value).value_or(-1);
  if (key != "size" && key != "accessed" && key != "modified") return wrong("unknown key");
  if (limit < 0) return wrong(key == "size" ? "no size" : "no duration (30s, 5m, 1h, 7d, 2w, 1mo, 1y)");
  const double now = static_cast<double>(now_ms()) / 1000;
  std::erase_if(entries, [&](const Entry& entry) {
    const double found = key == "size"       ? static_cast<double>(entry.size())
                         : key == "accessed" ? now - entry.repo->last_accessed
                                             : now - entry.modified();
    return !compare(found, op, limit);
  });
  return {};
}

Status sort_entries(std::vector<Entry>& entries, std::string_view expression) {
  const auto colon = expression.find(':');
  const auto key = expression.substr(0, colon);
  const auto order = colon == std::string_view::npos ? (key == "name" ? "asc" : "desc") : expression.substr(colon + 1);
  if ((key != "name" && key != "size" && key != "accessed" && key != "modified") || (order != "asc" && order != "desc"))
    return Status(Code::bad_input,
                  cat("--sort takes accessed, modified, name or size, with :asc or :desc, not '", expression, "'"));
  const auto less = [&](const Entry& a, const Entry& b) {
    if (key == "name") return a.repo->cache_id() < b.repo->cache_id();
    if (key == "size") return a.size() < b.size();
    if (key == "accessed") return a.repo->last_accessed < b.repo->last_accessed;
    return a.modified() < b.modified();
  };
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const Entry& a, const Entry& b) { return order == "asc" ? less(a, b) : less(b, a); });
  return {};
}

std::string time_text(double seconds) {
  return iso_time(static_cast<int64_t>(seconds * 1000));
}

int ls(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const bool by_revision = arguments.has("revisions");
  const auto cache = scan_cache_dir(cache_folder(arguments));
  if (!cache.ok()) return terminal.fail(cache.status());
  std::vector<Entry> entries;
  for (const auto& repo : cache->repos) {
    if (!by_revision) entries.push_back({&repo, nullptr});
    if (by_revision)
      for (const auto& revision : repo.revisions) entries.push_back({&repo, &revision});
  }
  for (const auto& filter : arguments.all("filter"))
    if (const auto done = apply_filter(entries, filter); !done.ok()) return terminal.fail(done);
  if (arguments.has("sort"))
    if (const auto done = sort_entries(entries, arguments.get("sort")); !done.ok()) return terminal.fail(done);
  const auto limit = arguments.get_int("limit", INT64_MAX, 0, INT64_MAX);
  if (!limit.ok()) return terminal.fail(limit.status());
  if (entries.size() > static_cast<size_t>(*limit)) entries.resize(static_cast<size_t>(*limit));

  Json::Array rows;
  uint64_t total = 0, revision_count = 0;
  std::set<const CachedRepo*> repos;
  for (const auto& entry : entries) {
    repos.insert(entry.repo);
    total += entry.size();
    revision_count += by_revision ? 1 : entry.repo->revisions.size();
    Json row(Json::Object{{"id", entry.repo->cache_id()},
                          {"repo_id", entry.repo->repo.id},
                          {"repo_type", repo_type_name(entry.repo->repo.type)}});
    if (entry.revision) {
      row.set("revision", entry.revision->commit_hash);
      row.set("snapshot_path", entry.revision->snapshot_path);
    }
    row.set("size", output->is_human() ? Json(human_size(entry.size())) : Json(entry.size()));
    if (!entry.revision) row.set("last_accessed", time_text(entry.repo->last_accessed));
    row.set("last_modified", time_text(entry.modified()));
    Json refs(Json::Array{});
    for (const auto& ref : entry.refs()) refs.array().push_back(ref);
    row.set("refs", output->is_human() ? Json(join(entry.refs(), ", ")) : std::move(refs));
    rows.push_back(std::move(row));
  }
  if (by_revision) {
    const bool quiet = output->format() == Format::quiet;
    output->table(rows, quiet ? std::vector<std::string>{"revision"}
                              : std::vector<std::string>{"id", "revision", "size", "last_modified", "refs"});
  } else {
    output->table(rows, {"id", "size", "last_accessed", "last_modified", "refs"});
  }
  if (!entries.empty()) {
    output->text(cat("\nFound ", repos.size(), " repo(s) for a total of ", revision_count, " revision(s) and ",
                     human_size(total), " on disk."));
  }
  for (const auto& warning : cache->warnings) terminal.note(cat("Note: ", warning, ": left out."));
  uint64_t incomplete = 0;
  for (const auto& file : cache->incomplete) incomplete += file.size;
  if (!cache->incomplete.empty() && output->is_human()) {
    terminal.note(cat("Note: ", cache->incomplete.size(), " incomplete download(s), ", human_size(incomplete),
                      ": downloading again goes on with them, `hearth cache prune` removes them."));
  }
  return 0;
}

/// Says what goes, asks unless --yes, and removes it. `what` as "2 repo(s)".
int carry_out(const CacheDeletion& deletion, std::string_view what, const Arguments& arguments, const Output& output) {
  auto& terminal = output.terminal();
  output.text(cat("About to delete ", what, " totalling ", human_size(deletion.freed_bytes), "."));
  Json data(
      Json::Object{{"repos_deleted", deletion.repo_count},
                   {"revisions_deleted", deletion.revision_count},
                   {"freed", output.is_human() ? Json(human_size(deletion.freed_bytes)) : Json(deletion.freed_bytes)}});
  if (arguments.has("dry-run")) {
    data.set("dry_run", true);
    output.result("Dry run: no files were deleted", data);
    return 0;
  }
  if (!arguments.has("yes")) {
    if (!terminal.is_interactive() || !output.is_human())
      return terminal.fail(Status(Code::bad_input, "nothing was deleted: add --yes to delete without being asked"));
    terminal.note("Proceed with deletion? [y/N]");
    const auto answer = terminal.read_line();
    if (!answer.ok() || !to_lower_ascii(trim(*answer)).starts_with('y'))
      return terminal.fail(Status(Code::cancelled, "nothing was deleted"));
  }
  const auto done = deletion.execute();
  if (!done.ok()) return terminal.fail(done);
  output.result(cat("Deleted ", what), data);
  return 0;
}

int rm(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  if (const auto words = check_words(arguments, 1, SIZE_MAX, "cache rm TARGETS..."); !words.ok())
    return terminal.fail(words);
  const auto cache = scan_cache_dir(cache_folder(arguments));
  if (!cache.ok()) return terminal.fail(cache.status());
  std::vector<std::string> chosen, missing;
  for (const auto& target : arguments.positional()) {
    const size_t before = chosen.size();
    std::string wanted = to_lower_ascii(target);
    if (wanted.starts_with("hf://")) {
      const auto uri = parse_repo_argument(target);
      if (!uri.ok()) return terminal.fail(uri.status());
      if (!uri->revision.empty() || !uri->path.empty())
        return terminal.fail(
            Status(Code::bad_input, cat("'", target, "': only whole repositories or commit hashes can be removed")));
      wanted = to_lower_ascii(cat(repo_type_name(uri->repo.type), "/", uri->repo.id));
    }
    for (const auto& repo : cache->repos) {
      const bool whole = to_lower_ascii(repo.cache_id()) == wanted;
      for (const auto& revision : repo.revisions)
        if (whole || revision.commit_hash == wanted) chosen.push_back(cat(repo.cache_id(), "@", revision.commit_hash));
    }
    if (chosen.size() == before) missing.push_back(target);
  }
  for (const auto& target : missing)
    terminal.note(cat("Note: '", target, "' is not in the cache; `hearth cache ls` names what is (model/ann/bert)."));
  if (chosen.empty()) return missing.empty() ? 0 : code_row(Code::not_found).exit_code;
  const auto deletion = plan_deletion(*cache, chosen);
  return carry_out(deletion, cat(deletion.repo_count, " repo(s), ", deletion.revision_count, " revision(s)"), arguments,
                   *output);
}

int prune(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto cache = scan_cache_dir(cache_folder(arguments));
  if (!cache.ok()) return terminal.fail(cache.status());
  std::vector<std::string> detached;
  for (const auto& repo : cache->repos)
    for (const auto& revision : repo.revisions)
      if (revision.refs.empty()) detached.push_back(cat(repo.cache_id(), "@", revision.commit_hash));
  auto deletion = plan_deletion(*cache, detached);
  for (const auto& file : cache->incomplete) {
    deletion.paths.push_back(file.path);
    deletion.freed_bytes += file.size;
  }
  if (detached.empty() && cache->incomplete.empty()) {
    output->text("Nothing to prune: no unreferenced revisions, no incomplete downloads.");
    return 0;
  }
  return carry_out(
      deletion,
      cat(detached.size(), " unreferenced revision(s) and ", cache->incomplete.size(), " incomplete download(s)"),
      arguments, *output);
}

/// The file's hash, of the kind that the Hub told.
Result<std::string> hash_like(const TreeFile& file, const std::string& path) {
  if (TRY(file_size(path)) == 0) return file.sha256.empty() ? git_blob_id("") : sha256_hex("");
  const auto map = TRY(MappedFile::open(path));
  return file.sha256.empty() ? git_blob_id(map.text()) : sha256_hex(map.text());
}

struct Verified {
  std::string folder, revision;
  int64_t checked = 0;
  std::vector<std::string> damaged, missing;
};

Result<Verified> verify_files(const Arguments& arguments) {
  const auto wanted = TRY(repo_argument(arguments, "cache verify REPO_ID"));
  const auto api = make_api(arguments);
  Verified out;
  const std::string revision = wanted.revision.empty() ? "main" : wanted.revision;
  const RepoCache cache(cache_folder(arguments), wanted.repo);
  out.folder = std::string(arguments.get("local-dir"));
  if (out.folder.empty()) {
    const auto commit = cache.commit_of(revision);
    if (!commit || !is_folder(cache.snapshot(*commit)))
      return Status(Code::not_found, cat("'", wanted.repo.id, "' is not in the cache at '", revision,
                                         "': `hearth download ", wanted.repo.id, "`"));
    out.revision = *commit;
    out.folder = cache.snapshot(*commit);
  } else {
    const auto info = TRY(api.repo_info(wanted.repo, revision, {}, interrupted()));
    out.revision = std::string(info["sha"].as_string());
  }
  for (const auto& [path, file] : TRY(api.list_repo_files(wanted.repo, out.revision, interrupted()))) {
    TRY(validate_relative_filename(path));
    const auto local = path_join(out.folder, path);
    if (!exists(local)) {
      out.missing.push_back(path);
      continue;
    }
    ++out.checked;
    if (TRY(hash_like(file, local)) != file.etag()) out.damaged.push_back(path);
  }
  return out;
}

int verify(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto done = verify_files(arguments);
  if (!done.ok()) return terminal.fail(done.status());
  for (const auto& path : done->damaged) terminal.note(cat("damaged: ", path));
  if (!done->missing.empty()) terminal.note(cat("Note: ", done->missing.size(), " file(s) of the Hub are not here."));
  if (!done->damaged.empty()) {
    return terminal.fail(
        Status(Code::io, cat(done->damaged.size(), " file(s) in ", done->folder,
                             " differ from the Hub's: `hearth download --force-download` fetches them again")));
  }
  if (!done->missing.empty() && arguments.has("fail-on-missing-files"))
    return terminal.fail(
        Status(Code::not_found, cat(done->missing.size(), " file(s) are missing: ", join(done->missing, ", "))));
  output->result(cat("Verified ", done->checked, " file(s). All checksums match."),
                 Json::Object{{"checked", done->checked}, {"revision", done->revision}, {"path", done->folder}});
  return 0;
}

constexpr Option kCacheDir{"cache-dir", "DIR", "Another cache folder than $HF_HOME/hub."};
constexpr Option kYes{"yes", "", "Do not ask.", false, "y"};
constexpr Option kDryRun{"dry-run", "", "Say what would go, and remove nothing."};
constexpr Option kLsOptions[] = {
    kCacheDir,
    {"revisions", "", "One line a revision, not one a repository."},
    {"filter", "EXPR", "Only what is 'size>1GB', 'type=model', 'accessed>7d', 'refs=main'.", true, "f"},
    {"sort", "KEY", "accessed, modified, name or size; with :asc or :desc."},
    {"limit", "N", "The first N alone."},
    kJsonOption,
    kQuietOption,
    kFormatOption,
};
constexpr Option kRmOptions[] = {kCacheDir, kYes, kDryRun, kJsonOption, kQuietOption, kFormatOption};
constexpr Option kVerifyOptions[] = {
    kTypeOption,
    kRevisionOption,
    kCacheDir,
    {"local-dir", "DIR", "Check this folder, not the cache."},
    {"fail-on-missing-files", "", "Files that are not here are a failure."},
    kTokenOption,
    kJsonOption,
    kQuietOption,
    kFormatOption,
};
constexpr std::string_view kLsHelp =
    "Examples\n"
    "  $ hearth cache ls\n"
    "  $ hearth cache ls --revisions\n"
    "  $ hearth cache ls --filter 'size>1GB' --sort size --json\n";
constexpr Command kRows[] = {
    {.verb = "cache ls",
     .usage = "",
     .summary = "List the repositories in the cache.",
     .options = kLsOptions,
     .help = kLsHelp,
     .run = ls},
    {.verb = "cache list",
     .usage = "",
     .summary = "The same as ls.",
     .options = kLsOptions,
     .help = kLsHelp,
     .run = ls},
    {.verb = "cache rm",
     .usage = "TARGETS...",
     .summary = "Remove repositories or revisions from the cache.",
     .options = kRmOptions,
     .help = "A target is a repository as `hearth cache ls` names it, an hf:// address, or a commit hash.\n\n"
             "Examples\n"
             "  $ hearth cache rm model/ann/bert --dry-run\n"
             "  $ hearth cache rm hf://datasets/ann/rows --yes\n",
     .run = rm},
    {.verb = "cache prune",
     .usage = "",
     .summary = "Remove revisions without a branch or tag, and cut downloads.",
     .options = kRmOptions,
     .help = "Examples\n  $ hearth cache prune --dry-run\n  $ hearth cache prune --yes\n",
     .run = prune},
    {.verb = "cache verify",
     .usage = "REPO_ID",
     .summary = "Check the cached files of a repository against the Hub's hashes.",
     .options = kVerifyOptions,
     .help = "Examples\n  $ hearth cache verify ann/bert\n  $ hearth cache verify ann/bert --local-dir ./bert\n",
     .run = verify},
};

}  // namespace

extern constinit const Commands cache_entry{Group::repositories, "cache",
                                            "List, check and clear the cache that Python shares.", kRows};

}  // namespace hearth::cli::commands
