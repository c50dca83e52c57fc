// Source: tokenizers 0.23 models/unigram/trainer.rs; Kudo, Subword Regularization, arXiv:1804.10959, section 3.2: from
// many pieces to few, in rounds of expectation-maximization, after each of which those go whose loss costs least.
//
// The original's results differ a little from run to run (the order of its hash maps is that of its sums); here the
// words are summed in shares whose number does not depend on the machine, so that every run gives the same.
#include "tokenizers/training/unigram.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <set>
#include <thread>
#include <unordered_map>

#include "base/text.h"
#include "tokenizers/training/unigram_lattice.h"

namespace hearth::tokenizers {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
constexpr double kUnknownPenalty = 10;   // below the least likely piece
constexpr double kExpectedMin = 0.5;     // a piece expected less often goes
constexpr double kPenaltyStep = 0.0001;  // between characters that were no pieces in the end
constexpr size_t kShares = 16;

double digamma(double x) {
  double out = 0;
  for (; x < 7; ++x) out -= 1 / x;
  x -= 0.5;
  const double x2 = 1 / (x * x), x4 = x2 * x2;
  return out + std::log(x) + x2 / 24 - 7.0 / 960 * x4 + 31.0 / 8064 * x4 * x2 - 127.0 / 30720 * x4 * x4;
}

class Training {
 public:
  Training(const UnigramCorpus& corpus, const UnigramTrainer& trainer, Meter& meter)
      : corpus_(corpus), trainer_(trainer), meter_(meter), pieces_{{0, 0, kNever}} {
    for (const auto& piece : seed_pieces(corpus, trainer.max_piece_length, meter.stop())) pieces_.push_back(piece);
    shares_ = std::min(kShares, std::max<size_t>(corpus.words.size(), 1));
    const size_t wanted =
        meter.threads() > 0 ? static_cast<size_t>(meter.threads()) : std::thread::hardware_concurrency();
    threads_ = std::clamp<size_t>(wanted, 1, shares_);
  }

  Status run() {
    TRY(meter_.advance(0));
    const size_t enough = wanted_size();
    const double rounds = std::max(0.0, std::log(static_cast<double>(enough) / static_cast<double>(pieces_.size())) /
                                            std::log(trainer_.shrinking_factor));
    const uint64_t steps = (static_cast<uint64_t>(rounds) + 1) * static_cast<uint64_t>(trainer_.n_sub_iterations);
    meter_.begin("EM training", steps);
    uint64_t done = 0;
    for (size_t before = SIZE_MAX;;) {
      const UnigramTrie trie(corpus_, pieces_);
      for (int64_t i = 0; i < trainer_.n_sub_iterations; ++i) {
        TRY(maximize(TRY(expect(trie))));
        TRY(meter_.advance(std::min(++done, steps)));
      }
      const size_t alive = static_cast<size_t>(
          std::count_if(pieces_.begin() + 1, pieces_.end(), [](const auto& p) { return p.score != kNever; }) + 1);
      // The original would go on for ever when no piece can go any more.
      if (alive <= enough || alive >= before) break;
      before = alive;
      TRY(prune(trie, alive));
    }
    std::erase_if(pieces_, [](const auto& p) { return p.size > 0 && p.score == kNever; });
    meter_.finish(steps);
    return {};
  }

  /// Without the unknown one.
  std::span<const UnigramPiece> pieces() const { return std::span(pieces_).subspan(1); }

 private:
  size_t wanted_size() const { return static_cast<size_t>(trainer_.vocab_size) * 11 / 10; }

  // The scores of the pieces as arrays, for the lattices.
  struct Scores {
    std::vector<double> scores, probabilities;
    double unknown = 0;
  };
  Scores scores() const {
    Scores out;
    double least = std::numeric_limits<double>::infinity();
    for (const auto& p : pieces_) {
      out.scores.push_back(p.score);
      out.probabilities.push_back(std::exp(p.score));
      if (p.score != kNever) least = std::min(least, p.score);
    }
    out.unknown = (std::isinf(least) ? 0 : least) - kUnknownPenalty;
    out.probabilities[0] = std::exp(out.unknown);
    return out;
  }

  // Calls work(share, begin, end) for the words [begin, end) of each share, on several threads.
  template <class Work>
  Status in_shares(size_t n, const Work& work) const {
    std::atomic<size_t> next{0};
    const auto run = [&] {
      for (size_t i; (i = next.fetch_add(1)) < shares_ && !meter_.stop().stop_requested();)
        work(i, n * i / shares_, n * (i + 1) / shares_);
    };
    std::vector<std::jthread> helpers;
    while (helpers.size() + 1 < threads_) helpers.emplace_back(run);
    run();
    helpers.clear();
    if (meter_.stop().stop_requested()) return Status(Code::cancelled, "the training was interrupted");
    return {};
  }

  bool is_stopped(size_t i) const { return i % 256 == 0 && meter_.stop().stop_requested(); }

  static std::vector<double> sum(std::vector<std::vector<double>>& shares) {
    auto out = std::move(shares[0]);
    for (size_t s = 1; s < shares.size(); ++s)
      for (size_t i = 0; i < out.size(); ++i) out[i] += shares[s][i];
    return out;
  }

  // How often each piece is expected in all words.
  Result<std::vector<double>> expect(const UnigramTrie& trie) const {
    const auto s = scores();
    const UnigramModelView model{trie, s.scores, s.probabilities, s.unknown};
    std::vector<std::vector<double>> expected(shares_, std::vector<double>(pieces_.size()));
    TRY(in_shares(corpus_.words.size(), [&](size_t share, size_t begin, size_t end) {
      UnigramLattice lattice;
      for (size_t i = begin; i < end && !is_stopped(i); ++i) {
        const auto& word = corpus_.words[i];
        lattice.add_expected(model, corpus_.text(word.begin, word.size), word.count, expected[share]);
      }
    }));
    return sum(expected);
  }

  // Scores from the expected counts: those of a Dirichlet process, a prior for few pieces (Liang and Klein, Structured
  // Bayesian Nonparametric Models with Variational Inference, ACL 2007 tutorial).
  Status maximize(const std::vector<double>& expected) {
    double all = 0;
    for (size_t i = 1; i < pieces_.size(); ++i) {
      if (pieces_[i].score == kNever || expected[i] < kExpectedMin) {
        pieces_[i].score = kNever;
      } else {
        all += expected[i];
      }
    }
    for (size_t i = 1; i < pieces_.size(); ++i)
      if (pieces_[i].score != kNever) pieces_[i].score = digamma(expected[i]) - digamma(all);
    return {};
  }

  // What becomes of a piece's letters when it goes.
  struct Alternative {
    bool always_kept = false;
    std::vector<uint32_t> pieces;  // empty: nothing better is known
  };
  Alternative alternative(const UnigramModelView& model, UnigramLattice& lattice, uint32_t i) const {
    const auto& piece = pieces_[i];
    const auto other = lattice.best(model, corpus_.text(piece.begin, piece.size), /*without_whole=*/true);
    if (other.empty()) return {.always_kept = true};
    double score = 0;
    for (const uint32_t p : other) score += p == 0 ? model.unknown_score : model.scores[p];
    if (score >= piece.score) return {};
    return {.always_kept = true, .pieces = {other.begin(), other.end()}};
  }

  // The pieces whose loss costs the likelihood least go, `alive` times the shrinking factor stay.
  Status prune(const UnigramTrie& trie, size_t alive) {
    const auto s = scores();
    const UnigramModelView model{trie, s.scores, s.probabilities, s.unknown};
    std::vector<std::vector<double>> counts(shares_, std::vector<double>(pieces_.size()));
    TRY(in_shares(corpus_.words.size(), [&](size_t share, size_t begin, size_t end) {
      UnigramLattice lattice;
      for (size_t k = begin; k < end && !is_stopped(k); ++k) {
        const auto& word = corpus_.words[k];
        for (const uint32_t p : lattice.best(model, corpus_.text(word.begin, word.size)))
          counts[share][p] += word.count;
      }
    }));
    const auto count = sum(counts);
    double all = 0, words = 0;
    for (const double c : count) all += c;
    for (const auto& word : corpus_.words) words += word.count;

    struct Candidate {
      uint32_t piece;
      double loss;
    };
    std::vector<double> losses(pieces_.size(), kNever);  // -infinity: it goes; +infinity: it stays
    TRY(in_shares(pieces_.size() - 1, [&](size_t, size_t begin, size_t end) {
      UnigramLattice lattice;
      for (size_t k = begin; k < end && !is_stopped(k); ++k) {
        const auto i = static_cast<uint32_t>(k + 1);
        if (pieces_[i].score == kNever) continue;
        const auto other = alternative(model, lattice, i);
        if (count[i] == 0 && !other.always_kept) continue;
        if (other.pieces.empty()) {
          losses[i] = -kNever;
          continue;
        }
        if (count[i] == 0) continue;
        // The original means the alternative's pieces and counts all pieces there are; what it keeps depends on it.
        const double all_after = all + count[i] * static_cast<double>(alive - 1);
        double after = 0;
        for (const uint32_t p : other.pieces) after += std::log(count[p] + count[i]) - std::log(all_after);
        losses[i] = count[i] / words * (std::log(count[i]) - std::log(all) - after);
      }
    }));

    std::vector<UnigramPiece> kept{pieces_[0]};
    std::vector<Candidate> candidates;
    for (uint32_t i = 1; i < pieces_.size(); ++i) {
      if (losses[i] == -kNever)
        kept.push_back(pieces_[i]);
      else if (losses[i] != kNever)
        candidates.push_back({i, losses[i]});
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.loss > b.loss; });
    const size_t size =
        std::max(wanted_size(), static_cast<size_t>(static_cast<double>(alive) * trainer_.shrinking_factor));
    for (const auto& c : candidates) {
      if (kept.size() >= size) break;
      kept.push_back(pieces_[c.piece]);
    }
    pieces_ = std::move(kept);
    return {};
  }

  const UnigramCorpus& corpus_;
  const UnigramTrainer& trainer_;
  Meter& meter_;
  std::vector<UnigramPiece> pieces_;  // the first is the unknown one; one that went has the score -infinity
  size_t shares_, threads_;
};

std::string utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) utf8_append(out, c);
  return out;
}

}  // namespace

Result<std::vector<std::pair<std::string, double>>> learn_unigram(std::span<const CountedWordView> words,
                                                                  const UnigramTrainer& trainer, size_t room,
                                                                  Meter& meter) {
  meter.begin("Suffix array seeds", words.size());
  const auto corpus = UnigramCorpus::make(words);
  if (corpus.letters.size() >= UINT32_MAX)
    return Status(Code::too_large, "the different words have over 4,000,000,000 letters");
  std::set<char32_t> required(trainer.initial_alphabet.begin(), trainer.initial_alphabet.end());
  for (const auto& word : corpus.words)
    for (const char32_t c : corpus.text(word.begin, word.size)) required.insert(c);
  // Differs: the original looks only whether the characters are more than vocab_size, and makes a larger vocabulary
  // than asked for when the special tokens find no room beside them.
  if (required.size() > room) {
    return Status(Code::bad_input, cat("vocab_size ", trainer.vocab_size, " is too small: the texts have ",
                                       required.size(), " different characters, and there are ",
                                       static_cast<size_t>(trainer.vocab_size) - room, " special tokens"));
  }
  Training training(corpus, trainer, meter);
  meter.finish(words.size());
  TRY(training.run());

  std::unordered_map<std::string, double> known;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& p : training.pieces()) {
    if (p.size == 1) known.emplace(utf8(corpus.text(p.begin, p.size)), p.score);
    least = std::min(least, p.score);
  }
  if (std::isinf(least)) least = 0;
  std::vector<std::pair<std::string, double>> out;
  double penalty = 0;
  for (const char32_t c : required) {
    auto text = utf8({&c, 1});
    const auto it = known.find(text);
    out.emplace_back(std::move(text), it != known.end() ? it->second : least + penalty);
    if (it == known.end()) penalty += kPenaltyStep;
  }
  for (const auto& p : training.pieces()) {
    if (out.size() >= room) break;
    if (p.size > 1) out.emplace_back(utf8(corpus.text(p.begin, p.size)), p.score);
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return out;
}

}  // namespace hearth::tokenizers
