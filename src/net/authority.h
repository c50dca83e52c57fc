// A local certificate authority: one key that a person's machines trust, and the certificates it gives to this hub.
//
// 1. The authority is bound by name constraints (RFC 5280 4.2.1.10): whoever steals its key can stand for the names
//    written into it and for no other.
// 2. A certificate is given for a year (clients refuse long ones) and made again when a month is left.
// Source: RFC 5280 (certificates); CA/Browser Forum Baseline Requirements 6.3.2 for the length of a year.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/tls.h"

namespace hearth::net {

struct AuthorityOptions {
  std::string folder;       ///< of `authority.pem`, `authority.key`, `hub.pem`, `hub.key`; only this user may enter
  std::string common_name;  ///< what a list of authorities shows
  std::vector<std::string> names;  ///< that certificates may be for: "example.org" with all below it, or an address
  bool renew = false;              ///< a new authority, even where there is one
};

struct Authority {
  std::string certificate;  ///< the PEM file that clients are given
  std::string fingerprint;  ///< SHA-256 of the certificate, "AB:CD:..."
  bool made = false;        ///< by this call
};

/// The folder's authority, made when there is none or it is not for all of the names (its key is then a new one too).
Result<Authority> open_authority(const AuthorityOptions& options);

/// A certificate of the folder's authority for the names ("*.example.org" and addresses may be among them), made unless
/// the folder holds one for exactly these that is good for `left_ms` at least.
Result<CertificateFiles> issue_certificate(const std::string& folder, const std::vector<std::string>& names,
                                           int64_t left_ms = int64_t{30} * 24 * 3600 * 1000);

}  // namespace hearth::net
