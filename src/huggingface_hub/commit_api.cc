#include "huggingface_hub/commit_api.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr size_t kPreuploadFiles = 256;  // more are refused by the Hub
constexpr size_t kLfsFiles = 100;
constexpr size_t kCommitFiles = 1000;
constexpr uint64_t kCommitBytes = 50u << 20;  // of regular files, which travel inside the commit's body
constexpr int kTries = 5;
const std::vector<std::string>& always_ignored() {
  static const std::vector<std::string> patterns{".git",
                                                 ".git/*",
                                                 "*/.git",
                                                 "**/.git/**",
                                                 ".cache/huggingface",
                                                 ".cache/huggingface/*",
                                                 "*/.cache/huggingface",
                                                 "**/.cache/huggingface/**"};
  return patterns;
}

struct Addition {
  const CommitOperation* operation;
  uint64_t size = 0;
  bool is_lfs = false;
  bool ignored = false;
  std::string remote_oid;
  std::string sha256;  // of large files
};

HubRequest post_json(std::string target, std::string body) {
  HubRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  request.tries = kTries;
  return request;
}

Result<std::string> read_sample(const std::string& path) {
  const auto fd = TRY(open_read(path));
  std::string sample(512, '\0');
  const auto got = ::pread(fd.get(), sample.data(), sample.size(), 0);
  if (got < 0) return errno_status("cannot read", path);
  sample.resize(static_cast<size_t>(got));
  return sample;
}

/// Hashes a file front to back; too large for memory is no matter, it is mapped.
Result<std::string> file_sha256(const std::string& path) {
  const auto map = TRY(MappedFile::open(path));
  return sha256_hex(map.text());
}

/// Asks the Hub how each file is to be sent.
Status preupload(const HfApi& api, const RepoName& repo, std::vector<Addition>& additions, const CommitOptions& options,
                 std::stop_token stop) {
  std::string git_ignore;
  bool has_git_ignore = false;
  for (const auto& addition : additions) {
    if (addition.operation->path_in_repo != ".gitignore" || addition.size > (1u << 20)) continue;
    git_ignore = TRY(read_file(addition.operation->local_file));
    has_git_ignore = is_utf8(git_ignore);
  }
  for (size_t begin = 0; begin < additions.size(); begin += kPreuploadFiles) {
    const auto chunk = std::span(additions).subspan(begin, std::min(kPreuploadFiles, additions.size() - begin));
    JsonWriter body;
    body.begin_object().key("files").begin_array();
    for (const auto& addition : chunk) {
      body.begin_object().field("path", addition.operation->path_in_repo);
      body.field("sample", to_base64(TRY(read_sample(addition.operation->local_file))))
          .field("size", addition.size)
          .end();
    }
    body.end();
    if (has_git_ignore) body.field("gitIgnore", git_ignore);
    const auto response =
        TRY(api.http().ask(post_json(cat(repo.api_path(), "/preupload/", percent_encode(options.revision),
                                         options.create_pr ? "?create_pr=1" : ""),
                                     body.end().take()),
                           {&repo, options.revision}, stop));
    const auto json = TRY(response.json());
    std::map<std::string_view, const Json*> answers;
    for (const auto& file : json["files"].array()) answers[file["path"].as_string()] = &file;
    for (auto& addition : chunk) {
      const auto found = answers.find(addition.operation->path_in_repo);
      if (found == answers.end())
        return Status(Code::bad_input, cat("the Hub did not say how to send '", addition.operation->path_in_repo, "'"));
      const auto& answer = *found->second;
      addition.is_lfs = answer["uploadMode"].as_string() == "lfs" && addition.size > 0;
      addition.ignored = answer["shouldIgnore"].as_bool();
      addition.remote_oid = std::string(answer["oid"].as_string());
    }
  }
  return {};
}

Status send_large_file(const HfApi& api, const Addition& addition, const Json& actions, const CommitOptions& options,
                       std::stop_token stop) {
  const auto advance = [&](int64_t bytes) {
    if (options.observer) options.observer->advance(bytes);
  };
  const auto& upload = actions["upload"];
  const auto href = upload["href"].as_string();
  if (href.empty()) return Status(Code::bad_input, "the Hub gave no address to send a large file to");
  if (upload["header"].find("chunk_size"))
    return Status(Code::unsupported, cat("the Hub wants '", addition.operation->path_in_repo,
                                         "' in parts, which `hearth upload` does not do: use git-lfs or Python's hf"));
  HubRequest put;
  put.method = "PUT";
  put.target = std::string(href);
  put.headers = {{"Content-Type", "application/octet-stream"}};
  // As Python's client does, no action header is sent: the address is signed. One that is our own Hub's takes them.
  if (api.http().is_own(href))
    for (const auto& [name, value] : upload["header"].object()) put.headers.emplace_back(name, value.as_string());
  put.body_file = addition.operation->local_file;
  put.tries = kTries;
  uint64_t sent = 0;
  put.on_sent = [&](uint64_t bytes) {
    advance(static_cast<int64_t>(bytes) - static_cast<int64_t>(sent));
    sent = bytes;
  };
  TRY(api.http().ask(put, {.filename = addition.operation->path_in_repo}, stop));
  put.on_sent(addition.size);
  if (const auto verify = actions["verify"]["href"].as_string(); !verify.empty()) {
    JsonWriter body;
    body.begin_object().field("oid", addition.sha256).field("size", addition.size).end();
    auto request = post_json(std::string(verify), body.take());
    for (const auto& [name, value] : actions["verify"]["header"].object())
      if (api.http().is_own(verify)) request.headers.emplace_back(name, value.as_string());
    TRY(api.http().ask(request, {.filename = addition.operation->path_in_repo}, stop));
  }
  return {};
}

/// Sends the large files that the Hub does not have yet.
Status send_large_files(const HfApi& api, const RepoName& repo, const std::vector<const Addition*>& files,
                        const CommitOptions& options, std::stop_token stop) {
  for (size_t begin = 0; begin < files.size(); begin += kLfsFiles) {
    const auto chunk = std::span(files).subspan(begin, std::min(kLfsFiles, files.size() - begin));
    JsonWriter body;
    body.begin_object().field("operation", "upload").key("transfers").begin_array().value("basic").end();
    body.key("objects").begin_array();
    for (const auto* file : chunk) body.begin_object().field("oid", file->sha256).field("size", file->size).end();
    body.end().field("hash_algo", "sha256");
    if (!options.create_pr) body.key("ref").begin_object().field("name", options.revision).end();
    auto request = post_json(cat(repo.url_path(), ".git/info/lfs/objects/batch"), body.end().take());
    request.headers = {{"Content-Type", "application/vnd.git-lfs+json"}, {"Accept", "application/vnd.git-lfs+json"}};
    const auto response = TRY(api.http().ask(request, {&repo, options.revision}, stop));
    const auto json = TRY(response.json());
    for (const auto& object : json["objects"].array()) {
      const auto oid = object["oid"].as_string();
      const auto file = std::find_if(chunk.begin(), chunk.end(), [&](const auto* f) { return f->sha256 == oid; });
      if (file == chunk.end()) continue;
      if (const auto& error = object["error"]; !error.is_null()) {
        return Status(Code::bad_input, cat("the Hub refuses '", (*file)->operation->path_in_repo,
                                           "': ", error["message"].as_string("no reason given")));
      }
      if (object["actions"].find("upload")) {
        TRY(send_large_file(api, **file, object["actions"], options, stop));
      } else if (options.observer) {
        options.observer->advance(static_cast<int64_t>((*file)->size));
      }
    }
  }
  return {};
}

/// The Hub's opinion of a README's metadata, before anything is sent.
Status validate_card(const HfApi& api, const RepoName& repo, const std::vector<Addition>& additions,
                     std::stop_token stop) {
  for (const auto& addition : additions) {
    if (addition.operation->path_in_repo != "README.md" || addition.size > (5u << 20)) continue;
    const auto text = TRY(read_file(addition.operation->local_file));
    if (!is_utf8(text)) return {};
    JsonWriter body;
    body.begin_object().field("content", text).field("repoType", repo_type_name(repo.type)).end();
    const auto response = TRY(api.http().send(post_json("/api/validate-yaml", body.take()), stop));
    if (response.status != 400) return {};
    const auto json = response.json();
    std::vector<std::string> errors;
    if (json.ok())
      for (const auto& error : (*json)["errors"].array()) errors.emplace_back(error["message"].as_string());
    return Status(Code::bad_input, cat("README.md begins with metadata that the Hub refuses: ", join(errors, "; ")));
  }
  return {};
}

struct Line {
  const Addition* addition = nullptr;
  const CommitOperation* removal = nullptr;
};

Result<CommitInfo> post_commit(const HfApi& api, const RepoName& repo, std::span<const Line> lines,
                               const CommitOptions& options, std::string_view summary, std::stop_token stop) {
  JsonWriter header;
  header.begin_object().field("key", "header").key("value").begin_object();
  header.field("summary", summary).field("description", options.description).end().end();
  std::string body = header.take() + "\n";
  for (const auto& line : lines) {
    JsonWriter out;
    out.begin_object();
    if (line.removal) {
      const bool folder = line.removal->path_in_repo.ends_with('/');
      out.field("key", folder ? "deletedFolder" : "deletedFile").key("value").begin_object();
      out.field("path", line.removal->path_in_repo).end();
    } else if (line.addition->is_lfs) {
      out.field("key", "lfsFile").key("value").begin_object().field("path", line.addition->operation->path_in_repo);
      out.field("algo", "sha256").field("oid", line.addition->sha256).field("size", line.addition->size).end();
    } else {
      const auto bytes = TRY(read_file(line.addition->operation->local_file));
      out.field("key", "file").key("value").begin_object().field("content", to_base64(bytes));
      out.field("path", line.addition->operation->path_in_repo).field("encoding", "base64").end();
    }
    body += out.end().text();
    body += '\n';
  }
  auto request = post_json(
      cat(repo.api_path(), "/commit/", percent_encode(options.revision), options.create_pr ? "?create_pr=1" : ""),
      std::move(body));
  request.headers = {{"Content-Type", "application/x-ndjson"}};
  const auto response = TRY(api.http().ask(request, {&repo, options.revision}, stop));
  const auto json = TRY(response.json());
  CommitInfo info;
  info.oid = std::string(json["commitOid"].as_string());
  info.commit_url = std::string(json["commitUrl"].as_string());
  info.pull_request_url = std::string(json["pullRequestUrl"].as_string());
  return info;
}

}  // namespace

Result<CommitInfo> create_commit(const HfApi& api, const RepoName& repo, const std::vector<CommitOperation>& operations,
                                 const CommitOptions& options, std::stop_token stop) {
  std::vector<Addition> additions;
  std::vector<Line> lines;
  CommitInfo info;
  uint64_t total = 0;
  for (const auto& operation : operations) {
    TRY(validate_relative_filename(operation.path_in_repo));
    if (operation.local_file.empty()) {
      lines.push_back({nullptr, &operation});
      continue;
    }
    additions.push_back({&operation, TRY(file_size(operation.local_file)), false, false, {}, {}});
    total += additions.back().size;
  }
  if (options.observer)
    options.observer->begin(cat("Uploading ", additions.size(), additions.size() == 1 ? " file" : " files"), total);
  TRY(validate_card(api, repo, additions, stop));
  if (!additions.empty()) TRY(preupload(api, repo, additions, options, stop));

  // A file that is at the Hub already is not sent; the others get their hash.
  std::vector<const Addition*> large;
  for (auto& addition : additions) {
    if (stop.stop_requested()) return Status(Code::cancelled, "stopped before the upload");
    if (addition.ignored) {
      ++info.files_ignored;
      continue;
    }
    bool same;
    if (addition.is_lfs) {
      addition.sha256 = TRY(file_sha256(addition.operation->local_file));
      same = addition.sha256 == addition.remote_oid;
    } else {
      same = !addition.remote_oid.empty() && addition.size <= kCommitBytes &&
             git_blob_id(TRY(read_file(addition.operation->local_file))) == addition.remote_oid;
    }
    if (same) {
      ++info.files_unchanged;
      if (options.observer) options.observer->advance(static_cast<int64_t>(addition.size));
      continue;
    }
    if (addition.is_lfs) large.push_back(&addition);
    lines.push_back({&addition, nullptr});
  }
  TRY(send_large_files(api, repo, large, options, stop));

  if (lines.empty()) {
    const auto now = TRY(api.repo_info(repo, options.revision, {}, stop));
    info.oid = std::string(now["sha"].as_string());
    return info;
  }
  // Many files become several commits: each whole, in order.
  CommitOptions next = options;
  for (size_t begin = 0, part = 1; begin < lines.size(); ++part) {
    uint64_t bytes = 0;
    size_t end = begin;
    for (; end < lines.size() && end - begin < kCommitFiles; ++end) {
      const auto* addition = lines[end].addition;
      const uint64_t more = addition && !addition->is_lfs ? addition->size : 0;
      if (end > begin && bytes + more > kCommitBytes) break;
      bytes += more;
    }
    const bool alone = begin == 0 && end == lines.size();
    const auto summary = alone ? options.summary : cat(options.summary, " (part ", part, ")");
    auto done = TRY(post_commit(api, repo, std::span(lines).subspan(begin, end - begin), next, summary, stop));
    info.oid = std::move(done.oid);
    info.commit_url = std::move(done.commit_url);
    if (!done.pull_request_url.empty()) {
      info.pull_request_url = std::move(done.pull_request_url);
      // What follows belongs onto the pull request that the first part opened.
      next.create_pr = false;
      next.revision = cat("refs/pr/", path_name(info.pull_request_url));
    }
    if (options.observer) options.observer->advance(static_cast<int64_t>(bytes));
    begin = end;
  }
  info.files_committed = static_cast<int64_t>(lines.size());
  return info;
}

namespace {

Status walk(const std::string& folder, const std::string& below, std::vector<std::string>& out) {
  for (const auto& name : TRY(list_folder(path_join(folder, below)))) {
    auto path = below.empty() ? name : cat(below, "/", name);
    struct stat info {};
    const auto full = path_join(folder, path);
    if (::stat(full.c_str(), &info) != 0) {
      return Status(Code::not_found,
                    cat("'", full, "' is a link to nothing: remove it, or leave it out with --exclude"));
    }
    if (S_ISDIR(info.st_mode)) {
      // Neither git's own folder nor the notes of earlier transfers are anybody's content.
      if (name == ".git" || ((cat("/", path)).ends_with("/.cache/huggingface"))) continue;
      TRY(walk(folder, path, out));
    } else if (S_ISREG(info.st_mode)) {
      out.push_back(std::move(path));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> list_upload(const std::string& folder, const UploadFolderOptions& options) {
  std::vector<std::string> paths;
  TRY(walk(folder, "", paths));
  std::sort(paths.begin(), paths.end());
  auto ignore = options.ignore_patterns;
  ignore.insert(ignore.end(), always_ignored().begin(), always_ignored().end());
  return filter_repo_objects(paths, options.allow_patterns, ignore);
}

Result<CommitInfo> upload_folder(const HfApi& api, const RepoName& repo, const std::string& folder,
                                 const UploadFolderOptions& options, std::stop_token stop) {
  auto prefix = options.path_in_repo == "." ? std::string() : options.path_in_repo;
  while (prefix.starts_with("./")) prefix.erase(0, 2);
  while (prefix.starts_with('/')) prefix.erase(0, 1);
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty()) prefix += '/';

  std::vector<CommitOperation> operations;
  const auto paths = TRY(list_upload(folder, options));
  for (const auto& path : paths) operations.push_back({prefix + path, path_join(folder, path)});
  if (!options.delete_patterns.empty()) {
    std::vector<std::string> there;
    auto listed = api.list_repo_files(repo, options.commit.revision, stop);
    if (!listed.ok() && listed.status().code() != Code::revision_not_found) return std::move(listed).status();
    if (listed.ok())
      for (const auto& [path, file] : *listed)
        if (path.starts_with(prefix) && path != ".gitattributes") there.push_back(path.substr(prefix.size()));
    for (const auto& path : filter_repo_objects(there, options.delete_patterns, {}))
      if (!std::binary_search(paths.begin(), paths.end(), path)) operations.push_back({prefix + path, ""});
  }
  if (operations.empty())
    return Status(Code::bad_input, cat("nothing to upload: '", folder, "' has no file that the patterns let through"));
  return create_commit(api, repo, operations, options.commit, stop);
}

}  // namespace hearth
