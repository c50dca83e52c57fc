#include "server/origin.h"

#include "base/hash.h"
#include "base/text.h"

namespace hearth::server {
namespace {

// "https://hub.example:8443" -> "hub.example:8443". "null", of pages that hide where they are, has no host.
std::string_view host_of(std::string_view origin) {
  const auto scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

}  // namespace

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

std::string csrf_token(std::string_view session_id) {
  // The session's public id is a secret to other sites; hashing it keeps the two uses apart.
  return sha256_hex(cat("hearth csrf ", session_id)).substr(0, 32);
}

Status check_origin(const net::RequestHead& head, std::string_view session_id) {
  if (head.headers.has("Origin")) {
    const auto host = host_of(head.headers.get("Origin"));
    if (!host.empty() && equals_ignore_case(host, head.headers.get("Host"))) return {};
    return Status(Code::forbidden,
                  cat("a page of ", head.headers.get("Origin").substr(0, 200), " may not act in your name here"));
  }
  if (equal_constant_time(head.headers.get("X-CSRF-Token"), csrf_token(session_id))) return {};
  return Status(Code::forbidden,
                "a change by the browser's session needs the header Origin, or X-CSRF-Token with the page's token");
}

}  // namespace hearth::server
