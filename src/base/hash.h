// SHA-256 and SHA-1 (OpenSSL), streaming and at once; random bytes; constant-time comparison.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace hearth {

enum class HashKind { sha256, sha1 };

/// A running digest: update any number of times, then digest once.
class Hasher {
 public:
  explicit Hasher(HashKind kind);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(std::string_view bytes);
  std::string digest();  ///< raw bytes: 32 for SHA-256, 20 for SHA-1
  std::string hex();     ///< the digest in lower-case hexadecimal

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
std::string sha256(std::string_view bytes);
/// Git's id of a blob: SHA-1 of "blob <size>\0" and the bytes, in hexadecimal.
std::string git_blob_id(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// From the system's generator; aborts if it fails.
std::string random_bytes(size_t count);
/// `length` characters of [A-Za-z0-9], 5.95 bits each.
std::string random_token(size_t length);
/// Equal or not in time that depends on the lengths alone.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace hearth
