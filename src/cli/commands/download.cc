// hearth download: files of a repository into the cache that Python shares, or into a folder.
// Source: huggingface_hub 2.4.0 cli/download.py. Differs: the path stands alone on the last line of standard output.
#include <limits.h>

#include <algorithm>
#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/hub_command.h"
#include "huggingface_hub/snapshot_download.h"

namespace hearth::cli::commands {
namespace {

constexpr std::string_view kUsage = "download REPO_ID [FILENAMES]...";

/// What was asked for: one file by name, or all that match.
struct Wanted {
  RepoArgument repo;
  std::string filename;
  SnapshotOptions options;
};

Result<Wanted> read_arguments(const Arguments& arguments, Terminal& terminal) {
  Wanted out;
  out.repo = TRY(repo_argument(arguments, kUsage));
  auto& download = out.options.download;
  if (!out.repo.revision.empty()) download.revision = out.repo.revision;
  download.cache_folder = std::string(arguments.get("cache-dir"));
  download.local_folder = std::string(arguments.get("local-dir"));
  if (arguments.has("cache-dir") && arguments.has("local-dir"))
    return Status(Code::bad_input,
                  "--cache-dir and --local-dir exclude each other: the shared cache, or a folder of your own");
  if (!download.local_folder.empty()) {
    // The path that is printed is good from anywhere.
    TRY(make_folders(download.local_folder));
    char buffer[PATH_MAX];
    if (const char* whole = ::realpath(download.local_folder.c_str(), buffer)) download.local_folder = whole;
  }
  download.force_download = arguments.has("force-download");
  out.options.max_workers = static_cast<int>(TRY(arguments.get_int("max-workers", 8, 1, 64)));

  std::vector<std::string> names(arguments.positional().begin() + 1, arguments.positional().end());
  if (!out.repo.path.empty()) {
    if (!names.empty()) return Status(Code::bad_input, "an hf:// address with a path takes no further file names");
    names.push_back(out.repo.path);
  }
  const auto include = arguments.all("include");
  if (names.empty()) {
    if (!include.empty()) out.options.allow_patterns = include;
    out.options.ignore_patterns = arguments.all("exclude");
    return out;
  }
  if (arguments.has("include") || arguments.has("exclude")) {
    if (std::any_of(names.begin(), names.end(), [](const auto& name) { return name.ends_with('/'); }))
      return Status(Code::bad_input,
                    "a folder and --include or --exclude exclude each other: use --include 'folder/*'");
    terminal.note("Note: --include and --exclude do nothing when files are named.");
  }
  if (names.size() == 1 && !names[0].ends_with('/')) {
    out.filename = names[0];
    return out;
  }
  for (auto& name : names)
    if (name.ends_with('/')) name += "**";
  out.options.allow_patterns = std::move(names);
  return out;
}

int dry_run(const HfApi& api, Wanted wanted, const Output& output, Terminal& terminal) {
  if (!wanted.filename.empty()) wanted.options.allow_patterns = {{wanted.filename}};
  const auto plan = plan_snapshot(api, wanted.repo.repo, wanted.options, interrupted());
  if (!plan.ok()) return terminal.fail(plan.status());
  Json::Array rows;
  uint64_t total = 0, count = 0;
  for (const auto& file : plan->files) {
    if (!file.is_cached) total += file.size, ++count;
    rows.push_back(
        Json::Object{{"file", file.path}, {"size", file.is_cached ? Json("-") : Json(human_size(file.size))}});
  }
  output.text(cat("[dry-run] Will download ", count, " files (out of ", plan->files.size(), ") totalling ",
                  human_size(total), "."));
  output.table(rows, {"file", "size"});
  return 0;
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  auto wanted = read_arguments(arguments, terminal);
  if (!wanted.ok()) return terminal.fail(wanted.status());
  const auto api = make_api(arguments);
  if (arguments.has("dry-run")) return dry_run(api, std::move(*wanted), *output, terminal);

  TransferBar bar(terminal, output->is_human());
  wanted->options.download.observer = &bar;
  std::string path;
  if (!wanted->filename.empty()) {
    auto done = hf_hub_download(api, wanted->repo.repo, wanted->filename, wanted->options.download, interrupted());
    bar.finish();
    if (!done.ok()) return terminal.fail(done.status());
    path = std::move(*done);
  } else {
    auto done = snapshot_download(api, wanted->repo.repo, wanted->options, interrupted());
    bar.finish();
    if (!done.ok()) return terminal.fail(done.status());
    if (done->files.empty() && (wanted->options.allow_patterns || !wanted->options.ignore_patterns.empty()))
      terminal.note("Note: no file matched the patterns.");
    path = std::move(done->folder);
  }
  if (output->is_human()) {
    terminal.print_line(path);
  } else {
    output->result("Downloaded", Json::Object{{"path", path}});
  }
  return 0;
}

constexpr Option kOptions[] = {
    kTypeOption,
    kRevisionOption,
    {"include", "GLOB", "Only files that match ('*.json').", true},
    {"exclude", "GLOB", "No files that match.", true},
    {"local-dir", "DIR", "Put the files into this folder, not into the cache."},
    {"cache-dir", "DIR", "Another cache folder than $HF_HOME/hub."},
    {"force-download", "", "Fetch what is there already once more."},
    {"dry-run", "", "Say what would be fetched, and fetch nothing."},
    {"max-workers", "N", "So many files at a time (8)."},
    kTokenOption,
    kJsonOption,
    kQuietOption,
    kFormatOption,
};
constexpr Command kRows[] = {{
    .verb = "download",
    .usage = "REPO_ID [FILENAMES]...",
    .summary = "Download files of a repository and print their path.",
    .options = kOptions,
    .help =
        "One file name gives that file; several, folders (with a slash at the end) or none give the snapshot's "
        "folder.\n"
        "The files land in the cache that Python's huggingface_hub shares; a download that was cut goes on where it\n"
        "ended. HF_HUB_OFFLINE=1 uses what is there.\n\n"
        "Examples\n"
        "  $ hearth download ann/bert\n"
        "  $ hearth download ann/bert config.json\n"
        "  $ hearth download ann/rows --repo-type dataset --include 'data/*.parquet' --local-dir rows\n"
        "  $ hearth download hf://datasets/ann/rows@v1.0/data/\n",
    .run = run,
}};

}  // namespace

extern constinit const Commands download_entry{Group::repositories, "download", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
