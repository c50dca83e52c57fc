// A run of a file's chunks, aggregated as far as its unknown neighbours cannot matter: what a client needs of the parts
// of a file that it does not touch, to compute the changed file's hash.
// Source: xet-core merklehash (MerkleHashSubtree); its JSON is what @huggingface/xetchunk-wasm 0.2.0 reads.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "huggingface_hub/xet_hash.h"

namespace hearth::xet {

/// At each level some entries at the left and right edge wait for a neighbour; what lies between them was grouped and
/// went one level up. Stored: the left edges from the lowest level up, then the right edges from the top down.
struct Subtree {
  std::vector<TreeEntry> nodes;
  std::vector<std::pair<size_t, size_t>> levels;  ///< how many nodes left and right, from the lowest level up
  bool at_start = false;                          ///< the first chunk is the file's first
  bool at_end = false;                            ///< the last one its last
};

Subtree make_subtree(std::span<const TreeEntry> chunks, bool at_start, bool at_end);

}  // namespace hearth::xet
