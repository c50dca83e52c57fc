// Judging pushes inside the front: git's hooks are a tiny program (hook/hearth_hook.c) that asks this over a Unix
// socket.
//
// 1. A push under way has a secret name, given to git's environment; whoever shows it speaks of that push. The name
//    ends with the answer to the pushing client.
// 2. The socket and the links that git takes as hooks lie in a folder of this process, for this user alone.
// Source: git 2.39 Documentation/githooks.txt.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/guarded.h"
#include "base/result.h"
#include "hub/hub.h"
#include "net/server.h"

namespace hearth::server {

class PushHooks final : public net::Handler {
 public:
  /// Serves until it is destroyed. not_found when hearth-hook does not lie beside the program.
  static Result<std::unique_ptr<PushHooks>> start(hub::Hub& hub);
  ~PushHooks() override;

  /// A push by this caller, from this address, begins; it ends when the lease is dropped.
  struct Push {
    std::vector<std::string> environment;  ///< for git
    std::shared_ptr<void> lease;
  };
  Push begin(const hub::Repo& repo, const hub::Caller& caller, std::string_view address);
  /// git's core.hooksPath.
  std::string folder() const;

  net::BodyPlan plan(const net::RequestHead& head) override;
  net::Response handle(net::Request&& request, std::stop_token stop) override;

 private:
  struct Pushing {
    hub::Repo repo;
    hub::Caller caller;
    std::string address;
    int64_t begun_ms = 0;
  };
  explicit PushHooks(hub::Hub& hub) : hub_(hub) {}
  std::string socket() const;
  Result<net::Response> judge(const net::Request& request, const Pushing& push);

  hub::Hub& hub_;
  TempFolder place_;
  std::shared_ptr<Guarded<std::map<std::string, Pushing>>> pushes_ =
      std::make_shared<Guarded<std::map<std::string, Pushing>>>();
  std::unique_ptr<net::Server> server_;
  std::thread thread_;
};

}  // namespace hearth::server
