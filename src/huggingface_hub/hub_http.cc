#include "huggingface_hub/hub_http.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/text.h"
#include "net/client.h"

namespace hearth {
namespace {

constexpr int kMaxRedirects = 5;
constexpr std::string_view kPublicHub = "https://huggingface.co";

/// "http://host:port" of an address, lower case.
std::string origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  auto out = to_lower_ascii(url.substr(0, url.find('/', scheme + 3)));
  if (out.starts_with("http://") && out.ends_with(":80")) out.resize(out.size() - 3);
  if (out.starts_with("https://") && out.ends_with(":443")) out.resize(out.size() - 4);
  return out;
}

/// An absolute address from a Location header.
std::string resolve(std::string_view base, std::string_view location) {
  if (contains(location, "://")) return std::string(location);
  const auto scheme = base.find("://");
  if (location.starts_with("//")) return cat(base.substr(0, scheme + 1), location);
  const auto path = base.find('/', scheme + 3);
  if (location.starts_with('/')) return cat(base.substr(0, path), location);
  return cat(base.substr(0, std::min(base.rfind('/'), base.size())), "/", location);
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_worth_another_try(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/// What the server says went wrong: a header, or the JSON body's fields.
std::string server_message(const HubResponse& response) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view text) {
    if (text.empty()) return;
    const auto one_line = replace_all(replace_all(trim(text), "\r", ""), "\n", " ");
    if (std::find(parts.begin(), parts.end(), one_line) == parts.end()) parts.push_back(one_line);
  };
  add(response.header("X-Error-Message"));
  if (const auto json = Json::parse(response.body); json.ok()) {
    add((*json)["error"].as_string());
    add((*json)["error_description"].as_string());
    for (const auto& error : (*json)["errors"].array()) add(error["message"].as_string(error.as_string()));
  }
  return join(parts, "; ").substr(0, 1000);
}

}  // namespace

bool wait_for(double seconds, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  const auto wait = std::chrono::duration<double>(seconds);
  stopped.wait_for(lock, stop, wait, [] { return false; });
  return !stop.stop_requested();
}

std::string_view HubResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equals_ignore_case(key, name)) return value;
  return {};
}

Result<Json> HubResponse::json() const {
  auto parsed = Json::parse(body);
  if (parsed.ok()) return parsed;
  return Status(Code::bad_input, cat(url, " did not answer with JSON: is HF_ENDPOINT a Hub?"));
}

HubHttp::HubHttp(std::string endpoint, std::optional<std::string> token)
    : endpoint_(std::move(endpoint)), token_(std::move(token)) {}

bool HubHttp::is_own(std::string_view url) const {
  return !contains(url, "://") || origin_of(url) == origin_of(endpoint_);
}

Result<HubResponse> HubHttp::send_once(const HubRequest& request, std::stop_token stop) const {
  std::string url = contains(request.target, "://") ? request.target : cat(endpoint_, request.target);
  // A Hub that mirrors the public one may name that one's host in its answers.
  if (url.starts_with(cat(kPublicHub, "/")) && endpoint_ != kPublicHub)
    url = cat(endpoint_, url.substr(kPublicHub.size()));
  for (int hop = 0;; ++hop) {
    net::ClientRequest out;
    out.method = request.method;
    out.url = url;
    out.max_bytes = static_cast<uint64_t>(request.max_bytes);
    out.headers.set("User-Agent", "hearth/" HEARTH_VERSION);
    for (const auto& [name, value] : request.headers) out.headers.set(name, value);
    if (token_ && is_own(url) && !out.headers.has("Authorization"))
      out.headers.set("Authorization", cat("Bearer ", *token_));
    if (!request.body_file.empty()) {
      out.body = net::FileBody{request.body_file};
    } else {
      out.body = request.body;
    }
    int status = 0;
    if (request.sink) {
      out.on_head = [&](int code, const net::Headers&) {
        status = code;
        return true;
      };
      out.sink = [&](std::string_view bytes) { return request.sink(status, bytes); };
    }
    if (request.on_sent) out.progress = [&](uint64_t sent, uint64_t) { request.on_sent(sent); };
    auto answer = TRY(net::http_request(out, stop));
    HubResponse response;
    response.status = answer.status;
    for (const auto& [name, value] : answer.headers) response.headers.emplace_back(name, value);
    response.body = std::move(answer.body);
    response.url = url;
    const auto location = response.header("Location");
    if (!is_redirect(response.status) || location.empty()) return response;
    auto next = resolve(url, location);
    if (request.stay && origin_of(next) != origin_of(url)) return response;
    if (hop == kMaxRedirects) return Status(Code::unavailable, cat(request.target, " redirects without end"));
    url = std::move(next);
  }
}

Result<HubResponse> HubHttp::send(const HubRequest& request, std::stop_token stop) const {
  if (is_offline())
    return Status(Code::unavailable, "HF_HUB_OFFLINE is set, so the Hub is not asked: unset it to go online");
  for (int attempt = 1;; ++attempt) {
    auto answer = send_once(request, stop);
    if (answer.ok() && !is_worth_another_try(answer->status)) return answer;
    if (!answer.ok() && answer.status().code() != Code::unavailable) return answer;
    if (attempt >= request.tries) {
      if (answer.ok()) return answer;
      return Status(answer.status().code(),
                    cat("no answer from the Hub at ", endpoint_, " (", answer.status().message(),
                        "): start one with `hearth serve`, or set HF_ENDPOINT to another"));
    }
    double seconds = std::min(1 << (attempt - 1), 8);
    if (answer.ok())
      if (const auto after = parse_int(answer->header("Retry-After")))
        seconds = static_cast<double>(std::clamp<int64_t>(*after, 0, 60));
    if (!wait_for(seconds, stop)) return Status(Code::cancelled, "stopped");
  }
}

Result<HubResponse> HubHttp::ask(const HubRequest& request, const Subject& subject, std::stop_token stop) const {
  auto response = TRY(send(request, stop));
  if (!response.ok()) return to_status(response, subject);
  return response;
}

Status HubHttp::to_status(const HubResponse& response, const Subject& subject) const {
  const auto code = response.header("X-Error-Code");
  const auto said = server_message(response);
  const auto told = said.empty() ? std::string() : cat(" (", said, ")");
  std::string repo = "the repository", id = "REPO_ID", type_flag;
  if (subject.repo) {
    repo = cat(repo_type_name(subject.repo->type), " '", subject.repo->id, "'");
    id = subject.repo->id;
    if (subject.repo->type != RepoType::model) type_flag = cat(" --repo-type ", repo_type_name(subject.repo->type));
  }
  const bool wrong_token = response.header("X-Error-Message") == "Invalid credentials in Authorization header";

  if (wrong_token || (response.status == 401 && token_ && code.empty())) {
    return Status(Code::unauthenticated, cat(endpoint_, " does not accept the token",
                                             token_is_from_environment() ? " in HF_TOKEN: set a valid one"
                                                                         : ": `hearth auth login` saves a valid one"));
  }
  if (code == "RevisionNotFound") {
    return Status(Code::revision_not_found, cat(repo, " has no revision '", subject.revision, "' at ", endpoint_,
                                                ": give a branch, tag or commit with --revision"));
  }
  if (code == "EntryNotFound") {
    return Status(Code::entry_not_found,
                  subject.filename.empty() ? cat("no such file in ", repo, told)
                                           : cat(repo, " has no file '", subject.filename, "' at revision '",
                                                 subject.revision.empty() ? "main" : subject.revision,
                                                 "': `hearth download ", id, type_flag, " --dry-run` lists its files"));
  }
  if (code == "GatedRepo") {
    return Status(Code::gated, cat(repo, " is gated: ",
                                   token_ ? "ask for access on its page, "
                                          : "`hearth auth login`, then ask for access on its page, ",
                                   endpoint_, subject.repo ? subject.repo->url_path() : ""));
  }
  if (code == "RepoNotFound") {
    return Status(Code::repo_not_found, cat(repo, " is not at ", endpoint_, ": check the name and --repo-type",
                                            token_ ? cat(", or make it with `hearth repos create ", id, type_flag, "`")
                                                   : std::string("; if it is private, `hearth auth login` first")));
  }
  switch (response.status) {
    case 400:
    case 422:
      return Status(Code::bad_input, said.empty() ? cat(response.url, " refuses the request") : said);
    case 401:
      return Status(Code::unauthenticated, cat("this needs an account", told, ": `hearth auth login` first"));
    case 403:
      return Status(
          Code::forbidden,
          cat("not allowed", told, ": does the token have the role 'write', and the account the right to ", repo, "?"));
    case 404:
      return Status(Code::not_found, cat(response.url, " is not there", told));
    case 409:
      return Status(Code::conflict, said.empty() ? cat(repo, " exists already: add --exist-ok if that is fine") : said);
    case 412:
      return Status(Code::precondition,
                    cat("somebody else committed to ", repo, " meanwhile", told, ": run the command again"));
    case 413:
      return Status(Code::too_large, said.empty() ? "the Hub takes no file of this size" : said);
    case 429:
      return Status(Code::busy, cat("the Hub asks to slow down", told, ": try again in a while"));
    case 507:
      return Status(Code::no_space, cat("the Hub's disk is full", told));
    default:
      break;
  }
  return Status(response.status >= 500 ? Code::unavailable : Code::io,
                cat(response.url, " answered ", response.status, told));
}

}  // namespace hearth
