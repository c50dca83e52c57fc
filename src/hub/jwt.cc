#include "hub/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kTokenMax = 64 << 10;
constexpr int kRsaBits = 2048;
constexpr size_t kModulusMax = 1024;  // bytes: 8192 bits
constexpr int64_t kSkewS = 60;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;
using KeyHandle = Handle<EVP_PKEY, EVP_PKEY_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Number = Handle<BIGNUM, BN_free>;

Status wrong(std::string_view why) {
  return Status(Code::unauthenticated, cat("the signed token is not good: ", why));
}

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number number(std::string_view bytes) {
  return Number(BN_bin2bn(raw(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::string bytes_of(const EVP_PKEY* key, const char* parameter) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, parameter, &value) != 1) return {};
  const Number owned(value);
  std::string out(static_cast<size_t>(BN_num_bytes(value)), '\0');
  BN_bn2bin(value, reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

// A public key of parameters that `fill` puts in; null when they make none.
template <class Fill>
KeyHandle make_public(const char* type, Fill fill) {
  const Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  const Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  if (!builder || !context || !fill(builder.get())) return nullptr;
  const Handle<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  EVP_PKEY* made = nullptr;
  if (!parameters || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return KeyHandle(made);
}

KeyHandle rsa_key(const Json& jwk) {
  const auto n = from_base64url(jwk["n"].as_string()), e = from_base64url(jwk["e"].as_string());
  if (!n.ok() || !e.ok() || n->size() < 256 || n->size() > kModulusMax || e->empty() || e->size() > 8) return nullptr;
  const auto modulus = number(*n), exponent = number(*e);
  return make_public("RSA", [&](OSSL_PARAM_BLD* builder) {
    return OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
           OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1;
  });
}

KeyHandle ec_key(const Json& jwk) {
  const auto x = from_base64url(jwk["x"].as_string()), y = from_base64url(jwk["y"].as_string());
  if (jwk["crv"].as_string() != "P-256" || !x.ok() || !y.ok() || x->size() != 32 || y->size() != 32) return nullptr;
  const auto point = cat("\x04", *x, *y);  // uncompressed
  return make_public("EC", [&](OSSL_PARAM_BLD* builder) {
    return OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1;
  });
}

// JOSE writes an ECDSA signature as r and s, 32 bytes each; OpenSSL reads DER.
std::string ecdsa_der(std::string_view signature) {
  if (signature.size() != 64) return {};
  const Handle<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
  auto r = number(signature.substr(0, 32)), s = number(signature.substr(32));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool verifies(EVP_PKEY* key, std::string_view text, std::string_view signature) {
  const DigestContext context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(text), text.size()) == 1;
}

Result<std::string> pem_of(EVP_PKEY* key) {
  const Handle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  if (!out || PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return Status(Code::internal, "cannot write the signing key");
  const auto size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

}  // namespace

std::string to_base64url(std::string_view bytes) {
  auto out = to_base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

Result<std::string> from_base64url(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) {
    if (c == '+' || c == '/' || c == '=' || c <= ' ') return Status(Code::bad_input, "not base64url");
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  while (plain.size() % 4 != 0) plain.push_back('=');
  return from_base64(plain);
}

struct SigningKey::Key {
  KeyHandle handle;
  std::string pem;
};

Result<SigningKey> SigningKey::open(const std::string& file) {
  auto pem = read_file(file, 64 << 10);
  if (!pem.ok()) {
    if (pem.status().code() != Code::not_found) return std::move(pem).status();
    const KeyHandle made(EVP_RSA_gen(kRsaBits));
    if (!made) return Status(Code::internal, "OpenSSL makes no RSA key");
    TRY(write_file(file, TRY(pem_of(made.get())), 0600));
    pem = TRY(read_file(file, 64 << 10));  // of two processes that made one, the last one's stays
  }
  const Handle<BIO, BIO_free_all> in(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
  auto key = std::make_shared<Key>();
  key->handle.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  if (!key->handle || EVP_PKEY_get_base_id(key->handle.get()) != EVP_PKEY_RSA)
    return Status(Code::bad_input, cat(file, " holds no RSA key in PEM; remove it to get a new one"));
  key->pem = *pem;
  const auto n = to_base64url(bytes_of(key->handle.get(), OSSL_PKEY_PARAM_RSA_N));
  const auto e = to_base64url(bytes_of(key->handle.get(), OSSL_PKEY_PARAM_RSA_E));
  // RFC 7638: the thumbprint names the key.
  auto id = to_base64url(sha256(cat("{\"e\":\"", e, "\",\"kty\":\"RSA\",\"n\":\"", n, "\"}")));
  Json jwk = Json::Object{{"kty", "RSA"}, {"use", "sig"}, {"alg", "RS256"}, {"kid", id}, {"n", n}, {"e", e}};
  return SigningKey(std::move(key), Json(Json::Object{{"keys", Json::Array{std::move(jwk)}}}), std::move(id));
}

Result<std::string> SigningKey::sign(const Json& claims) const {
  const Json header = Json::Object{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", id_}};
  const auto text = cat(to_base64url(header.dump()), ".", to_base64url(claims.dump()));
  const DigestContext context(EVP_MD_CTX_new());
  size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->handle.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, raw(text), text.size()) != 1)
    return Status(Code::internal, "OpenSSL does not sign");
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, raw(text),
                     text.size()) != 1)
    return Status(Code::internal, "OpenSSL does not sign");
  signature.resize(size);
  return cat(text, ".", to_base64url(signature));
}

std::string SigningKey::derive(std::string_view purpose) const {
  return to_hex(hmac_sha256(sha256(key_->pem), purpose));
}

Result<Jwt> parse_jwt(std::string_view token) {
  if (token.size() > kTokenMax) return Status(Code::bad_input, "a signed token has at most 64 KiB");
  const auto parts = split(token, '.');
  if (parts.size() != 3) return Status(Code::bad_input, "a signed token has three parts");
  Jwt out;
  out.header = TRY(Json::parse(TRY(from_base64url(parts[0]))));
  out.claims = TRY(Json::parse(TRY(from_base64url(parts[1]))));
  out.signature = TRY(from_base64url(parts[2]));
  if (!out.header.is_object() || !out.claims.is_object())
    return Status(Code::bad_input, "a signed token's header and claims are JSON objects");
  out.signed_part = token.substr(0, parts[0].size() + 1 + parts[1].size());
  return out;
}

Status check_signature(const Jwt& token, const Json& key_set) {
  const auto algorithm = token.header["alg"].as_string();
  if (algorithm != "RS256" && algorithm != "ES256")
    return wrong(cat("its algorithm '", algorithm.substr(0, 20), "' is not taken (RS256, ES256)"));
  if (token.header.find("crit")) return wrong("it asks for extensions");
  const auto named = token.header["kid"].as_string();
  const auto type = algorithm == "RS256" ? "RSA" : "EC";
  const auto signature = algorithm == "RS256" ? token.signature : ecdsa_der(token.signature);
  for (const auto& jwk : key_set["keys"].array()) {
    if (jwk["kty"].as_string() != type || (!named.empty() && jwk["kid"].as_string() != named)) continue;
    if (const auto use = jwk["use"].as_string(); !use.empty() && use != "sig") continue;
    const auto key = algorithm == "RS256" ? rsa_key(jwk) : ec_key(jwk);
    if (key && verifies(key.get(), token.signed_part, signature)) return {};
  }
  return wrong("none of the issuer's keys signed it");
}

Status check_claims(const Json& claims, const ExpectedClaims& expected) {
  if (claims["iss"].as_string() != expected.issuer)
    return wrong(cat("its issuer is '", claims["iss"].as_string().substr(0, 200), "', not '", expected.issuer, "'"));
  const auto& audience = claims["aud"];
  bool for_us = audience.as_string() == expected.audience;
  for (const auto& item : audience.array()) for_us |= item.as_string() == expected.audience;
  const bool several = audience.array().size() > 1;
  if (!for_us || (several && claims["azp"].as_string() != expected.audience))
    return wrong(cat("it is not for '", expected.audience, "'"));
  const auto now = expected.now_ms / 1000;
  if (!claims["exp"].is_number() || claims["exp"].as_double() + kSkewS < static_cast<double>(now))
    return wrong("its time is over");
  for (const auto name : {"iat", "nbf"})
    if (claims[name].is_number() && claims[name].as_double() > static_cast<double>(now + kSkewS))
      return wrong("it is from the future; check the clocks");
  if (!expected.nonce.empty() && !equal_constant_time(claims["nonce"].as_string(), expected.nonce))
    return wrong("it answers another sign-in");
  return {};
}

}  // namespace hearth::hub
