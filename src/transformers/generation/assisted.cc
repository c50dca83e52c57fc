// Assisted generation: several tokens are guessed, one pass of the model judges them all, and those that it would have
// written itself stay. Greedy answers are the same as without guesses.
// Source: transformers 5.23.0 generation/utils.py _assisted_decoding, _speculative_sampling (Leviathan et al.,
// arXiv:2211.17192), generation/candidate_generator.py.
// Differs: assistant_confidence_threshold stays what it is; there scikit-learn, where installed, moves it after each
// round.
#include <algorithm>
#include <limits>
#include <optional>

#include "transformers/generation/modes.h"

namespace hearth::generation {
namespace {

struct Draft {
  std::vector<int32_t> ids;
  std::vector<std::vector<float>> p;  ///< with which each was drawn, [vocab_size]; none of guesses that nobody drew
};

/// Copies what followed the row's last tokens when they stood there before.
class PromptLookup {
 public:
  explicit PromptLookup(const Task& task) : task_(task) {}

  Draft operator()(std::span<const int32_t> ids) const {
    const auto length = static_cast<int64_t>(ids.size());
    if (task_.total_length == length + 1) return {};
    for (auto size = std::min(task_.config.max_matching_ngram_size, length - 1); size > 0; --size) {
      for (int64_t at = 0; at + size <= length; ++at) {
        const auto n = static_cast<size_t>(size);
        if (!std::ranges::equal(ids.subspan(static_cast<size_t>(at), n), ids.last(n))) continue;
        const auto begin = at + size;
        const auto end = std::min({begin + task_.config.prompt_lookup_num_tokens, length, task_.total_length});
        if (begin >= end) continue;
        const auto guess = allowed(ids, ids.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
        if (guess.empty()) continue;
        const auto first_end = std::ranges::find_if(guess, [&](int32_t id) { return task_.is_end(id); });
        return {{guess.begin(), first_end}, {}};
      }
    }
    return {};
  }

 private:
  /// The beginning of a guess that no processor forbids.
  std::vector<int32_t> allowed(std::span<const int32_t> ids, std::span<const int32_t> guess) const {
    std::vector<int32_t> row(ids.begin(), ids.end()), out;
    std::vector<float> scores(static_cast<size_t>(task_.model.vocab_size()));
    for (const auto id : guess) {
      std::ranges::fill(scores, 1);
      task_.processors(row, 0, scores);
      const auto score = scores[static_cast<size_t>(id)];
      if (score <= std::numeric_limits<float>::lowest()) break;
      out.push_back(id);
      row.push_back(id);
    }
    return out;
  }

  const Task& task_;
};

/// Lets a smaller model write.
class Assistant {
 public:
  Assistant(const Task& task, const CausalLM& model, std::span<const int32_t> prompt)
      : task_(task), model_(model), session_(model), prompt_(prompt.begin(), prompt.end()) {
    if (task.config.do_sample) append_warpers(task.config, 1, warpers_);
  }

  /// `ids`: the whole row, of which the first `prompt_length` are the prompt.
  Result<Draft> operator()(std::span<const int32_t> ids, TorchGenerator& random) {
    Draft out;
    const auto room = task_.total_length - static_cast<int64_t>(ids.size()) - 1;
    const auto count = std::min(task_.config.num_assistant_tokens, room);
    if (count < 1) return out;
    std::vector<int32_t> row(ids.begin(), ids.end());
    auto known = prompt_;  // without padding
    known.insert(known.end(), ids.begin() + task_.prompt_length, ids.end());
    while (static_cast<int64_t>(out.ids.size()) < count) {
      auto scores = TRY(prefill(model_, session_, known, task_.options.stop));
      task_.processors(row, 0, scores);
      for (const auto& warp : warpers_) warp(row, 0, scores);  // a second time, as there
      auto p = scores;
      softmax(p);
      const auto id = task_.config.do_sample ? random.multinomial(p) : static_cast<int32_t>(argmax(scores));
      row.push_back(id);
      known.push_back(id);
      out.ids.push_back(id);
      const bool is_unsure = p[static_cast<size_t>(id)] < task_.config.assistant_confidence_threshold;
      if (task_.config.do_sample) out.p.push_back(std::move(p));
      if (is_unsure || task_.is_end(id)) break;
    }
    return out;
  }

 private:
  const Task& task_;
  const CausalLM& model_;
  Session session_;
  const std::vector<int32_t> prompt_;
  std::vector<LogitsProcessor> warpers_;
};

class Assisted {
 public:
  Assisted(const Task& task, Prompts prompts)
      : task_(task),
        session_(std::move(prompts.sessions[0])),
        ids_(std::move(prompts.ids[0])),
        known_(std::move(prompts.logits[0])),
        random_(task.config.seed),
        lookup_(task) {
    if (task.options.assistant_model) assistant_.emplace(task, *task.options.assistant_model, session_.ids);
  }

  Result<GenerateOutput> run() {
    for (bool is_over = false; !is_over;) {
      if (task_.options.stop.stop_requested()) return Status(Code::cancelled, "stopped while the text was written");
      auto draft = assistant_ ? TRY((*assistant_)(ids_, random_)) : lookup_(ids_);
      auto logits = judge(draft.ids);
      for (const auto id : accepted(draft, logits)) {
        is_over = task_.is_over(ids_, id);
        ids_.push_back(id);
        if (task_.options.streamer) task_.options.streamer({&id, 1});
        if (is_over) break;
      }
      // All but the last token are read; what was guessed wrong is forgotten.
      session_.cache.truncate(session_.cache.length() - static_cast<int64_t>(draft.ids.size()) + taken_ - 1);
      is_over = is_over || task_.is_late();
    }
    GenerateOutput out;
    out.sequences.push_back(std::move(ids_));
    return out;
  }

 private:
  /// The processed logits at each place of the guess and behind it.
  std::vector<std::vector<float>> judge(std::span<const int32_t> guess) {
    const auto vocab_size = static_cast<size_t>(task_.model.vocab_size());
    std::vector<int32_t> fed;
    if (known_.empty()) fed.push_back(ids_.back());
    fed.insert(fed.end(), guess.begin(), guess.end());
    auto values = std::exchange(known_, {});
    if (!fed.empty()) {
      const SequenceView sequence{&session_.cache, fed, LogitRows::all};
      const auto made = to_vector(task_.model.forward({&sequence, 1}));
      values.insert(values.end(), made.begin(), made.end());
    }
    std::vector<std::vector<float>> out;
    auto row = ids_;
    for (size_t i = 0; i <= guess.size(); ++i) {
      if (i > 0) row.push_back(guess[i - 1]);
      auto& scores = out.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(i * vocab_size),
                                      values.begin() + static_cast<std::ptrdiff_t>((i + 1) * vocab_size));
      task_.processors(row, 0, scores);
    }
    return out;
  }

  /// The guesses that stay and the token behind them; taken_ counts both.
  std::vector<int32_t> accepted(const Draft& draft, std::vector<std::vector<float>>& logits) {
    std::vector<int32_t> out;
    if (task_.config.do_sample && !draft.p.empty()) {
      out = speculated(draft, logits);
    } else {
      for (auto& scores : logits) {
        if (task_.config.do_sample) softmax(scores);
        out.push_back(task_.config.do_sample ? random_.multinomial(scores) : static_cast<int32_t>(argmax(scores)));
      }
      size_t same = 0;
      while (same < draft.ids.size() && out[same] == draft.ids[same]) ++same;
      out.resize(same + 1);
    }
    const auto end = std::ranges::find_if(out, [&](int32_t id) { return task_.is_end(id); });
    if (end != out.end()) out.erase(end + 1, out.end());
    taken_ = static_cast<int64_t>(out.size());
    return out;
  }

  /// A guess drawn with q stays with probability min(1, p / q); in place of the first that goes one is drawn from
  /// max(p - q, 0), so that the text is as if the model had drawn it.
  std::vector<int32_t> speculated(const Draft& draft, std::vector<std::vector<float>>& p) {
    for (auto& scores : p) softmax(scores);
    const auto count = draft.ids.size();
    std::vector<float> dice(count);
    for (auto& value : dice) value = random_.uniform();
    size_t same = 0;
    for (; same < count; ++same) {
      const auto id = static_cast<size_t>(draft.ids[same]);
      if (!(dice[same] <= p[same][id] / draft.p[same][id])) break;
    }
    auto& last = p[same];
    if (same < count) {
      double sum = 0;
      for (size_t i = 0; i < last.size(); ++i) sum += last[i] = std::max(last[i] - draft.p[same][i], 0.0f);
      for (auto& value : last) value = static_cast<float>(value / sum);
    }
    std::vector<int32_t> out(draft.ids.begin(), draft.ids.begin() + static_cast<std::ptrdiff_t>(same));
    out.push_back(random_.multinomial(last));
    return out;
  }

  const Task& task_;
  Session session_;
  std::vector<int32_t> ids_;
  std::vector<float> known_;  // the logits behind ids_, if nothing need be fed for them
  TorchGenerator random_;
  PromptLookup lookup_;
  std::optional<Assistant> assistant_;
  int64_t taken_ = 0;  // tokens of the last round
};

}  // namespace

Result<GenerateOutput> assisted(const Task& task, Prompts prompts) {
  if (const auto* assistant = task.options.assistant_model) {
    if (task.model.is_encoder_decoder() || assistant->is_encoder_decoder())
      return Status(Code::unsupported, "an assistant is offered for models without an encoder");
    if (assistant->vocab_size() != task.model.vocab_size())
      return Status(Code::bad_input, cat("the assistant's vocabulary has ", assistant->vocab_size(),
                                         " tokens, the model's ", task.model.vocab_size()));
  }
  return Assisted(task, std::move(prompts)).run();
}

}  // namespace hearth::generation
