// What the engine's answers of several kinds share.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/hash.h"
#include "net/http.h"

namespace hearth::inference {

/// Requests that are looked at at once: each answer that is not streamed keeps a thread while it is made.
constexpr int kServerThreads = 32;

inline net::Response json_answer(std::string json, int status = 200) {
  net::Response out;
  out.status = status;
  out.headers.set("Content-Type", "application/json");
  out.body = std::move(json);
  return out;
}

inline uint64_t random_seed() {
  uint64_t seed = 0;
  const auto bytes = random_bytes(sizeof seed);
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

}  // namespace hearth::inference
