#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>

#include "base/files.h"
#include "base/guarded.h"
#include "base/text.h"
#include "net/loop/tls_set.h"

namespace hearth::net {
namespace {

using Context = std::unique_ptr<SSL_CTX, FreeContext>;

Status openssl_failure(std::string_view what) {
  char reason[256] = "unknown";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return Status(Code::bad_input, cat(what, ": ", std::string_view(reason)));
}

// Hearth speaks HTTP/1.1 alone; a client that offers only other protocols is answered without a choice.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int size, void*) {
  for (unsigned int i = 0; i < size; i += 1u + offered[i]) {
    if (i + 1 + offered[i] > size) break;
    if (std::string_view(reinterpret_cast<const char*>(offered + i + 1), offered[i]) != "http/1.1") continue;
    *out = offered + i + 1;
    *out_size = offered[i];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// The first certificate that has the name the client asks for.
int choose_certificate(SSL* ssl, int*, void* set) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  for (const auto& context : static_cast<const Tls::Set*>(set)->contexts) {
    if (X509_check_host(SSL_CTX_get0_certificate(context.get()), name, std::strlen(name), 0, nullptr) != 1) continue;
    SSL_set_SSL_CTX(ssl, context.get());
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

Result<Context> make_context(const CertificateFiles& files, Tls::Set* set) {
  for (const auto& file : {files.chain, files.key})
    if (auto readable = open_read(file); !readable.ok()) return std::move(readable).status();
  Context context(SSL_CTX_new(TLS_server_method()));
  VERIFY(context, "OpenSSL makes a context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // The session id context ties a resumed session to this program.
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("hearth"), 6);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context.get(), choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(context.get(), set);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.chain.c_str()) != 1)
    return openssl_failure(cat(files.chain, " holds no PEM certificate"));
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return openssl_failure(cat(files.key, " is no PEM key of the certificate ", files.chain));
  return context;
}

Result<std::shared_ptr<const Tls::Set>> make_set(const std::vector<CertificateFiles>& all) {
  if (all.empty()) return Status(Code::bad_input, "TLS needs a certificate");
  auto set = std::make_shared<Tls::Set>();
  for (const auto& files : all) set->contexts.push_back(TRY(make_context(files, set.get())));
  return std::shared_ptr<const Tls::Set>(std::move(set));
}

}  // namespace

struct Tls::State {
  std::vector<CertificateFiles> files;
  Guarded<std::shared_ptr<const Set>> set{};
};

Tls::Tls(std::vector<CertificateFiles> files) : state_(std::make_unique<State>()) {
  state_->files = std::move(files);
}
Tls::~Tls() = default;

Result<std::shared_ptr<Tls>> Tls::load(std::vector<CertificateFiles> files) {
  std::shared_ptr<Tls> tls(new Tls(std::move(files)));
  TRY(tls->reload());
  return tls;
}

Status Tls::reload() {
  auto fresh = TRY(make_set(state_->files));
  state_->set.with([&](auto& set) { set = std::move(fresh); });
  return {};
}

std::shared_ptr<const Tls::Set> Tls::current() const {
  return state_->set.with([](auto& set) { return set; });
}

}  // namespace hearth::net
