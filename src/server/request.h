// What a handler is given, and what it answers with.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/json.h"
#include "hub/hub.h"
#include "hub/organisations.h"
#include "net/http.h"
#include "server/rate_state.h"

namespace hearth::server {

struct Services;
struct Route;
using net::Response;

/// What the audit log should say of a change beyond who asked for what; see server/audit.h.
struct AuditNote {
  std::string target = {};  ///< "model acme/tiny", "user bob"; of a row with {repo} or {org}: that
  int64_t owner_id = 0;     ///< the user or organisation it is about; of a row with {repo} or {org}: theirs
  Json data = {};           ///< an object with what was changed
};

/// A request whose route, caller and right are decided.
class Request {
 public:
  Request(const Services& services, net::Request&& raw, std::stop_token stop);

  const Services& services() const { return services_; }
  hub::Hub& hub() const;
  const net::RequestHead& head() const { return raw_.head; }
  std::string_view method() const { return raw_.head.method; }
  std::string_view header(std::string_view name) const { return raw_.head.headers.get(name); }
  /// Requested when the client has left or the server stops.
  const std::stop_token& stop() const { return stop_; }
  const std::string& id() const { return id_; }  ///< X-Request-Id

  const hub::Caller& caller() const { return caller_; }
  /// Null for an anonymous caller.
  const hub::User* user() const { return caller_.user ? &*caller_.user : nullptr; }
  bool by_session() const { return by_session_; }  ///< a browser's cookie, not a token
  /// The repository that the pattern names; the row's Access was checked. A bug unless the pattern has {repo}.
  Result<const hub::Repo*> repo() const;

  /// The organisation that the pattern names; the row's Access was checked. A bug unless the pattern has {org} and the
  /// row an organisation's Access.
  Result<const hub::Org*> org() const;
  /// For the audit log: filled by handlers that know more than the path says.
  AuditNote& audit() { return audit_; }
  /// Where the request comes from: the client's address, also behind a proxy on this machine.
  std::string client_address() const;

  /// A part of the path that the pattern names, decoded; empty when the pattern lacks it. Of {kind}: "models", ...
  const std::string& arg(std::string_view name) const;
  hub::RepoKind kind() const;  ///< of {kind} or {kind?}
  /// The first value of a query parameter.
  std::string_view query(std::string_view name, std::string_view otherwise = {}) const;
  /// All values; `name[]=` counts as `name=`.
  std::vector<std::string_view> query_all(std::string_view name) const;
  bool query_flag(std::string_view name) const;  ///< true or 1
  /// bad_input unless it is a whole number of 0 or more; larger ones become `max`.
  Result<int64_t> query_int(std::string_view name, int64_t otherwise, int64_t max) const;

  const std::string& body() const { return raw_.body; }
  /// The body as JSON; bad_input when it is none. An empty body is an empty object.
  Result<Json> json() const;
  /// The spooled body. A bug unless the row says BodyMode::spool.
  net::SpooledFile& spooled();
  /// What the row's `observe` made: it has seen the spooled body. A bug unless the row has one.
  net::BodyObserver& observer() const;

  /// The address under which the client reached this hub: "http://127.0.0.1:8686".
  std::string endpoint() const;
  bool wants_html() const;  ///< a browser that shows a page

 private:
  friend class Front;
  const Services& services_;
  net::Request raw_;
  std::stop_token stop_;
  std::string id_;
  Parameters query_;
  std::vector<std::pair<std::string_view, std::string>> args_;
  hub::Caller caller_;
  bool by_session_ = false;
  std::optional<hub::Repo> repo_;
  std::optional<hub::Org> org_;
  AuditNote audit_;
  std::string_view route_;  // the pattern, once found
  std::optional<RateState> rate_;
  std::string moved_to_;  // where the same thing lies since its repository has another name
};

// ---- answers ----
Response json_response(std::string json, int status = 200);
inline Response json_response(const Json& json, int status = 200) {
  return json_response(json.dump(), status);
}
Response text_response(std::string text, std::string_view content_type = "text/plain; charset=utf-8", int status = 200);
Response html_response(std::string html, int status = 200);
Response redirect(std::string_view location, int status = 302);
Response empty_response(int status = 204);
/// {"error": message} with X-Error-Code and X-Error-Message as huggingface_hub reads them; a repository that the caller
/// may not know of is 401 for the anonymous, 404 for the others.
Response error_response(const Status& status, bool anonymous);
/// A page of a JSON list: `next` is the address of the following page (RFC 8288 Link), empty on the last.
Response json_page(std::string json, std::string_view next);

}  // namespace hearth::server
