// The HTTP client: one blocking call on libcurl, over TCP (proxies and TLS as curl has them) or a Unix socket.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include "net/http.h"

namespace hearth::net {

/// A file as a request's body, read while it is sent.
struct FileBody {
  std::string path;
};

struct ClientRequest {
  std::string method = "GET";
  std::string url = {};  ///< "http://host:port/path?query", percent-encoded
  Headers headers = {};
  std::variant<std::string, FileBody> body = {};
  std::string unix_path = {};     ///< connect to this Unix socket; the url's host only fills `Host`
  int max_redirects = 0;          ///< 0: a redirect is the answer. `Authorization` goes to the first host alone
  uint64_t max_bytes = 1u << 30;  ///< of an answer without a sink; more is too_large
  int connect_timeout_ms = 10'000;
  int stall_timeout_ms = 60'000;  ///< no byte for so long is unavailable; 0: wait for ever
  int total_timeout_ms = 0;       ///< for the whole call; 0: no limit
  /// For addresses that strangers chose: only hosts of the public Internet are connected to, whatever their names
  /// resolve to at that moment, without a proxy and on a connection of its own. Others are forbidden.
  bool public_only = false;
  /// Takes the body of a 2xx answer piece by piece instead of ClientResponse::body; false ends the transfer
  /// (Code::cancelled).
  std::function<bool(std::string_view)> sink = {};
  /// Sees status and headers before the first piece; false ends the transfer (Code::cancelled).
  std::function<bool(int status, const Headers&)> on_head = {};
  /// Bytes sent and received so far, about ten times a second.
  std::function<void(uint64_t sent, uint64_t received)> progress = {};
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
  std::string url;  ///< of the last answer, after redirects
};

/// Any answer is a value, whatever its status. unavailable (no connection, broken off, stalled), cancelled (the stop,
/// noticed within 100 ms, or a sink), bad_input (the url), forbidden (`public_only`), no such file. Thread-safe;
/// connections are kept a thread.
Result<ClientResponse> http_request(const ClientRequest& request, std::stop_token stop = {});

}  // namespace hearth::net
