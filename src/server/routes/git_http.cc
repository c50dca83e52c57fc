// Git's smart HTTP: info/refs, git-upload-pack, git-receive-pack, answered by git's own programs (protocol v2, shallow
// and partial clones come with them). A push is judged by the hub in git's pre-receive hook, before any ref moves.
// Source: git 2.39 Documentation/gitprotocol-http.txt, http-backend.c.
#include <algorithm>

#include "base/process.h"
#include "base/text.h"
#include "hub/discussions.h"
#include "hub/push.h"
#include "server/pull_through.h"
#include "server/push_hooks.h"
#include "server/routes_registry.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

constexpr std::string_view kServices[] = {"git-upload-pack", "git-receive-pack"};
constexpr size_t kProtocolMax = 64;
constexpr uint64_t kPackMax = uint64_t{4} << 30, kAllocationMax = 256u << 20;
constexpr const char* kStreamOver = "core.bigFileThreshold=32m";

// Writers push; so does whoever has a pull request open, and is held to its reference when git asks about each.
Status check_push(const Request& rq, const hub::Repo& repo) {
  auto may_write = hub::check_access(rq.caller(), repo, hub::Right::write);
  if (may_write.ok() || rq.caller().anonymous()) return may_write;
  if (!hub::check_discuss(rq.caller(), repo).ok()) return may_write;
  const auto own = TRY(hub::list_discussions(
      rq.hub(), repo, {.is_pull_request = true, .open = true, .author = std::string(rq.caller().name()), .limit = 1}));
  return own.total > 0 ? Status() : std::move(may_write);
}

Status check_service(const Request& rq, const hub::Repo& repo, std::string_view service) {
  if (service != "git-receive-pack") return hub::check_access(rq.caller(), repo, hub::Right::content);
  TRY(check_push(rq, repo));
  auto* upstream = rq.services().pull_through;
  return upstream ? upstream->check_write(repo) : Status();
}

/// What the client may say in Git-Protocol: it becomes an environment variable.
bool is_protocol(std::string_view text) {
  return !text.empty() && text.size() <= kProtocolMax && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '=' || c == ':' || c == '.' || c == '-';
  });
}

ProcessOptions git(const Request& rq, const hub::Repo& repo, std::string_view service,
                   std::vector<std::string> settings, std::vector<std::string> options) {
  ProcessOptions process;
  auto& words = process.arguments;
  words = {"git"};
  settings.insert(settings.end(),
                  {"safe.directory=*", "uploadpack.allowFilter=true", "uploadpack.allowAnySHA1InWant=true"});
  for (auto& setting : settings) {
    words.emplace_back("-c");
    words.push_back(std::move(setting));
  }
  process.environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C"};
  if (const auto protocol = rq.header("Git-Protocol"); is_protocol(protocol))
    process.environment.push_back(cat("GIT_PROTOCOL=", protocol));
  words.emplace_back(service.substr(4));
  words.emplace_back("--stateless-rpc");
  std::move(options.begin(), options.end(), std::back_inserter(words));
  words.push_back(rq.hub().git_folder(repo));
  return process;
}

Response answer(ProcessOptions process, std::string content_type, std::string prefix = {}) {
  return {.headers = {{"Content-Type", std::move(content_type)}, {"Cache-Control", "no-cache"}},
          .body = net::ProcessPipe{.process = std::move(process), .prefix = std::move(prefix)}};
}

Result<Response> info_refs(Request& rq) {
  const auto service = rq.query("service");
  if (std::find(std::begin(kServices), std::end(kServices), service) == std::end(kServices))
    return Status(Code::forbidden, "this hub speaks git's smart protocol alone: update git (1.6.6 or newer)");
  const auto& repo = *TRY(rq.repo());
  TRY(check_service(rq, repo, service));  // which right depends on the query
  const auto line = cat("# service=", service, "\n");
  char length[5];
  snprintf(length, sizeof length, "%04zx", line.size() + 4);
  const auto begin = cat(std::string_view(length), line, "0000");
  auto type = cat("application/x-", service, "-advertisement");
  if (service == "git-receive-pack") {
    auto out = text_response(begin + TRY(hub::advertise_references(rq.hub(), repo)), type);
    out.headers.set("Cache-Control", "no-cache");
    return out;
  }
  const bool second = contains(rq.header("Git-Protocol"), "version=2");
  return answer(git(rq, repo, service, {}, {"--advertise-refs"}), std::move(type), second ? "" : begin);
}

// A form of a foreign page can send no such type: a browser's cookie pushes nothing.
Status check_type(const Request& rq, std::string_view service) {
  if (const auto type = rq.header("Content-Type"); type != cat("application/x-", service, "-request"))
    return Status(Code::bad_input, cat("Content-Type is application/x-", service, "-request, not '", type, "'"));
  return {};
}

Result<Response> upload_pack(Request& rq) {
  TRY(check_type(rq, kServices[0]));
  return answer(git(rq, *TRY(rq.repo()), kServices[0], {}, {}), cat("application/x-", kServices[0], "-result"));
}

Result<Response> receive_pack(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  TRY(check_type(rq, kServices[1]));
  TRY(check_service(rq, repo, kServices[1]));
  auto* hooks = rq.services().push_hooks;
  if (!hooks)
    return Status(Code::unavailable, "this hub was started without hearth-hook beside it and takes no pushes");
  auto push = hooks->begin(repo, rq.caller(), rq.client_address());
  auto process =
      git(rq, repo, kServices[1],
          {cat("core.hooksPath=", hooks->folder()),
           // An accepted push is on the disk; packing again is not the pushing client's time.
           "core.fsync=committed,derived-metadata,reference", "receive.autogc=false", "receive.fsckObjects=true",
           "receive.advertiseAtomic=true", cat("receive.maxInputSize=", kPackMax), kStreamOver},
          {});
  // What a pack may make git allocate at once: deltas can announce any size.
  process.environment.push_back(cat("GIT_ALLOC_LIMIT=", kAllocationMax));
  for (auto& variable : push.environment) process.environment.push_back(std::move(variable));
  auto out = answer(std::move(process), cat("application/x-", kServices[1], "-result"));
  out.lease = std::move(push.lease);
  return out;
}

constexpr Route kRoutes[] = {
    {"GET", "/{kind?}/{repo}/info/refs", Access::metadata, info_refs},
    {"POST", "/{kind?}/{repo}/git-upload-pack", Access::content, upload_pack, BodyMode::pipe},
    {"POST", "/{kind?}/{repo}/git-receive-pack", Decision{Access::content, "discussion.write"}, receive_pack,
     BodyMode::pipe},
};

}  // namespace
extern constinit const Routes git_http_entry{kRoutes};
}  // namespace hearth::server::routes
