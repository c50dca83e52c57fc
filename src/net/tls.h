// TLS for the server: certificates that are chosen by the name that the client asks for, read again without a restart.
//
// 1. A connection keeps the certificates it began with; a reload is for the next ones.
// 2. A reload that fails changes nothing.
// Source: RFC 8446 (TLS 1.3), RFC 5246 (1.2, the oldest that is answered), RFC 6066 3 (server names), RFC 7301 (ALPN).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::net {

/// A certificate with its chain and its key, both as PEM files.
struct CertificateFiles {
  std::string chain;
  std::string key;
};

/// The certificates of a server. Thread-safe.
class Tls {
 public:
  /// The first certificate answers clients that name no host, or one that no certificate has. bad_input, naming the
  /// file, when one cannot be read or a key does not belong to its certificate.
  static Result<std::shared_ptr<Tls>> load(std::vector<CertificateFiles> files);
  ~Tls();
  /// Reads the files again.
  Status reload();

  struct Set;  ///< what one connection uses
  std::shared_ptr<const Set> current() const;

 private:
  explicit Tls(std::vector<CertificateFiles> files);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::net
