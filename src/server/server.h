// The front: one handler for every request of the hub. Finds the route, who asks and whether they may, calls the
// handler, and turns failures and exceptions into answers.
#pragma once

#include <memory>

#include "net/server.h"
#include "server/request.h"
#include "server/services.h"

namespace hearth::server {

class Router;
class TokenWatch;

class Front final : public net::Handler {
 public:
  explicit Front(const Services& services);
  ~Front() override;
  net::BodyPlan plan(const net::RequestHead& head) override;
  std::optional<net::Response> admit(const net::RequestHead& head) override;
  net::Response handle(net::Request&& request, std::stop_token stop) override;
  net::Response refuse(const net::RequestHead& head, const Status& status) override;
  void arrived(net::RequestHead& head) override;
  void answered(const net::RequestHead& head, const net::Response& response, const net::Answered& how) override;

 private:
  Status take_xet_grant(Request& rq, bool write) const;
  Result<const Route*> decide(Request& rq, bool spend) const;
  Status take_turn(Request& rq, bool spend) const;
  Response finish(Request& rq, Result<Response> result) const;
  const Services& services_;
  std::unique_ptr<const Router> router_;
  std::unique_ptr<TokenWatch> token_watch_;
};

}  // namespace hearth::server
