// What stands before the hub: proxies whose word about the client is taken, and the names it is reached by.
//
// 1. X-Forwarded-* headers count only when the connection comes from a trusted address; from all others they are
//    dropped, so that nothing after this point has to doubt them.
// 2. The client is the last address of X-Forwarded-For that is no trusted proxy: what stands left of it, anybody wrote.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace hearth::server {

struct IngressOptions {
  std::vector<std::string> trusted_proxies;  ///< addresses or networks: "10.0.0.0/8", "::1"
  std::string public_url;                    ///< "https://hub.example.org": what answers name; empty: as it was asked
  std::vector<std::string> other_names;      ///< hosts under which the hub also names itself as it was asked
};

class Ingress {
 public:
  Ingress() = default;
  /// bad_input for an address or a URL that is none.
  static Result<Ingress> make(IngressOptions options);
  /// Makes the head say what is true of the client and of the address it used (Host, secure), and maps the host
  /// datasets-server.* to /datasets-server/.
  void correct(net::RequestHead& head) const;
  /// Is it said under which address people reach the hub, whatever a request's Host says?
  bool names_itself() const { return !public_url_.empty(); }
  bool behind_proxy() const { return !networks_.empty() || !public_url_.empty(); }

 private:
  struct Network {
    std::string bytes;  ///< of the address: 16, an IPv4 address mapped (RFC 4291 2.5.5.2)
    int bits = 128;
  };
  bool trusted(std::string_view address) const;
  std::vector<Network> networks_;
  std::string public_url_;
  std::vector<std::string> other_names_;
};

/// The address under which the client reached the hub: "http://127.0.0.1:8686".
std::string endpoint_of(const net::RequestHead& head);

}  // namespace hearth::server
