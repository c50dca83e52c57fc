#include "tokenizers/training/unigram_corpus.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::tokenizers {

UnigramCorpus UnigramCorpus::make(std::span<const CountedWordView> words) {
  UnigramCorpus out;
  for (const auto& word : words) {
    if (word.text.empty()) continue;
    const uint64_t begin = out.letters.size();
    for (size_t i = 0; i < word.text.size();) out.letters += utf8_next(word.text, i);
    out.words.push_back({begin, static_cast<uint32_t>(out.letters.size() - begin), static_cast<double>(word.count)});
    out.letters += U'\0';
  }
  return out;
}

UnigramTrie::UnigramTrie(const UnigramCorpus& corpus, std::span<const UnigramPiece> pieces) : first_(0x110000) {
  std::vector<uint32_t> order(pieces.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto text = [&](uint32_t i) { return corpus.text(pieces[i].begin, pieces[i].size); };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return text(a) < text(b); });

  // Breadth first: the children of a node become one run.
  struct Pending {
    uint32_t node;
    uint32_t depth;
    size_t low, high;  // the pieces under it, which are equal in their first `depth` letters
  };
  nodes_.resize(1);  // the root; 0 also says that there is no child
  std::vector<Pending> pending{{0, 0, 0, order.size()}};
  for (size_t k = 0; k < pending.size(); ++k) {
    auto [node, depth, low, high] = pending[k];
    while (low < high && pieces[order[low]].size == depth) nodes_[node].piece = static_cast<int32_t>(order[low++]);
    nodes_[node].children = static_cast<uint32_t>(nodes_.size());
    while (low < high) {
      const char32_t letter = text(order[low])[depth];
      size_t end = low + 1;
      while (end < high && text(order[end])[depth] == letter) ++end;
      const auto child = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({.letter = letter});
      if (node == 0) first_[letter] = child;
      pending.push_back({child, depth + 1, low, end});
      low = end;
    }
    nodes_[node].count = static_cast<uint32_t>(nodes_.size()) - nodes_[node].children;
  }
}

}  // namespace hearth::tokenizers
