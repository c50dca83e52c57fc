#include "server/remote_hub.h"

#include "base/encoding.h"
#include "base/files.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "net/client.h"

namespace hearth::server {
namespace {

constexpr int kConnect_ms = 5'000;
constexpr uint64_t kJsonMax = 64 << 20;

// A token as git and LFS show it: the password of any user.
std::string basic(const hub::Mirror& mirror) {
  return cat("Basic ", to_base64(cat("token:", mirror.token)));
}

Status unexpected(const hub::Mirror& mirror, std::string_view what, int status) {
  if (status == 401 || status == 404)
    return Status(Code::repo_not_found, cat(mirror.url, " has no ", what, " of ", mirror.remote, " for this hub"));
  if (status == 403)
    return Status(Code::forbidden, cat(mirror.url, " keeps the ", what, " of ", mirror.remote, " from this hub"));
  return Status(Code::unavailable,
                cat(mirror.url, " answered ", status, " when asked for the ", what, " of ", mirror.remote));
}

std::string repo_url(const hub::Mirror& mirror) {
  return cat(mirror.url, "/", hub::kind_prefix(mirror.id.kind), mirror.remote);
}

}  // namespace

Result<RemoteRepo> remote_repo(const hub::Mirror& mirror, const std::stop_token& stop) {
  net::ClientRequest request{.url = cat(mirror.url, "/api/", hub::kind_plural(mirror.id.kind), "/", mirror.remote),
                             .max_redirects = 3,
                             .max_bytes = kJsonMax,
                             .connect_timeout_ms = kConnect_ms};
  if (!mirror.token.empty()) request.headers.set("Authorization", cat("Bearer ", mirror.token));
  const auto answer = TRY(net::http_request(request, stop));
  if (answer.status != 200) return unexpected(mirror, "description", answer.status);
  const auto json = TRY(Json::parse(answer.body));
  RemoteRepo out{.full_name = std::string(json["id"].as_string()),
                 .is_private = json["private"].as_bool(),
                 .gated = std::string(json["gated"].as_string()),
                 .sdk = std::string(json["sdk"].as_string()),
                 .used_bytes = json["usedStorage"].as_int()};
  if (out.gated != "auto" && out.gated != "manual") out.gated.clear();
  if (!hub::parse_repo_id(mirror.id.kind, out.full_name).ok())
    return Status(Code::unavailable,
                  cat(mirror.url, " describes ", mirror.remote, " without a name that Hearth takes"));
  return out;
}

Status fetch_commits(const hub::Mirror& mirror, const std::string& git_folder) {
  ProcessOptions git;
  git.arguments = {"git",
                   "-C",
                   git_folder,
                   "-c",
                   "safe.directory=*",
                   "-c",
                   "fetch.fsckObjects=true",
                   "-c",
                   "core.fsync=committed,reference",
                   "-c",
                   "http.lowSpeedLimit=100",
                   "-c",
                   "http.lowSpeedTime=60",
                   "fetch",
                   "--quiet",
                   "--force",
                   "--prune",
                   "--atomic",
                   "--no-tags",
                   "--no-write-fetch-head",
                   "--no-auto-maintenance",
                   repo_url(mirror)};
  for (const auto* refs : {"heads", "tags", "pr", "convert"})
    git.arguments.push_back(cat("+refs/", refs, "/*:refs/", refs, "/*"));
  // In the environment, where no list of processes shows them.
  git.environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
                     "GIT_ALLOW_PROTOCOL=http:https"};
  if (const auto authorities = env("SSL_CERT_FILE"); !authorities.empty())
    git.environment.push_back(cat("GIT_SSL_CAINFO=", authorities));
  if (!mirror.token.empty()) {
    git.environment.push_back("GIT_CONFIG_COUNT=1");
    git.environment.push_back("GIT_CONFIG_KEY_0=http.extraHeader");
    git.environment.push_back(cat("GIT_CONFIG_VALUE_0=Authorization: ", basic(mirror)));
  }
  const auto done = TRY(run_process(git));
  if (done.exit_status == 0) return {};
  return Status(Code::unavailable, cat("git fetch from ", repo_url(mirror), " failed: ", trim(done.err)));
}

Status fetch_object(const hub::Mirror& mirror, const std::string& sha256, uint64_t size_bytes, uint64_t offset,
                    const std::function<bool(std::string_view)>& sink, const std::stop_token& stop) {
  JsonWriter body;
  body.begin_object().field("operation", "download").key("transfers").begin_array().value("basic").end();
  body.key("objects").begin_array().begin_object().field("oid", sha256).field("size", size_bytes).end().end();
  body.field("hash_algo", "sha256").end();
  net::ClientRequest ask{
      .method = "POST",
      .url = cat(repo_url(mirror), ".git/info/lfs/objects/batch"),
      .headers = {{"Accept", "application/vnd.git-lfs+json"}, {"Content-Type", "application/vnd.git-lfs+json"}},
      .body = body.take(),
      .max_redirects = 3,
      .max_bytes = kJsonMax,
      .connect_timeout_ms = kConnect_ms};
  if (!mirror.token.empty()) ask.headers.set("Authorization", basic(mirror));
  const auto answer = TRY(net::http_request(ask, stop));
  if (answer.status != 200) return unexpected(mirror, "large files", answer.status);
  const auto json = TRY(Json::parse(answer.body));
  const auto& objects = json["objects"].array();
  if (objects.empty() || objects[0]["oid"].as_string() != sha256)
    return Status(Code::unavailable, cat(mirror.url, " did not answer for the object ", sha256));
  if (const auto& error = objects[0]["error"]; error.is_object())
    return Status(Code::entry_not_found, cat(mirror.url, " does not have the object: ", error["message"].as_string()));
  const auto& action = objects[0]["actions"]["download"];
  net::ClientRequest get{
      .url = std::string(action["href"].as_string()), .max_redirects = 5, .connect_timeout_ms = kConnect_ms};
  if (!get.url.starts_with("http://") && !get.url.starts_with("https://"))
    return Status(Code::unavailable, cat(mirror.url, " named no address for the object ", sha256));
  for (const auto& [name, value] : action["header"].object()) get.headers.set(name, value.as_string());
  if (offset > 0) get.headers.set("Range", cat("bytes=", offset, "-"));
  const int wanted = offset > 0 ? 206 : 200;
  int got = 0;
  get.on_head = [&](int status, const net::Headers&) {
    got = status;
    return status / 100 == 3 || status == wanted;
  };
  get.sink = sink;
  const auto received = net::http_request(get, stop);
  if (got != 0 && got / 100 != 3 && got != wanted) return unexpected(mirror, "large file", got);
  return received.ok() ? Status() : received.status().clone();
}

}  // namespace hearth::server
