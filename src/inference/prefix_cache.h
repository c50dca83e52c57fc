// PrefixCache: the pages of prompts and answers that were read, by their tokens, so that no beginning is read twice.
// Source: Zheng et al., arXiv:2312.07104 (RadixAttention): a tree over tokens; here a node is one page.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "tensor/kv_pages.h"

namespace hearth::inference {

/// One thread.
class PrefixCache {
 public:
  /// Keeps at most `pages_max` pages, those that were used last.
  explicit PrefixCache(int64_t pages_max) : pages_max_(pages_max) {}

  struct Match {
    int64_t length = 0;  ///< tokens
    std::vector<std::shared_ptr<KvPage>> pages = {};
  };
  /// The longest beginning of `ids` whose keys and values are here.
  Match find(std::span<const int32_t> ids);
  /// `pages` hold the keys and values of `ids`; what is here already stays.
  void insert(std::span<const int32_t> ids, std::span<const std::shared_ptr<KvPage>> pages);
  /// Lets the page go that was not used for longest; false when there is none.
  bool evict();
  struct Kept {
    int64_t parent = -1;  ///< the place of the page before it among all, or -1
    std::span<const int32_t> ids;
    std::shared_ptr<KvPage> page;
  };
  /// All pages, each behind the one before it; what was used last is last.
  std::vector<Kept> kept() const;
  int64_t pages() const { return pages_; }
  int64_t pages_max() const { return pages_max_; }

 private:
  using Ids = std::vector<int32_t>;
  struct Node {
    Node* parent = nullptr;
    const Ids* ids = nullptr;  ///< its key among the parent's children
    std::shared_ptr<KvPage> page = {};
    uint64_t used = 0;
    // By their tokens: a page's worth, or fewer where a text ended. Neighbours in this order share most.
    std::map<Ids, std::unique_ptr<Node>> children = {};
  };
  using Child = std::map<Ids, std::unique_ptr<Node>>::iterator;

  /// The child that shares the longest beginning with `ids`, and its length.
  static std::pair<Child, size_t> nearest(Node& node, const Ids& ids);
  void use(Node& node);
  void remove(Node& parent, Child child);

  const int64_t pages_max_;
  int64_t pages_ = 0;
  uint64_t clock_ = 0;
  Node root_;
  std::set<std::pair<uint64_t, Node*>> leaves_;  // by their last use
};

}  // namespace hearth::inference
