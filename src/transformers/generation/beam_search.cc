// Beam search as transformers has it since 4.50: every step keeps (end tokens + 1) * num_beams candidates, so that
// enough of them go on when the best have ended.
// Source: transformers 5.23.0 generation/utils.py _beam_search and its helpers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "transformers/generation/modes.h"

namespace hearth::generation {
namespace {

constexpr float kImpossible = -1e9f;  // of a beam that is not there (yet)

/// A text that a beam could become.
struct Candidate {
  float score = 0;    ///< its log probability
  size_t parent = 0;  ///< a running beam
  int32_t token = 0;
  bool is_over = false;
};

/// A text that a processor has forbidden is none, however few the others are.
bool is_allowed(const Candidate& c) {
  return c.score > -std::numeric_limits<float>::infinity();
}

struct Finished {
  float score = kImpossible;
  std::vector<int32_t> ids = {};
};

/// The beams of one prompt.
struct Search {
  std::vector<Row> beams = {};
  std::vector<float> scores = {};       ///< log probabilities of the beams
  std::vector<Finished> finished = {};  ///< the best first, at most num_beams
  bool is_over = false;                 ///< no text can still come among the finished
};

/// The k best of `scores`, the first of equals.
std::vector<size_t> top(std::span<const float> scores, size_t k) {
  std::vector<size_t> heap;  // the worst of the best is its front
  const auto is_better = [&](size_t a, size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; };
  for (size_t i = 0; i < scores.size(); ++i) {
    if (heap.size() == k && !is_better(i, heap.front())) continue;
    if (heap.size() == k) {
      std::ranges::pop_heap(heap, is_better);
      heap.pop_back();
    }
    heap.push_back(i);
    std::ranges::push_heap(heap, is_better);
  }
  std::ranges::sort_heap(heap, is_better);
  return heap;
}

class BeamSearch {
 public:
  BeamSearch(const Task& task, Prompts prompts)
      : task_(task),
        num_beams_(static_cast<size_t>(task.config.num_beams)),
        candidates_(std::max<size_t>(2, 1 + task.config.eos_token_id.size()) * num_beams_),
        vocab_size_(static_cast<size_t>(task.model.vocab_size())),
        random_(task.config.seed),
        prompts_(prompts.ids) {
    for (size_t i = 0; i < prompts.ids.size(); ++i) {
      auto& search = searches_.emplace_back();
      search.beams.push_back({std::move(prompts.sessions[i]), std::move(prompts.ids[i]), i});
      for (size_t beam = 1; beam < num_beams_; ++beam) search.beams.push_back(fork(search.beams[0]));
      search.scores.assign(num_beams_, kImpossible);
      search.scores[0] = 0;  // else all beams would find the same
      for (size_t beam = 0; beam < num_beams_; ++beam)
        logits_.insert(logits_.end(), prompts.logits[i].begin(), prompts.logits[i].end());
    }
  }

  Result<GenerateOutput> run() {
    for (;;) {
      if (task_.options.stop.stop_requested()) return Status(Code::cancelled, "stopped while the text was written");
      size_t at = 0;
      for (auto& search : searches_) {
        if (search.is_over) {
          if (task_.config.do_sample) random_.skip(num_beams_ * vocab_size_);  // torch draws for all prompts
          continue;
        }
        advance(search, {logits_.data() + at * vocab_size_, num_beams_ * vocab_size_});
        at += num_beams_;
      }
      ++made_;
      std::vector<Row*> live;
      for (auto& search : searches_) {
        for (auto& beam : search.beams)
          if (!search.is_over) live.push_back(&beam);
      }
      if (live.empty() || task_.is_late()) return output();
      step(task_.model, live, logits_, task_.config.use_cache);
    }
  }

 private:
  /// One more token for a prompt's beams, of which `logits` [num_beams, vocab_size] are.
  void advance(Search& search, std::span<float> logits) {
    for (size_t beam = 0; beam < num_beams_; ++beam) {
      const auto row = logits.subspan(beam * vocab_size_, vocab_size_);
      log_softmax(row);
      task_.processors(search.beams[beam].ids, search.beams[beam].prompt, row);
      for (auto& score : row) score += search.scores[beam];
    }
    auto found = continuations(search, logits);
    take_finished(search, found);
    go_on(search, found);
    search.is_over = std::ranges::none_of(found, [](const auto& c) { return !c.is_over && is_allowed(c); }) ||
                     !can_improve(search) || (task_.config.early_stopping == EarlyStopping::yes && is_full(search));
  }

  std::vector<Candidate> continuations(const Search& search, std::span<float> scores) {
    std::vector<size_t> picked;
    if (task_.config.do_sample) {
      std::vector<float> p(scores.begin(), scores.end());
      softmax(p);
      for (const auto index : random_.multinomial(p, candidates_)) picked.push_back(static_cast<size_t>(index));
    } else {
      picked = top(scores, candidates_);
    }
    std::vector<Candidate> out;
    for (const auto index : picked) {
      const auto parent = index / vocab_size_;
      const auto token = static_cast<int32_t>(index % vocab_size_);
      out.push_back({scores[index], parent, token, task_.is_over(search.beams[parent].ids, token)});
    }
    return out;
  }

  /// Of the first num_beams candidates those that ended join the finished, which the best num_beams stay.
  void take_finished(Search& search, std::span<const Candidate> found) const {
    const auto length = std::pow(static_cast<double>(made_ + 1), task_.config.length_penalty);
    for (const auto& c : found.first(num_beams_)) {
      if (!c.is_over || !is_allowed(c)) continue;
      Finished text{c.score / static_cast<float>(length), search.beams[c.parent].ids};
      text.ids.push_back(c.token);
      search.finished.push_back(std::move(text));
    }
    std::ranges::stable_sort(search.finished, std::greater<>(), &Finished::score);
    if (search.finished.size() > num_beams_) search.finished.resize(num_beams_);
  }

  /// The best candidates that have not ended are the next beams.
  void go_on(Search& search, std::span<const Candidate> found) const {
    std::vector<float> scores;
    for (const auto& c : found) scores.push_back(c.is_over ? c.score + kImpossible : c.score);
    const auto picked = top(scores, num_beams_);
    std::vector<size_t> children(num_beams_);
    for (const auto i : picked) ++children[found[i].parent];
    std::vector<Row> beams;
    for (size_t beam = 0; beam < num_beams_; ++beam) {
      const auto& c = found[picked[beam]];
      auto& parent = search.beams[c.parent];
      beams.push_back(--children[c.parent] == 0 ? std::move(parent) : fork(parent));
      beams.back().ids.push_back(c.token);
      search.scores[beam] = scores[picked[beam]];
    }
    search.beams = std::move(beams);
  }

  bool is_full(const Search& search) const { return search.finished.size() == num_beams_; }

  /// Whether the best beam could still pass the worst finished text.
  bool can_improve(const Search& search) const {
    if (!is_full(search)) return true;
    const auto& c = task_.config;
    const bool to_the_end = c.early_stopping == EarlyStopping::never && c.length_penalty > 0;
    const auto length = to_the_end ? task_.total_length - task_.prompt_length : made_ + 1;
    const auto best = search.scores[0] / static_cast<float>(std::pow(static_cast<double>(length), c.length_penalty));
    return best > search.finished.back().score;
  }

  GenerateOutput output() {
    GenerateOutput out;
    size_t longest = 0;
    for (size_t i = 0; i < searches_.size(); ++i) {
      auto& finished = searches_[i].finished;
      finished.resize(num_beams_);  // a search that was cut off by max_time may have fewer
      for (int64_t text = 0; text < task_.config.num_return_sequences; ++text) {
        auto& [score, ids] = finished[static_cast<size_t>(text)];
        out.sequences_scores.push_back(score);
        out.sequences.push_back(ids.empty() ? prompts_[i] : std::move(ids));
        longest = std::max(longest, out.sequences.back().size());
      }
    }
    // As there: a pad token of 0 is taken for none.
    const auto& c = task_.config;
    const int32_t fill = c.eos_token_id.empty()       ? -1
                         : c.pad_token_id.value_or(0) ? *c.pad_token_id
                                                      : c.eos_token_id.front();
    for (auto& ids : out.sequences) ids.resize(longest, fill);
    return out;
  }

  const Task& task_;
  const size_t num_beams_, candidates_, vocab_size_;
  TorchGenerator random_;
  const std::vector<std::vector<int32_t>> prompts_;
  std::vector<Search> searches_;
  std::vector<float> logits_;
  int64_t made_ = 0;  ///< tokens of the running beams
};

}  // namespace

Result<GenerateOutput> beam_search(const Task& task, Prompts prompts) {
  return BeamSearch(task, std::move(prompts)).run();
}

}  // namespace hearth::generation
