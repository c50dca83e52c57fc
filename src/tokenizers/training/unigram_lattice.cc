#include "tokenizers/training/unigram_lattice.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hearth::tokenizers {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
// A product below this may have lost summands to the end of the range of double; logarithms then do.
constexpr double kTiny = 1e-200;

double log_sum(double a, double b) {
  const double low = std::min(a, b), high = std::max(a, b);
  return low == kNever ? high : high + std::log1p(std::exp(low - high));
}

}  // namespace

void UnigramLattice::find_edges(const UnigramModelView& model, std::u32string_view word) {
  edges_.clear();
  for (uint32_t begin = 0; begin < word.size(); ++begin) {
    bool has_single = false;
    model.trie.walk(word.substr(begin), [&](uint32_t size, uint32_t piece) {
      if (model.scores[piece] == kNever) return;
      edges_.push_back({begin, begin + size, piece});
      has_single |= size == 1;
    });
    if (!has_single) edges_.push_back({begin, begin + 1, 0});
  }
  forward_.assign(word.size() + 1, 0);
  backward_.assign(word.size() + 1, 0);
}

void UnigramLattice::add_expected(const UnigramModelView& model, std::u32string_view word, double count,
                                  std::span<double> expected) {
  find_edges(model, word);
  forward_[0] = backward_.back() = 1;
  for (const auto& e : edges_) forward_[e.end] += forward_[e.begin] * model.probabilities[e.piece];
  const double all = forward_.back();
  if (!(all > kTiny)) return add_expected_of_logarithms(model, count, expected);
  const double scale = count / all;
  for (size_t i = edges_.size(); i-- > 0;) {
    const auto& e = edges_[i];
    const double rest = model.probabilities[e.piece] * backward_[e.end];
    backward_[e.begin] += rest;
    expected[e.piece] += forward_[e.begin] * rest * scale;
  }
}

void UnigramLattice::add_expected_of_logarithms(const UnigramModelView& model, double count,
                                                std::span<double> expected) {
  std::fill(forward_.begin(), forward_.end(), kNever);
  std::fill(backward_.begin(), backward_.end(), kNever);
  forward_[0] = backward_.back() = 0;
  const auto score = [&](uint32_t piece) { return piece == 0 ? model.unknown_score : model.scores[piece]; };
  for (const auto& e : edges_) forward_[e.end] = log_sum(forward_[e.end], forward_[e.begin] + score(e.piece));
  for (size_t i = edges_.size(); i-- > 0;) {
    const auto& e = edges_[i];
    const double rest = score(e.piece) + backward_[e.end];
    backward_[e.begin] = log_sum(backward_[e.begin], rest);
    expected[e.piece] += count * std::exp(forward_[e.begin] + rest - forward_.back());
  }
}

std::span<const uint32_t> UnigramLattice::best(const UnigramModelView& model, std::u32string_view word,
                                               bool without_whole) {
  steps_.assign(word.size() + 1, {0, 0, 0, false});
  steps_[0].reached = true;
  const auto go = [&](uint32_t begin, uint32_t end, uint32_t piece, double score) {
    auto& to = steps_[end];
    const double whole = steps_[begin].score + score;
    if (!to.reached || whole > to.score || (without_whole && whole == to.score)) to = {whole, begin, piece, true};
  };
  for (uint32_t begin = 0; begin < word.size(); ++begin) {
    if (!steps_[begin].reached) continue;
    bool has_single = false;
    model.trie.walk(word.substr(begin), [&](uint32_t size, uint32_t piece) {
      if (model.scores[piece] == kNever) return;
      has_single |= size == 1;
      if (!without_whole || size < word.size()) go(begin, begin + size, piece, model.scores[piece]);
    });
    if (!has_single) go(begin, begin + 1, 0, model.unknown_score);
  }
  best_.clear();
  if (!steps_.back().reached) return {};
  for (size_t at = word.size(); at > 0; at = steps_[at].begin) best_.push_back(steps_[at].piece);
  return best_;
}

}  // namespace hearth::tokenizers
