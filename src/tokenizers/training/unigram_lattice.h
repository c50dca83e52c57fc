// The ways to cut one word into pieces: expected counts of the pieces (forward-backward), and the best way (Viterbi).
// Source: tokenizers 0.23 models/unigram/lattice.rs, models/unigram/model.rs populate_nodes.
#pragma once

#include <span>
#include <vector>

#include "tokenizers/training/unigram_corpus.h"

namespace hearth::tokenizers {

/// The pieces with their probabilities. Piece 0 stands for what is unknown: a character that is no piece. A view: the
/// owner is the training.
struct UnigramModelView {
  const UnigramTrie& trie;
  std::span<const double> scores;         ///< logarithms; of a piece that went: -infinity
  std::span<const double> probabilities;  ///< the same, not as logarithms
  double unknown_score;
};

/// Buffers for one thread.
class UnigramLattice {
 public:
  /// Adds how often each piece is expected in the word, `count` times.
  void add_expected(const UnigramModelView& model, std::u32string_view word, double count, std::span<double> expected);
  /// The pieces of the likeliest way, the last first; of equally likely ways that with the longest last piece.
  /// `without_whole`: the piece that is all of the word does not count, and equally likely ways are taken as the
  /// original's search for a second way meets them, that with the shortest last piece first. Empty when there is no
  /// way.
  std::span<const uint32_t> best(const UnigramModelView& model, std::u32string_view word, bool without_whole = false);

 private:
  struct Edge {
    uint32_t begin, end, piece;
  };
  void find_edges(const UnigramModelView& model, std::u32string_view word);
  void add_expected_of_logarithms(const UnigramModelView& model, double count, std::span<double> expected);

  struct Step {
    double score;
    uint32_t begin, piece;
    bool reached;
  };
  std::vector<Edge> edges_;
  std::vector<double> forward_, backward_;
  std::vector<Step> steps_;
  std::vector<uint32_t> best_;
};

}  // namespace hearth::tokenizers
