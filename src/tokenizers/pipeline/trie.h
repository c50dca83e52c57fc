// Trie: which keys a text begins with, a double array over bytes.
// Source: Aoe, An Efficient Digital Search Algorithm by Using a Double-Array Structure, IEEE TSE 15(9), 1989.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::tokenizers {

class Trie {
 public:
  struct Key {
    std::string_view text;
    int32_t value;  ///< not negative
  };
  /// Of equal keys the last counts; an empty one is not found. too_large when the keys have over 32 MiB together.
  static Result<Trie> build(std::vector<Key> keys);

  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  /// Goes from `node` along a byte; false, and the node stays, when no key goes on that way.
  bool step(Node& node, char byte) const {
    const Node next = units_[node].base + static_cast<unsigned char>(byte);
    if (units_[next].parent != node) return false;
    node = next;
    return true;
  }
  bool step(Node& node, std::string_view bytes) const {
    for (const char b : bytes)
      if (!step(node, b)) return false;
    return true;
  }
  /// The value of the key that ends at this node; -1: none does.
  int32_t value(Node node) const { return units_[node].value; }

 private:
  static constexpr Node kFree = UINT32_MAX;
  struct Unit {
    uint32_t base = 0;  // the child along byte b is at base + b, if that one's parent is this node
    Node parent = kFree;
    int32_t value = -1;
  };
  friend class TrieBuilder;
  std::vector<Unit> units_ = std::vector<Unit>(257);
};

}  // namespace hearth::tokenizers
