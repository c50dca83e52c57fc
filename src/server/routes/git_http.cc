// Git's smart HTTP: info/refs, git-upload-pack, git-receive-pack, answered by git's own programs (protocol v2, shallow
// and partial clones come with them). A push is judged by the hub in git's pre-receive hook, before any ref moves.
// Source: git 2.39 Documentation/gitprotocol-http.txt, http-backend.c.
#include <stdlib.h>

#include <algorithm>

#include "base/process.h"
#include "base/text.h"
#include "server/routes_registry.h"

namespace hearth::server::routes {
namespace {

constexpr std::string_view kServices[] = {"git-upload-pack", "git-receive-pack"};
constexpr size_t kProtocolMax = 64;

hub::Right right_of(std::string_view service) {
  return service == "git-receive-pack" ? hub::Right::write : hub::Right::content;
}

/// Hooks run in the repository's folder: what they are told is absolute.
Result<std::string> absolute(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (!resolved) return errno_status("cannot find", path);
  std::string out = resolved;
  ::free(resolved);
  return out;
}

/// The folder with the hooks of every repository: each hands over to this program.
Result<std::string> hooks_folder(const std::string& data_folder) {
  const auto folder = path_join(data_folder, "hooks");
  TRY(make_folders(folder));
  for (const std::string_view hook : {"pre-receive", "post-receive"}) {
    const auto file = path_join(folder, hook);
    const auto text = cat("#!/bin/sh\nexec \"$HEARTH_PROGRAM\" hook ", hook, "\n");
    const auto present = read_file(file, 4096);
    if (!present.ok() || *present != text) TRY(write_file(file, text, 0755));
  }
  return folder;
}

/// What the client may say in Git-Protocol: it becomes an environment variable.
bool is_protocol(std::string_view text) {
  return !text.empty() && text.size() <= kProtocolMax && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '=' || c == ':' || c == '.' || c == '-';
  });
}

Result<ProcessOptions> git(const Request& rq, const hub::Repo& repo, std::string_view service,
                           std::vector<std::string> options) {
  ProcessOptions process;
  auto& words = process.arguments;
  words = {
      "git", "-c", "safe.directory=*", "-c", "uploadpack.allowFilter=true", "-c", "uploadpack.allowAnySHA1InWant=true"};
  process.environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C"};
  if (const auto protocol = rq.header("Git-Protocol"); is_protocol(protocol))
    process.environment.push_back(cat("GIT_PROTOCOL=", protocol));
  if (service == "git-receive-pack") {
    const auto data_folder = TRY(absolute(rq.hub().folder()));
    for (auto setting : {cat("core.hooksPath=", TRY(hooks_folder(data_folder))),
                         // An accepted push is on the disk; packing again is not the pushing client's time.
                         std::string("core.fsync=committed,reference"), std::string("receive.autogc=false"),
                         std::string("receive.fsckObjects=true"), std::string("receive.advertiseAtomic=true")}) {
      words.emplace_back("-c");
      words.push_back(std::move(setting));
    }
    process.environment.push_back(cat("HEARTH_DATA=", data_folder));
    process.environment.push_back(cat("HEARTH_PROGRAM=", executable_path()));
    process.environment.push_back(cat("HEARTH_HOOK_REPO=", repo.id));
    process.environment.push_back(cat("HEARTH_HOOK_USER=", rq.caller().name()));
    process.environment.push_back(cat("HEARTH_HOOK_ADDRESS=", rq.client_address()));
  }
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
  TRY(hub::check_access(rq.caller(), repo, right_of(service)));  // which right depends on the query
  auto process = TRY(git(rq, repo, service, {"--advertise-refs"}));
  std::string prefix;
  if (!contains(rq.header("Git-Protocol"), "version=2") || service == "git-receive-pack") {
    const auto line = cat("# service=", service, "\n");
    char length[5];
    snprintf(length, sizeof length, "%04zx", line.size() + 4);
    prefix = cat(std::string_view(length), line, "0000");
  }
  return answer(std::move(process), cat("application/x-", service, "-advertisement"), std::move(prefix));
}

Result<Response> rpc(Request& rq, std::string_view service) {
  // A form of a foreign page can send no such type: a browser's cookie pushes nothing.
  if (const auto type = rq.header("Content-Type"); type != cat("application/x-", service, "-request"))
    return Status(Code::bad_input, cat("Content-Type is application/x-", service, "-request, not '", type, "'"));
  return answer(TRY(git(rq, *TRY(rq.repo()), service, {})), cat("application/x-", service, "-result"));
}

Result<Response> upload_pack(Request& rq) {
  return rpc(rq, kServices[0]);
}
Result<Response> receive_pack(Request& rq) {
  return rpc(rq, kServices[1]);
}

constexpr Route kRoutes[] = {
    {"GET", "/{kind?}/{repo}/info/refs", Access::metadata, info_refs},
    {"POST", "/{kind?}/{repo}/git-upload-pack", Access::content, upload_pack, BodyMode::pipe},
    {"POST", "/{kind?}/{repo}/git-receive-pack", Access::write, receive_pack, BodyMode::pipe},
};

}  // namespace
extern constinit const Routes git_http_entry{kRoutes};
}  // namespace hearth::server::routes
