// Group beam search: the beams of a prompt in groups that search one after another, each token that an earlier group
// took at this step made less likely, so that their texts differ.
// Source: transformers 4.49 generation/utils.py _group_beam_search, generation/beam_search.py BeamSearchScorer,
// HammingDiversityLogitsProcessor (Vijayakumar et al., arXiv:1610.02424); transformers 5 has it no more.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "transformers/generation/modes.h"

namespace hearth::generation {
namespace {

constexpr float kImpossible = -1e9f;

struct Hypothesis {
  double score = 0;
  std::vector<int32_t> ids;  // without the end token
};

struct Group {
  std::vector<Hypothesis> texts;  // in the order of their coming, at most as many as beams
  bool is_done = false;
};

struct Search {
  std::vector<Row> beams;
  std::vector<float> scores;
  std::vector<Group> groups;
  bool is_done() const { return std::ranges::all_of(groups, &Group::is_done); }
};

class GroupBeamSearch {
 public:
  GroupBeamSearch(const Task& task, Prompts prompts)
      : task_(task),
        group_size_(static_cast<size_t>(task.config.num_beams / task.config.num_beam_groups)),
        vocab_size_(static_cast<size_t>(task.model.vocab_size())) {
    const auto num_beams = static_cast<size_t>(task.config.num_beams);
    for (size_t i = 0; i < prompts.ids.size(); ++i) {
      auto& search = searches_.emplace_back();
      search.groups.resize(num_beams / group_size_);
      search.beams.push_back({std::move(prompts.sessions[i]), std::move(prompts.ids[i]), i});
      while (search.beams.size() < num_beams) search.beams.push_back(fork(search.beams[0]));
      search.scores.assign(num_beams, kImpossible);
      for (size_t beam = 0; beam < num_beams; beam += group_size_) search.scores[beam] = 0;
      for (size_t beam = 0; beam < num_beams; ++beam)
        logits_.insert(logits_.end(), prompts.logits[i].begin(), prompts.logits[i].end());
    }
  }

  Result<GenerateOutput> run() {
    for (length_ = task_.prompt_length; length_ < task_.total_length;) {
      if (task_.options.stop.stop_requested()) return Status(Code::cancelled, "stopped while the text was written");
      size_t at = 0;
      for (auto& search : searches_) {
        if (search.is_done()) continue;
        advance(search, {logits_.data() + at * vocab_size_, search.beams.size() * vocab_size_});
        at += search.beams.size();
      }
      ++length_;
      std::vector<Row*> live;
      for (auto& search : searches_)
        for (auto& beam : search.beams)
          if (!search.is_done()) live.push_back(&beam);
      if (live.empty() || length_ >= task_.total_length || task_.is_late()) break;
      step(task_.model, live, logits_, task_.config.use_cache);
    }
    return output();
  }

 private:
  /// One more token for each group of a prompt.
  void advance(Search& search, std::span<float> logits) {
    std::vector<Row> next;
    std::vector<int32_t> taken;  // by earlier groups
    for (size_t g = 0; g < search.groups.size(); ++g) {
      const auto begin = g * group_size_;
      auto& group = search.groups[g];
      const std::span beams(search.beams.data() + begin, group_size_);
      if (group.is_done) {
        for (auto& beam : beams) {
          beam.ids.push_back(task_.padding());
          taken.push_back(task_.padding());
          next.push_back(std::move(beam));
        }
        continue;
      }
      const auto rows = logits.subspan(begin * vocab_size_, group_size_ * vocab_size_);
      for (size_t i = 0; i < group_size_; ++i) {
        const auto row = rows.subspan(i * vocab_size_, vocab_size_);
        log_softmax(row);
        for (const auto id : taken) row[static_cast<size_t>(id)] -= static_cast<float>(task_.config.diversity_penalty);
        task_.processors(beams[i].ids, beams[i].prompt, row);
        for (auto& score : row) score += search.scores[begin + i];
      }
      for (const auto& [parent, token, score] : chosen(group, beams, rows)) {
        const auto beam = next.size();
        next.push_back(fork(beams[parent]));
        next.back().ids.push_back(token);
        search.scores[beam] = score;
        taken.push_back(token);
      }
    }
    search.beams = std::move(next);
  }

  struct Candidate {
    size_t parent = 0;
    int32_t token = 0;
    float score = 0;
  };
  /// The beams that go on; those that end become texts of the group.
  std::vector<Candidate> chosen(Group& group, std::span<const Row> beams, std::span<const float> scores) const {
    const auto count = std::max<size_t>(2, 1 + task_.config.eos_token_id.size()) * group_size_;
    std::vector<size_t> best(scores.size());
    std::iota(best.begin(), best.end(), size_t{0});
    std::ranges::partial_sort(best, best.begin() + static_cast<std::ptrdiff_t>(count), [&](size_t a, size_t b) {
      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
    });
    std::vector<Candidate> out;
    for (size_t rank = 0; rank < count && out.size() < group_size_; ++rank) {
      const Candidate c{best[rank] / vocab_size_, static_cast<int32_t>(best[rank] % vocab_size_), scores[best[rank]]};
      if (!task_.is_end(c.token)) {
        out.push_back(c);
      } else if (rank < group_size_) {
        add(group,
            {c.score / std::pow(static_cast<double>(made() + 1), task_.config.length_penalty), beams[c.parent].ids});
      }
    }
    group.is_done = group.is_done || !can_improve(group, scores[best[0]]);
    return out;
  }

  void add(Group& group, Hypothesis text) const {
    const auto worst = std::ranges::min_element(group.texts, {}, &Hypothesis::score);
    if (group.texts.size() == group_size_) {
      if (text.score <= worst->score) return;
      group.texts.erase(worst);
    }
    group.texts.push_back(std::move(text));
  }

  bool can_improve(const Group& group, float best) const {
    const auto& c = task_.config;
    if (group.texts.size() < group_size_) return true;
    if (c.early_stopping == EarlyStopping::yes) return false;
    const bool to_the_end = c.early_stopping == EarlyStopping::never && c.length_penalty > 0;
    const auto length = to_the_end ? task_.total_length - task_.prompt_length : made() + 1;
    const auto attainable = best / std::pow(static_cast<double>(length), c.length_penalty);
    return std::ranges::min(group.texts, {}, &Hypothesis::score).score < attainable;
  }

  GenerateOutput output() {
    GenerateOutput out;
    size_t longest = 0;
    for (auto& search : searches_) {
      std::vector<Hypothesis> all;
      for (size_t g = 0; g < search.groups.size(); ++g) {
        auto& group = search.groups[g];
        for (size_t beam = g * group_size_; !group.is_done && beam < (g + 1) * group_size_; ++beam)
          add(group, {search.scores[beam] / std::pow(static_cast<double>(made()), task_.config.length_penalty),
                      search.beams[beam].ids});
        std::ranges::move(group.texts, std::back_inserter(all));
      }
      // As there: of equals the last to come.
      std::ranges::stable_sort(all, {}, &Hypothesis::score);
      for (int64_t i = 0; i < task_.config.num_return_sequences; ++i) {
        out.sequences_scores.push_back(static_cast<float>(all.back().score));
        longest = std::max(longest, all.back().ids.size());
        out.sequences.push_back(std::move(all.back().ids));
        all.pop_back();
      }
    }
    longest = std::min(longest + 1, static_cast<size_t>(task_.total_length));
    for (auto& ids : out.sequences) {
      if (ids.size() < longest && !task_.config.eos_token_id.empty()) ids.push_back(task_.config.eos_token_id[0]);
      ids.resize(longest, task_.padding());
    }
    return out;
  }

  int64_t made() const { return length_ - task_.prompt_length; }

  const Task& task_;
  const size_t group_size_, vocab_size_;
  std::vector<Search> searches_;
  std::vector<float> logits_;
  int64_t length_ = 0;  ///< of the running beams, the prompt's tokens counted
};

}  // namespace

Result<GenerateOutput> group_beam_search(const Task& task, Prompts prompts) {
  return GroupBeamSearch(task, std::move(prompts)).run();
}

}  // namespace hearth::generation
