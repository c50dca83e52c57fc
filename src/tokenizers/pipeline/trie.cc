#include "tokenizers/pipeline/trie.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::tokenizers {

namespace {
constexpr size_t kTextMax = 32u << 20;
constexpr int kTriesMax = 32;  // free places looked at for the children of one node, before new ones are made
}  // namespace

// Nodes are placed breadth first, so that the upper ones, which every search passes, lie together.
class TrieBuilder {
 public:
  explicit TrieBuilder(std::vector<Trie::Key> keys) : keys_(std::move(keys)) {}

  Trie build() {
    std::stable_sort(keys_.begin(), keys_.end(), [](const auto& a, const auto& b) { return a.text < b.text; });
    auto& units = trie_.units_;
    units.assign(1, {});
    free_.assign(1, {0, 0});
    units[0].parent = 0;  // a child at 0 there is none: bases are above 0
    nodes_.push_back({Trie::kRoot, 0, 0, keys_.size()});
    for (size_t i = 0; i < nodes_.size(); ++i) {
      place_children(nodes_[i]);
      if (i >= 4096) {  // the queue is read from its begin: what was read goes from time to time
        nodes_.erase(nodes_.begin(), nodes_.begin() + static_cast<ptrdiff_t>(i) + 1);
        i = SIZE_MAX;
      }
    }
    // Every search may look 255 places beyond a base.
    uint32_t end = 0;
    for (const auto& unit : units) end = std::max(end, unit.base);
    if (units.size() < end + size_t{256}) units.resize(end + size_t{256});
    units[0].parent = Trie::kFree;
    units.shrink_to_fit();
    return std::move(trie_);
  }

 private:
  // A node and its keys [low, high), which are equal in their first `depth` bytes.
  struct Pending {
    Trie::Node node;
    uint32_t depth;
    size_t low, high;
  };

  void place_children(Pending p) {
    labels_.clear();
    begins_.clear();
    size_t i = p.low;
    for (; i < p.high && keys_[i].text.size() == p.depth; ++i)
      if (p.depth > 0) trie_.units_[p.node].value = keys_[i].value;
    for (; i < p.high; ++i) {
      const auto byte = static_cast<unsigned char>(keys_[i].text[p.depth]);
      if (!labels_.empty() && labels_.back() == byte) continue;
      labels_.push_back(byte);
      begins_.push_back(i);
    }
    if (labels_.empty()) return;
    const uint32_t base = find_base();
    trie_.units_[p.node].base = base;
    for (size_t k = 0; k < labels_.size(); ++k) {
      const Trie::Node child = base + labels_[k];
      take(child);
      trie_.units_[child].parent = p.node;
      nodes_.push_back({child, p.depth + 1, begins_[k], k + 1 < labels_.size() ? begins_[k + 1] : p.high});
    }
  }

  uint32_t find_base() {
    int tries = 0;
    for (uint32_t place = free_[0].next; place != 0 && tries < kTriesMax; place = free_[place].next, ++tries) {
      if (place <= labels_[0]) continue;
      const uint32_t base = place - labels_[0];
      if (std::all_of(labels_.begin() + 1, labels_.end(), [&](uint32_t b) { return is_free(base + b); })) return base;
    }
    return std::max<uint32_t>(static_cast<uint32_t>(trie_.units_.size()), labels_[0] + 1u) - labels_[0];
  }

  bool is_free(uint32_t place) const {
    return place >= trie_.units_.size() || trie_.units_[place].parent == Trie::kFree;
  }

  void take(uint32_t place) {
    while (trie_.units_.size() <= place) {  // new places join the end of the list
      const auto next = static_cast<uint32_t>(trie_.units_.size());
      trie_.units_.emplace_back();
      free_.push_back({free_[0].previous, 0});
      free_[free_[0].previous].next = next;
      free_[0].previous = next;
    }
    const auto [previous, next] = free_[place];
    free_[previous].next = next;
    free_[next].previous = previous;
  }

  struct Neighbours {
    uint32_t previous, next;
  };
  std::vector<Trie::Key> keys_;
  Trie trie_;
  std::vector<Neighbours> free_;  // a ring of the free places, which begins and ends at the root's
  std::vector<Pending> nodes_;
  std::vector<unsigned char> labels_;
  std::vector<size_t> begins_;
};

Result<Trie> Trie::build(std::vector<Key> keys) {
  size_t bytes = 0;
  for (const auto& key : keys) bytes += key.text.size();
  if (bytes > kTextMax)
    return Status(Code::too_large, cat("the vocabulary has ", bytes, " bytes of text, over 32 MiB"));
  return TrieBuilder(std::move(keys)).build();
}

}  // namespace hearth::tokenizers
