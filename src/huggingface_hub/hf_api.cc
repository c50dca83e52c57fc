#include "huggingface_hub/hf_api.h"

#include <algorithm>

#include "base/text.h"

namespace hearth {
namespace {

std::string query_text(const Parameters& query) {
  std::string out;
  for (const auto& [name, value] : query)
    out += cat(out.empty() ? "?" : "&", percent_encode(name), "=", percent_encode(value));
  return out;
}

/// The address of `rel="next"` in a Link header, or empty.
std::string next_page(std::string_view link) {
  for (const auto part : split(link, ',')) {
    const auto begin = part.find('<'), end = part.find('>');
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) continue;
    if (contains(part.substr(end), "rel=\"next\"")) return std::string(part.substr(begin + 1, end - begin - 1));
  }
  return {};
}

/// The name for JSON bodies: {"name", "organization", "type"}; the caller's own namespace when the id has none.
void repo_fields(JsonWriter& out, const RepoName& repo) {
  const auto slash = repo.id.find('/');
  out.field("name", std::string_view(repo.id).substr(slash == std::string::npos ? 0 : slash + 1));
  out.key("organization");
  if (slash == std::string::npos) {
    out.null();
  } else {
    out.value(std::string_view(repo.id).substr(0, slash));
  }
  out.field("type", repo_type_name(repo.type));
}

HubRequest post_json(std::string method, std::string target, std::string body) {
  HubRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  return request;
}

HubRequest get(std::string target) {
  HubRequest request;
  request.target = std::move(target);
  return request;
}

}  // namespace

Result<Json> HfApi::whoami(std::stop_token stop) const {
  if (!http_.token()) return Status(Code::unauthenticated, "not logged in: `hearth auth login` first, or set HF_TOKEN");
  const auto response = TRY(http_.ask(get("/api/whoami-v2"), {}, stop));
  return response.json();
}

Result<RepoUrl> HfApi::create_repo(const RepoName& repo, const CreateRepoOptions& options, std::stop_token stop) const {
  JsonWriter body;
  body.begin_object();
  repo_fields(body, repo);
  if (options.is_private) {
    body.field("visibility", *options.is_private ? "private" : "public").field("private", *options.is_private);
  }
  if (!options.sdk.empty()) body.field("sdk", options.sdk);
  const auto response = TRY(http_.send(post_json("POST", "/api/repos/create", body.end().take()), stop));
  RepoUrl out{cat(http_.endpoint(), repo.url_path()), repo.id, response.status == 409};
  if (!response.ok()) {
    if (!options.exist_ok && response.status == 409)
      return Status(Code::conflict, cat(repo_type_name(repo.type), " '", repo.id, "' exists already at ",
                                        http_.endpoint(), ": add --exist-ok if that is fine"));
    if (!options.exist_ok) return http_.to_status(response, {&repo});
    if (response.status != 409) {
      // Without the right to create, an existing repository is still fine to use.
      if (response.status != 401 && response.status != 403) return http_.to_status(response, {&repo});
      if (!repo_info(repo, {}, {}, stop).ok()) return http_.to_status(response, {&repo});
      out.existed = true;
    }
  }
  const auto json = response.json();
  if (json.ok()) {
    const auto& answer = *json;
    const auto url = answer["url"].as_string();
    // The last two segments of the address are the id, also when only a name was asked for.
    const auto parts = split(url, '/');
    if (parts.size() >= 5) out.repo_id = cat(parts[parts.size() - 2], "/", parts.back()), out.url = std::string(url);
  }
  return out;
}

Status HfApi::delete_repo(const RepoName& repo, bool missing_ok, std::stop_token stop) const {
  JsonWriter body;
  body.begin_object();
  repo_fields(body, repo);
  auto done = http_.ask(post_json("DELETE", "/api/repos/delete", body.end().take()), {&repo}, stop);
  if (done.ok() || (missing_ok && done.status().code() == Code::repo_not_found)) return {};
  return std::move(done).status();
}

Result<Json> HfApi::repo_info(const RepoName& repo, std::string_view revision, const Parameters& query,
                              std::stop_token stop) const {
  auto target = repo.api_path();
  if (!revision.empty()) target += cat("/revision/", percent_encode(revision));
  const auto response = TRY(http_.ask(get(cat(target, query_text(query))), {&repo, revision}, stop));
  return response.json();
}

Result<std::vector<Json>> HfApi::pages(std::string target, size_t limit, const Subject& subject,
                                       std::stop_token stop) const {
  std::vector<Json> out;
  while (!target.empty() && out.size() < limit) {
    if (!target.starts_with('/') && !http_.is_own(target))
      return Status(Code::bad_input, cat("the Hub's next page lies on another host: ", target));
    const auto response = TRY(http_.ask(get(target), subject, stop));
    auto page = TRY(response.json());
    if (!page.is_array()) return Status(Code::bad_input, cat(response.url, " did not answer with a list"));
    for (auto& item : page.array())
      if (out.size() < limit) out.push_back(std::move(item));
    target = next_page(response.header("Link"));
  }
  return out;
}

Result<std::vector<Json>> HfApi::list_repos(RepoType type, Parameters query, size_t limit, std::stop_token stop) const {
  query.emplace_back("limit", std::to_string(std::min<size_t>(limit, 1000)));
  return pages(cat("/api/", repo_type_plural(type), query_text(query)), limit, {}, stop);
}

Result<std::vector<Json>> HfApi::list_repo_tree(const RepoName& repo, std::string_view revision, std::string_view path,
                                                bool recursive, std::stop_token stop) const {
  auto target = cat(repo.api_path(), "/tree/", percent_encode(revision));
  if (!path.empty()) target += cat("/", percent_encode(path));
  return pages(cat(target, "?recursive=", recursive, "&expand=false"), SIZE_MAX, {&repo, revision, path}, stop);
}

Result<TreeFiles> HfApi::list_repo_files(const RepoName& repo, std::string_view revision, std::stop_token stop) const {
  TreeFiles out;
  for (const auto& entry : TRY(list_repo_tree(repo, revision, "", true, stop))) {
    if (entry["type"].as_string() != "file") continue;
    TreeFile file;
    file.size = static_cast<uint64_t>(std::max<int64_t>(entry["size"].as_int(), 0));
    file.blob_id = std::string(entry["oid"].as_string());
    file.sha256 = std::string(entry["lfs"]["oid"].as_string());
    file.xet_hash = std::string(entry["xetHash"].as_string());
    out.emplace(entry["path"].as_string(), std::move(file));
  }
  return out;
}

Status HfApi::create_branch(const RepoName& repo, std::string_view branch, bool exist_ok, std::stop_token stop) const {
  auto done = http_.ask(post_json("POST", cat(repo.api_path(), "/branch/", percent_encode(branch)), "{}"),
                        {&repo, branch}, stop);
  if (done.ok() || (exist_ok && done.status().code() == Code::conflict)) return {};
  return std::move(done).status();
}

std::string HfApi::hf_hub_url(const RepoName& repo, std::string_view revision, std::string_view filename) const {
  return cat(http_.endpoint(), repo.url_path(), "/resolve/", percent_encode(revision), "/",
             percent_encode(filename, /*keep_slash=*/true));
}

Result<HubResponse> HfApi::head_file(const RepoName& repo, std::string_view revision, std::string_view filename,
                                     std::stop_token stop) const {
  HubRequest request;
  request.method = "HEAD";
  request.target = hf_hub_url(repo, revision, filename);
  request.headers = {{"Accept-Encoding", "identity"}};
  request.stay = true;
  return http_.send(request, stop);
}

Result<HfFileMetadata> HfApi::file_metadata(const HubResponse& head) const {
  HfFileMetadata out;
  out.commit_hash = std::string(head.header("X-Repo-Commit"));
  if (!is_commit_hash(out.commit_hash))
    return Status(Code::bad_input,
                  cat(head.url, " gives no X-Repo-Commit: is HF_ENDPOINT (", http_.endpoint(), ") a Hub?"));
  const auto linked = head.header("X-Linked-ETag");
  auto etag = linked.empty() ? head.header("ETag") : linked;
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  while (etag.starts_with('"')) etag.remove_prefix(1);
  while (etag.ends_with('"')) etag.remove_suffix(1);
  // It becomes the name of a file.
  if (etag.empty() || etag.size() > 200 || etag.starts_with('.') ||
      etag.find_first_of("/\\\0") != std::string_view::npos)
    return Status(Code::bad_input, cat(head.url, " gives no usable ETag ('", etag, "')"));
  out.etag = std::string(etag);
  const bool redirected = head.status >= 300;
  out.location = redirected ? std::string(head.header("Location")) : head.url;
  auto size = head.header("X-Linked-Size");
  if (size.empty() && !redirected) size = head.header("Content-Length");
  if (const auto number = parse_int(size); number && *number >= 0) out.size = static_cast<uint64_t>(*number);
  return out;
}

}  // namespace hearth
