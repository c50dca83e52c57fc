// The part of `hearth serve`'s options that says where and how it listens, what it believes and what it logs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/arguments.h"
#include "net/server.h"
#include "server/ingress.h"

namespace hearth::server {

struct Network {
  net::ServerOptions server;
  Ingress ingress;
  std::string metrics_rule;  ///< as Services has it
  int64_t memory_bytes = 0;  ///< what large requests may hold together
  bool access_log = false;
  double slow_s = 0;
  int64_t fresh_ms = 0, miss_ms = 0;  ///< as PullOptions has them
};

/// bad_input for what contradicts itself; sets the format of the log.
Result<Network> read_network(const Arguments& arguments, const std::string& data_folder);

/// Does only this machine reach the address?
bool is_loopback(std::string_view host);

}  // namespace hearth::server
