// Which Internet addresses are the public's: a server that calls addresses which strangers chose must not reach its own
// machine, its network or a cloud's metadata that way (SSRF).
// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), entries that are not globally reachable.
#pragma once

#include <sys/socket.h>

namespace hearth::net {

/// False for private, loopback, link-local, multicast, reserved and documentation addresses, for IPv6 that carries IPv4
/// (6to4, Teredo, NAT64), and for anything that is no IP address. An IPv4 address mapped into IPv6 counts as itself.
bool is_public_address(const sockaddr* address);

}  // namespace hearth::net
