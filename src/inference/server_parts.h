// What the engine's answers of several kinds share.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/files.h"
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

/// The commit of a checkpoint that a hub serves: it lies in a folder of that name. Empty for others.
inline std::string_view commit_of(std::string_view path) {
  const auto is_commit = [](std::string_view text) {
    return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  const auto own = path_name(path), parent = path_name(path_parent(path));
  return is_commit(own) ? own : is_commit(parent) ? parent : std::string_view();
}

inline uint64_t random_seed() {
  uint64_t seed = 0;
  const auto bytes = random_bytes(sizeof seed);
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

}  // namespace hearth::inference
