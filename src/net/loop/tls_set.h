// The certificates of one moment as OpenSSL holds them.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <vector>

#include "net/tls.h"

namespace hearth::net {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

struct Tls::Set {
  std::vector<std::unique_ptr<SSL_CTX, FreeContext>> contexts;  ///< the first one begins every handshake
};

}  // namespace hearth::net
