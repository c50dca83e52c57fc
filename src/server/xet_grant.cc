#include "server/xet_grant.h"

#include "base/text.h"

namespace hearth::server {
namespace {

// xet_RIGHT.REPO.EXPIRES.SIGNATURE.USER: a name may hold dots, so it comes last.
std::string signed_text(std::string_view right, std::string_view repo, std::string_view user) {
  return cat("xet ", right, " ", repo, " ", user);
}

}  // namespace

std::string sign_xet_grant(const Signer& signer, const XetGrant& grant) {
  const std::string_view right = grant.right == XetRight::read    ? "read"
                                 : grant.right == XetRight::write ? "write"
                                                                  : "offer";
  const auto signature = signer.sign(signed_text(right, cat(grant.repo), grant.user), grant.expires_ms);
  return cat("xet_", right, ".", grant.repo, ".", grant.expires_ms, ".", signature, ".", grant.user);
}

Result<XetGrant> read_xet_grant(const Signer& signer, std::string_view token) {
  const auto refused = [] {
    return Status(Code::unauthenticated, "Invalid credentials in Authorization header");  // as huggingface_hub reads it
  };
  if (!token.starts_with("xet_")) return refused();
  std::string_view parts[4];
  token.remove_prefix(4);
  for (auto& part : parts) {
    const auto dot = token.find('.');
    if (dot == std::string_view::npos) return refused();
    part = token.substr(0, dot);
    token.remove_prefix(dot + 1);
  }
  const auto repo = parse_int(parts[1]), expires_ms = parse_int(parts[2]);
  if (!repo || !expires_ms || !signer.good(signed_text(parts[0], parts[1], token), *expires_ms, parts[3]))
    return refused();
  XetGrant out{.repo = *repo, .user = std::string(token), .expires_ms = *expires_ms};
  out.right = parts[0] == "read" ? XetRight::read : parts[0] == "write" ? XetRight::write : XetRight::offer;
  return out;
}

}  // namespace hearth::server
