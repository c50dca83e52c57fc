#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"

namespace hearth {

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher(HashKind kind) : state_(std::make_unique<State>()) {
  const int ok = EVP_DigestInit_ex(state_->context, kind == HashKind::sha256 ? EVP_sha256() : EVP_sha1(), nullptr);
  VERIFY(ok == 1, "OpenSSL has SHA-1 and SHA-256");
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string Hasher::digest() {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), &size);
  out.resize(size);
  return out;
}
std::string Hasher::hex() {
  return to_hex(digest());
}

std::string sha256(std::string_view bytes) {
  Hasher hasher(HashKind::sha256);
  hasher.update(bytes);
  return hasher.digest();
}
std::string sha256_hex(std::string_view bytes) {
  return to_hex(sha256(bytes));
}

std::string git_blob_id(std::string_view bytes) {
  Hasher hasher(HashKind::sha1);
  hasher.update(cat("blob ", bytes.size(), '\0'));
  hasher.update(bytes);
  return hasher.hex();
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
       bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

std::string random_bytes(size_t count) {
  std::string out(count, '\0');
  const int ok = RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count));
  VERIFY(ok == 1, "the system has randomness");
  return out;
}

std::string random_token(size_t length) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  while (out.size() < length)
    for (const char c : random_bytes(length))
      if (const auto b = static_cast<unsigned char>(c); b < 248 && out.size() < length)  // 248 = 4 * 62: no bias
        out.push_back(alphabet[b % 62]);
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace hearth
