// What all handlers share: made once by `hearth serve`, alive until the last answer is sent.
#pragma once

#include <string>
#include <string_view>

#include "base/budget.h"
#include "hub/hub.h"

namespace hearth::endpoints {
class Endpoints;
}

namespace hearth::server {

class Ingress;
class Metrics;
class BucketFeed;
class PullThrough;
class RateLimiter;
class TokenizerCache;

/// Signs addresses that are used without credentials (LFS transfers): HMAC-SHA256 over all that the right depends on.
class Signer {
 public:
  /// The key is the hub's secret "signing": addresses stay good across restarts, and at every front.
  static Result<Signer> open(hub::Hub& hub);
  /// `what` and the time of expiry, signed: goes into a query as two parameters.
  std::string sign(std::string_view what, int64_t expires_ms) const;
  bool good(std::string_view what, int64_t expires_ms, std::string_view signature) const;

 private:
  explicit Signer(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

/// `target` ("/path?query") with an expiry and a signature over the method and all of it: for a row of
/// Access::signed_link. `size=` in the query bounds the body.
std::string signed_target(const Signer& signer, std::string_view method, std::string_view target, int64_t lifetime_ms);
/// Was this target made by signed_target, and is it still good?
bool check_signed_target(const Signer& signer, std::string_view method, std::string_view target);

class PushHooks;
class XetSessions;

struct Services {
  hub::Hub& hub;
  Signer signer;
  std::string web_folder;                     ///< the built browser code, `../web` beside the program's folder
  bool on_loopback = false;                   ///< bound to this machine alone
  endpoints::Endpoints* endpoints = nullptr;  ///< null: no engines
  BucketFeed* bucket_feed = nullptr;          ///< null: nobody is told of changes
  bool anonymous_inference = false;           ///< visitors may use engines of public models
  PullThrough* pull_through = nullptr;        ///< null: no other hub is asked for what is not here
  const Ingress* ingress = nullptr;           ///< null: clients connect to the hub itself
  Metrics* metrics = nullptr;                 ///< null: nothing is counted
  std::string metrics_rule = {};              ///< who reads /metrics: "loopback", "open", "token ...", empty: nobody
  bool access_log = false;                    ///< a line of the log for each request
  double slow_s = 0;                          ///< a warning for each handler that took longer; 0: none
  bool private_webhooks = false;              ///< webhooks may call addresses outside the public Internet
  RateLimiter* limiter = nullptr;             ///< null: nobody is limited
  PushHooks* push_hooks = nullptr;            ///< null: nobody can push with git
  XetSessions* xet_sessions = nullptr;        ///< null: uploads are told of chunks they name alone
  Budget* memory = nullptr;                   ///< of what large requests hold; null: no bound
  TokenizerCache* tokenizers = nullptr;       ///< null: nothing is tokenized
};

}  // namespace hearth::server
