#include "inference/prefix_cache.h"

#include <algorithm>
#include <ranges>

namespace hearth::inference {
namespace {

size_t common(std::span<const int32_t> a, std::span<const int32_t> b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

/// The next page's worth of `ids`.
std::vector<int32_t> chunk_of(std::span<const int32_t> ids) {
  const auto taken = ids.first(std::min(ids.size(), static_cast<size_t>(kKvPagePositions)));
  return {taken.begin(), taken.end()};
}

}  // namespace

std::pair<PrefixCache::Child, size_t> PrefixCache::nearest(Node& node, const Ids& ids) {
  auto best = node.children.lower_bound(ids);
  auto shared = best == node.children.end() ? 0 : common(best->first, ids);
  if (best != node.children.begin()) {
    const auto before = std::prev(best);
    if (const auto also = common(before->first, ids); also > shared) best = before, shared = also;
  }
  return {best, shared};
}

void PrefixCache::use(Node& node) {
  if (node.children.empty()) leaves_.erase({node.used, &node});
  node.used = ++clock_;
  if (node.children.empty()) leaves_.emplace(node.used, &node);
}

PrefixCache::Match PrefixCache::find(std::span<const int32_t> ids) {
  Match out;
  for (Node* node = &root_; !ids.empty();) {
    const auto chunk = chunk_of(ids);
    const auto [child, shared] = nearest(*node, chunk);
    if (shared == 0) break;
    use(*child->second);
    out.length += static_cast<int64_t>(shared);
    out.pages.push_back(child->second->page);
    if (shared < static_cast<size_t>(kKvPagePositions)) break;
    node = child->second.get();
    ids = ids.subspan(shared);
  }
  return out;
}

void PrefixCache::insert(std::span<const int32_t> ids, std::span<const std::shared_ptr<KvPage>> pages) {
  if (pages_max_ == 0) return;
  Node* node = &root_;
  for (const auto& page : pages) {
    if (ids.empty()) break;
    auto chunk = chunk_of(ids);
    auto [child, shared] = nearest(*node, chunk);
    if (shared < chunk.size()) {
      // What is here and goes on: the shorter text's page holds nothing that this one lacks.
      if (shared > 0 && shared == child->first.size()) remove(*node, child);
      if (node != &root_ && node->children.empty()) leaves_.erase({node->used, node});
      auto made = std::make_unique<Node>(Node{.parent = node, .page = page});
      child = node->children.emplace(chunk, std::move(made)).first;
      child->second->ids = &child->first;
      ++pages_;
    }
    use(*child->second);
    node = child->second.get();
    ids = ids.subspan(chunk.size());
  }
  while (pages_ > pages_max_) evict();
}

void PrefixCache::remove(Node& parent, Child child) {
  leaves_.erase({child->second->used, child->second.get()});
  parent.children.erase(child);
  --pages_;
  if (&parent != &root_ && parent.children.empty()) leaves_.emplace(parent.used, &parent);
}

std::vector<PrefixCache::Kept> PrefixCache::kept() const {
  std::vector<Kept> out;
  std::map<const Node*, int64_t> places{{&root_, -1}};
  for (const auto& [used, leaf] : leaves_) {
    std::vector<const Node*> path;
    for (const Node* node = leaf; !places.contains(node); node = node->parent) path.push_back(node);
    for (const auto* node : std::views::reverse(path)) {
      places.emplace(node, std::ssize(out));
      out.push_back({.parent = places.at(node->parent), .ids = *node->ids, .page = node->page});
    }
  }
  return out;
}

bool PrefixCache::evict() {
  if (leaves_.empty()) return false;
  const Node& oldest = *leaves_.begin()->second;
  remove(*oldest.parent, oldest.parent->children.find(*oldest.ids));
  return true;
}

}  // namespace hearth::inference
