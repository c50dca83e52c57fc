// hearth upload: a file or a folder to a repository, made when there is none.
// Source: huggingface_hub 2.4.0 cli/upload.py.
#include <sys/stat.h>

#include "base/encoding.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/hub_command.h"
#include "huggingface_hub/commit_api.h"

namespace hearth::cli::commands {
namespace {

constexpr std::string_view kUsage = "upload REPO_ID [LOCAL_PATH] [PATH_IN_REPO]";

bool is_file(const std::string& path) {
  return exists(path) && !is_folder(path);
}

struct Wanted {
  RepoArgument repo;
  std::string local_path;
  std::string path_in_repo;
  UploadFolderOptions options;
};

/// The local path and its place in the repository, by the rules of `hf upload`.
Status resolve_paths(Wanted& out, const Arguments& arguments) {
  const auto words = arguments.positional();
  const std::string local = words.size() > 1 ? words[1] : "";
  std::string in_repo = words.size() > 2 ? words[2] : "";
  if (!out.repo.path.empty()) {
    if (!in_repo.empty()) return Status(Code::bad_input, "an hf:// address with a path takes no PATH_IN_REPO");
    in_repo = out.repo.path;
  }
  if (local.empty()) {
    const std::string name(path_name(out.repo.repo.id));
    if (!exists(name))
      return Status(Code::bad_input, cat("there is no '", name, "' here: say what to upload (hearth ", kUsage, ")"));
    out.local_path = name;
    out.path_in_repo = is_folder(name) ? "." : name;
    return {};
  }
  // A path that exists is no pattern, even with brackets in its name.
  if (!exists(local) && local.find_first_of("*?[") != std::string::npos) {
    if (arguments.has("include")) return Status(Code::bad_input, "a LOCAL_PATH with wildcards takes no --include");
    if (!in_repo.empty() && in_repo != ".")
      return Status(Code::bad_input, "a LOCAL_PATH with wildcards takes no PATH_IN_REPO");
    out.options.allow_patterns = {{local}};
    out.local_path = out.path_in_repo = ".";
    return {};
  }
  if (!exists(local)) return Status(Code::not_found, cat("there is no file or folder '", local, "'"));
  out.local_path = local;
  out.path_in_repo = !in_repo.empty() ? in_repo : is_file(local) ? std::string(path_name(local)) : ".";
  return {};
}

Result<Wanted> read_arguments(const Arguments& arguments) {
  Wanted out;
  TRY(check_words(arguments, 1, 3, kUsage));
  out.repo = TRY(repo_argument(arguments, kUsage));
  if (arguments.has("include")) out.options.allow_patterns = arguments.all("include");
  out.options.ignore_patterns = arguments.all("exclude");
  out.options.delete_patterns = arguments.all("delete");
  TRY(resolve_paths(out, arguments));
  auto& commit = out.options.commit;
  commit.revision = out.repo.revision.empty() ? "main" : out.repo.revision;
  commit.summary = std::string(arguments.get("commit-message"));
  if (commit.summary.empty())
    commit.summary =
        is_file(out.local_path) ? cat("Upload ", out.path_in_repo, " with hearth") : "Upload folder using hearth";
  commit.description = std::string(arguments.get("commit-description"));
  commit.create_pr = arguments.has("create-pr");
  return out;
}

Result<Json> upload(const HfApi& api, Wanted& wanted, const Arguments& arguments, Terminal& terminal) {
  const auto stop = interrupted();
  auto& repo = wanted.repo.repo;
  auto& commit = wanted.options.commit;
  CreateRepoOptions create;
  create.exist_ok = true;
  if (arguments.has("private")) create.is_private = true;
  if (repo.type == RepoType::space) create.sdk = "gradio";  // as `hf upload`; `hearth repos create` takes another
  repo.id = TRY(api.create_repo(repo, create, stop)).repo_id;
  if (commit.revision != "main" && !commit.create_pr) {
    const auto there = api.repo_info(repo, commit.revision, {}, stop);
    if (!there.ok() && there.status().code() == Code::revision_not_found) {
      terminal.note(cat("Branch '", commit.revision, "' is new and is made from main."));
      TRY(api.create_branch(repo, commit.revision, /*exist_ok=*/true, stop));
    } else if (!there.ok()) {
      return there.status().clone();
    }
  }
  const bool one = is_file(wanted.local_path);
  CommitInfo done;
  if (one) {
    done = TRY(create_commit(api, repo, {{wanted.path_in_repo, wanted.local_path}}, commit, stop));
  } else {
    wanted.options.path_in_repo = wanted.path_in_repo;
    done = TRY(upload_folder(api, repo, wanted.local_path, wanted.options, stop));
  }
  auto url = cat(api.http().endpoint(), repo.url_path(), one ? "/blob/" : "/tree/", percent_encode(commit.revision));
  if (wanted.path_in_repo != ".") url += cat("/", percent_encode(wanted.path_in_repo, /*keep_slash=*/true));
  return Json(Json::Object{
      {"url", done.pull_request_url.empty() ? url : done.pull_request_url},
      {"commit", done.oid},
      {"files_committed", done.files_committed},
      {"files_unchanged", done.files_unchanged},
      {"files_ignored", done.files_ignored},
  });
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  auto wanted = read_arguments(arguments);
  if (!wanted.ok()) return terminal.fail(wanted.status());
  TransferBar bar(terminal, output->is_human());
  wanted->options.commit.observer = &bar;
  const auto done = upload(make_api(arguments), *wanted, arguments, terminal);
  bar.finish();
  if (!done.ok()) return terminal.fail(done.status());
  output->result((*done)["files_committed"].as_int() > 0 ? "Uploaded" : "Nothing new: the Hub has these files already",
                 *done);
  return 0;
}

constexpr Option kOptions[] = {
    kTypeOption,
    {"revision", "BRANCH", "The branch to commit to (main); made from main when it is new."},
    {"private", "", "Make the repository private, if it is new."},
    {"include", "GLOB", "Only files that match.", true},
    {"exclude", "GLOB", "No files that match.", true},
    {"delete", "GLOB", "Delete the repository's files that match, in the same commit.", true},
    {"commit-message", "TEXT", "The commit's first line."},
    {"commit-description", "TEXT", "The rest of the commit's message."},
    {"create-pr", "", "Open a pull request with the files."},
    kTokenOption,
    kJsonOption,
    kQuietOption,
    kFormatOption,
};
constexpr Command kRows[] = {{
    .verb = "upload",
    .usage = "REPO_ID [LOCAL_PATH] [PATH_IN_REPO]",
    .summary = "Upload a file or a folder to a repository.",
    .options = kOptions,
    .help =
        "Without LOCAL_PATH, the file or folder here that bears the repository's name. The repository is made when it\n"
        "does not exist. Files that the Hub has already are not sent; `.git` and `.cache/huggingface` never are.\n\n"
        "Examples\n"
        "  $ hearth upload ann/my-model . .\n"
        "  $ hearth upload ann/my-model ./models/model.safetensors\n"
        "  $ hearth upload ann/my-data ./data /train --repo-type dataset\n"
        "  $ HF_ENDPOINT=http://other:8686 hearth upload ann/my-model \"$(hearth download ann/my-model)\"\n",
    .run = run,
}};

}  // namespace

extern constinit const Commands upload_entry{Group::repositories, "upload", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
