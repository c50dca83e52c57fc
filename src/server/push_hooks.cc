#include "server/push_hooks.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/audit.h"
#include "hub/push.h"

namespace hearth::server {
namespace {

constexpr uint64_t kInputMax = 4u << 20;
constexpr size_t kRefsLogged = 50;

net::Response verdict(bool accepted, const std::vector<std::string>& texts) {
  net::Response out;
  out.status = accepted ? 200 : 403;
  std::string text;
  for (const auto& line : texts) text += cat(line, "\n");
  out.body = std::move(text);
  return out;
}

// For the audit log.
Status record_push(hub::Hub& hub, const hub::Repo& repo, const hub::Caller& caller, std::string_view address,
                   std::span<const hub::RefUpdate> updates) {
  Json::Array refs;
  for (const auto& update : updates.first(std::min(updates.size(), kRefsLogged)))
    refs.push_back(Json::Object{{"ref", update.ref}, {"oldSha", update.old_id}, {"newSha", update.new_id}});
  return hub::record_audit(hub, {.actor = std::string(caller.name()),
                                 .actor_id = caller.user ? caller.user->id : 0,
                                 .via = "git",
                                 .address = std::string(address),
                                 .action = "repo.push",
                                 .owner_id = repo.owner_id,
                                 .target = cat(hub::kind_name(repo.kind), " ", repo.full_name()),
                                 .data = Json::Object{{"updatedRefs", std::move(refs)}}});
}

}  // namespace

Result<std::unique_ptr<PushHooks>> PushHooks::start(hub::Hub& hub) {
  const auto program = path_join(path_parent(executable_path()), "hearth-hook");
  if (!exists(program))
    return Status(Code::not_found, cat(program, " is missing: git push cannot be judged without it"));
  std::unique_ptr<PushHooks> out(new PushHooks(hub));
  TRY(make_folders(out->folder(), 0700));
  for (const std::string_view hook : {"pre-receive", "post-receive"})
    if (const auto link = path_join(out->folder(), hook); ::symlink(program.c_str(), link.c_str()) != 0)
      return errno_status("cannot link", link);
  net::ServerOptions options;
  options.unix_path = out->socket();
  options.io_threads = 1;
  options.pool_threads = 4;
  options.grace_ms = 1000;
  out->server_ = TRY(net::Server::listen(options, *out));
  out->thread_ = std::thread([server = out->server_.get()] { server->run(); });
  return out;
}

PushHooks::~PushHooks() {
  if (server_) server_->stop();
  if (thread_.joinable()) thread_.join();
}

std::string PushHooks::folder() const {
  return path_join(place_.path(), "hooks");
}
std::string PushHooks::socket() const {
  return path_join(place_.path(), "socket");
}

PushHooks::Push PushHooks::begin(const hub::Repo& repo, const hub::Caller& caller, std::string_view address) {
  const auto name = random_token(32);
  pushes_->with([&](auto& pushes) { pushes.emplace(name, Pushing{repo, caller, std::string(address), now_ms()}); });
  Push out;
  out.environment = {cat("HEARTH_HOOK_SOCKET=", socket()), cat("HEARTH_HOOK_PUSH=", name)};
  out.lease = std::shared_ptr<void>(
      nullptr, [pushes = pushes_, name](void*) { pushes->with([&](auto& all) { all.erase(name); }); });
  return out;
}

net::BodyPlan PushHooks::plan(const net::RequestHead&) {
  return net::BodyPlan::memory(kInputMax);
}

net::Response PushHooks::handle(net::Request&& request, std::stop_token) {
  const auto push = pushes_->with([&](auto& pushes) -> std::optional<Pushing> {
    const auto found = pushes.find(std::string(request.head.headers.get("X-Push")));
    if (found == pushes.end()) return std::nullopt;
    return found->second;
  });
  if (!push) return verdict(false, {"the push is over, or never was"});
  try {
    auto answer = judge(request, *push);
    if (answer.ok()) return *std::move(answer);
    if (code_row(answer.status().code()).http_status >= 500)
      log(LogLevel::error, "server", cat("push to ", push->repo.full_name(), ": ", answer.status().message()));
    return verdict(false, {answer.status().message()});
  } catch (const std::exception& error) {
    log(LogLevel::error, "server", cat("push to ", push->repo.full_name(), ": ", std::string_view(error.what())));
    return verdict(false, {"the hub failed at this push; its log says where"});
  }
}

Result<net::Response> PushHooks::judge(const net::Request& request, const Pushing& push) {
  const auto updates = TRY(hub::parse_ref_updates(request.body));
  if (request.head.path == "/post-receive") {
    // The refs have moved and the push stands: what follows may fail, and is made good at the next look.
    const auto followed = hub::after_push(hub_, push.repo, push.caller.name(), updates, push.begun_ms);
    const auto written = record_push(hub_, push.repo, push.caller, push.address, updates);
    for (const auto* status : {&followed, &written})
      if (!status->ok())
        log(LogLevel::warning, "server", cat("after a push to ", push.repo.full_name(), ": ", status->message()));
    return verdict(true, {});
  }
  const auto check = TRY(
      hub::check_push(hub_, push.repo, push.caller, updates, std::string(request.head.headers.get("X-Quarantine"))));
  return verdict(check.accepted, check.texts);
}

}  // namespace hearth::server
