// The words that a Unigram model is learnt from, as code points one after another, and the pieces of them.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/training/word_counts.h"

namespace hearth::tokenizers {

/// Each word is followed by U+0000.
struct UnigramCorpus {
  struct Word {
    uint64_t begin;
    uint32_t size;
    double count;
  };
  std::u32string letters;
  std::vector<Word> words;

  static UnigramCorpus make(std::span<const CountedWordView> words);
  std::u32string_view text(uint64_t begin, uint32_t size) const {
    return std::u32string_view(letters).substr(begin, size);
  }
};

/// A stretch of the corpus.
struct UnigramPiece {
  uint64_t begin;
  uint32_t size;
  double score;  ///< a logarithm
};

/// What training begins with: all characters, by how often they come, then the strings of 2 to `size_max` characters
/// that at least two different characters (or ends of words) follow somewhere, those first that cover the most.
/// After `stop` was asked for the answer means nothing.
std::vector<UnigramPiece> seed_pieces(const UnigramCorpus& corpus, int64_t size_max, const std::stop_token& stop);

/// Finds which pieces a text begins with.
class UnigramTrie {
 public:
  UnigramTrie(const UnigramCorpus& corpus, std::span<const UnigramPiece> pieces);

  /// Calls found(size, index of the piece) for each piece that begins at `text`, the shortest first.
  template <class Found>
  void walk(std::u32string_view text, const Found& found) const {
    uint32_t node = text.empty() ? 0 : first_[text[0]];
    for (uint32_t size = 1; node != 0; ++size) {
      const Node& n = nodes_[node];
      if (n.piece >= 0) found(size, static_cast<uint32_t>(n.piece));
      if (size >= text.size()) return;
      node = child(n, text[size]);
    }
  }

 private:
  struct Node {
    uint32_t children = 0, count = 0;  // a run of nodes, by letter
    char32_t letter = 0;
    int32_t piece = -1;
  };
  uint32_t child(const Node& n, char32_t letter) const {
    uint32_t low = n.children, high = n.children + n.count;
    while (high - low > 8) {
      const uint32_t middle = low + (high - low) / 2;
      nodes_[middle].letter <= letter ? low = middle : high = middle;
    }
    for (; low < high; ++low)
      if (nodes_[low].letter == letter) return low;
    return 0;
  }

  std::vector<Node> nodes_;
  std::vector<uint32_t> first_;  // by code point: the node, or 0
};

}  // namespace hearth::tokenizers
