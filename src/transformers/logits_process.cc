#include "transformers/logits_process.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "transformers/grammar.h"

namespace hearth {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

int64_t length_of(std::span<const int32_t> ids) {
  return static_cast<int64_t>(ids.size());
}

void forbid(std::span<const int32_t> tokens, std::span<float> scores) {
  for (const auto id : tokens) scores[static_cast<size_t>(id)] = kNever;
}

/// All tokens but these are out.
void force(std::span<const int32_t> tokens, std::span<float> scores) {
  std::ranges::fill(scores, kNever);
  for (const auto id : tokens) scores[static_cast<size_t>(id)] = 0;
}

/// score < 0 ? score * penalty : score / penalty, once for each distinct token.
void penalize(std::span<const int32_t> tokens, float penalty, std::span<float> scores) {
  std::unordered_set<int32_t> done;
  for (const auto id : tokens) {
    if (static_cast<size_t>(id) >= scores.size() || !done.insert(id).second) continue;
    auto& score = scores[static_cast<size_t>(id)];
    score = score < 0 ? score * penalty : score / penalty;
  }
}

bool ends_with(std::span<const int32_t> ids, std::span<const int32_t> end) {
  return ids.size() >= end.size() && std::ranges::equal(ids.last(end.size()), end);
}

// ---- transformers' order ----

LogitsProcessor sequence_bias(std::vector<std::pair<std::vector<int32_t>, float>> biases) {
  return [biases = std::move(biases)](std::span<const int32_t> ids, size_t, std::span<float> scores) {
    for (const auto& [tokens, bias] : biases) {
      const std::span<const int32_t> all(tokens);
      if (ends_with(ids, all.first(all.size() - 1))) scores[static_cast<size_t>(all.back())] += bias;
    }
  };
}

LogitsProcessor encoder_repetition_penalty(float penalty, std::vector<std::vector<int32_t>> encoder_ids) {
  return [=, encoder_ids = std::move(encoder_ids)](std::span<const int32_t>, size_t row, std::span<float> scores) {
    penalize(encoder_ids[row], 1 / penalty, scores);
  };
}

LogitsProcessor repetition_penalty(float penalty, std::vector<int64_t> padding) {
  return [=, padding = std::move(padding)](std::span<const int32_t> ids, size_t row, std::span<float> scores) {
    penalize(ids.subspan(padding.empty() ? 0 : static_cast<size_t>(padding[row])), penalty, scores);
  };
}

LogitsProcessor count_penalties(float frequency, float presence, int64_t prompt_length) {
  return [=](std::span<const int32_t> ids, size_t, std::span<float> scores) {
    std::map<int32_t, int> counts;
    for (const auto id : ids.subspan(static_cast<size_t>(prompt_length))) ++counts[id];
    for (const auto& [id, count] : counts)
      scores[static_cast<size_t>(id)] -= frequency * static_cast<float>(count) + presence;
  };
}

/// No n tokens in a row that `seen` has already.
void forbid_ngrams(std::span<const int32_t> seen, std::span<const int32_t> ids, size_t size, std::span<float> scores) {
  if (ids.size() + 1 < size) return;
  const auto begin = ids.last(size - 1);
  for (size_t at = 0; at + size <= seen.size(); ++at)
    if (std::ranges::equal(seen.subspan(at, size - 1), begin)) {
      const auto next = static_cast<size_t>(seen[at + size - 1]);
      if (next < scores.size()) scores[next] = kNever;
    }
}

LogitsProcessor no_repeat_ngram(int64_t size) {
  return [=](std::span<const int32_t> ids, size_t, std::span<float> scores) {
    forbid_ngrams(ids, ids, static_cast<size_t>(size), scores);
  };
}

LogitsProcessor encoder_no_repeat_ngram(int64_t size, std::vector<std::vector<int32_t>> encoder_ids) {
  return [=, encoder_ids = std::move(encoder_ids)](std::span<const int32_t> ids, size_t row, std::span<float> scores) {
    forbid_ngrams(encoder_ids[row], ids, static_cast<size_t>(size), scores);
  };
}

LogitsProcessor no_bad_words(std::vector<std::vector<int32_t>> words, std::span<const int32_t> eos) {
  std::erase_if(words,
                [&](const auto& word) { return word.size() == 1 && std::ranges::find(eos, word[0]) != eos.end(); });
  std::vector<std::pair<std::vector<int32_t>, float>> biases;
  for (auto& word : words) biases.emplace_back(std::move(word), kNever);
  return sequence_bias(std::move(biases));
}

/// No end before the row has `length` tokens.
LogitsProcessor at_least(int64_t length, std::vector<int32_t> eos) {
  return [=, eos = std::move(eos)](std::span<const int32_t> ids, size_t, std::span<float> scores) {
    if (length_of(ids) < length) forbid(eos, scores);
  };
}

LogitsProcessor force_at(int64_t length, std::vector<int32_t> tokens) {
  return [=, tokens = std::move(tokens)](std::span<const int32_t> ids, size_t, std::span<float> scores) {
    if (length_of(ids) == length) force(tokens, scores);
  };
}

void remove_invalid(std::span<const int32_t>, size_t, std::span<float> scores) {
  for (auto& score : scores) {
    if (std::isnan(score)) score = 0;
    score = std::clamp(score, std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max());
  }
}

LogitsProcessor exponential_decay(int64_t start, double factor, std::vector<int32_t> eos) {
  return [=, eos = std::move(eos)](std::span<const int32_t> ids, size_t, std::span<float> scores) {
    if (length_of(ids) <= start) return;
    const auto growth = static_cast<float>(std::pow(factor, static_cast<double>(length_of(ids) - start)) - 1);
    for (const auto id : eos) {
      auto& score = scores[static_cast<size_t>(id)];
      if (std::isfinite(score)) score += std::abs(score) * growth;
    }
  };
}

LogitsProcessor suppress(std::vector<int32_t> tokens) {
  return [tokens = std::move(tokens)](std::span<const int32_t>, size_t, std::span<float> scores) {
    forbid(tokens, scores);
  };
}

LogitsProcessor suppress_at(int64_t length, std::vector<int32_t> tokens) {
  return [=, tokens = std::move(tokens)](std::span<const int32_t> ids, size_t, std::span<float> scores) {
    if (length_of(ids) == length) forbid(tokens, scores);
  };
}

/// The tokens of a configuration that are not the vocabulary's.
Status check_tokens(const GenerationConfig& config, int64_t vocab_size) {
  Status out;
  const auto check = [&](std::string_view key, std::span<const int32_t> tokens) {
    for (const auto id : tokens)
      if (id >= vocab_size && out.ok())
        out = Status(Code::bad_input, cat(key, " has token ", id, ", outside the model's vocabulary of ", vocab_size));
  };
  for (const auto& [tokens, bias] : config.sequence_bias) check("sequence_bias", tokens);
  for (const auto& word : config.bad_words_ids) check("bad_words_ids", word);
  if (config.forced_bos_token_id) check("forced_bos_token_id", {&*config.forced_bos_token_id, 1});
  check("forced_eos_token_id", config.forced_eos_token_id);
  check("suppress_tokens", config.suppress_tokens);
  check("begin_suppress_tokens", config.begin_suppress_tokens);
  return out;
}

}  // namespace

void softmax(std::span<float> scores) {
  const float highest = *std::ranges::max_element(scores);
  double sum = 0;
  for (auto& score : scores) sum += score = std::exp(score - highest);
  for (auto& score : scores) score = static_cast<float>(score / sum);
}

void log_softmax(std::span<float> scores) {
  const float highest = *std::ranges::max_element(scores);
  double sum = 0;
  for (const auto score : scores) sum += std::exp(score - highest);
  const auto shift = static_cast<float>(std::log(sum));
  for (auto& score : scores) score = score - highest - shift;
}

Result<LogitsProcessors> LogitsProcessors::from(const GenerationConfig& c, PromptFacts facts, int64_t vocab_size) {
  TRY(check_tokens(c, vocab_size));
  auto eos = c.eos_token_id;
  std::erase_if(eos, [&](int32_t id) { return id >= vocab_size; });
  LogitsProcessors out;
  auto& list = out.list_;
  const bool has_encoder_ids = !facts.encoder_ids.empty();
  if (!c.sequence_bias.empty()) list.push_back(sequence_bias(c.sequence_bias));
  if (c.encoder_repetition_penalty != 1 && has_encoder_ids)
    list.push_back(encoder_repetition_penalty(static_cast<float>(c.encoder_repetition_penalty), facts.encoder_ids));
  if (c.repetition_penalty != 1)
    list.push_back(repetition_penalty(static_cast<float>(c.repetition_penalty), facts.padding));
  if (c.frequency_penalty != 0 || c.presence_penalty != 0)
    list.push_back(
        count_penalties(static_cast<float>(c.frequency_penalty), static_cast<float>(c.presence_penalty), facts.length));
  if (c.no_repeat_ngram_size > 0) list.push_back(no_repeat_ngram(c.no_repeat_ngram_size));
  if (c.encoder_no_repeat_ngram_size > 0 && has_encoder_ids)
    list.push_back(encoder_no_repeat_ngram(c.encoder_no_repeat_ngram_size, facts.encoder_ids));
  if (!c.bad_words_ids.empty()) list.push_back(no_bad_words(c.bad_words_ids, eos));
  if (c.min_length > 0) list.push_back(at_least(c.min_length, eos));
  if (c.min_new_tokens > 0) list.push_back(at_least(facts.length + c.min_new_tokens, eos));
  out.constraint_at_ = list.size();
  if (c.constraint)
    list.push_back([length = facts.length, constraint = c.constraint](std::span<const int32_t> ids, size_t,
                                                                      std::span<float> scores) {
      constraint->apply(ids.subspan(static_cast<size_t>(length)), scores);
    });
  if (c.forced_bos_token_id) list.push_back(force_at(1, {*c.forced_bos_token_id}));
  if (!c.forced_eos_token_id.empty()) list.push_back(force_at(facts.total_length - 1, c.forced_eos_token_id));
  if (c.remove_invalid_values) list.push_back(remove_invalid);
  if (c.exponential_decay_length_penalty) {
    const auto& [start, factor] = *c.exponential_decay_length_penalty;
    list.push_back(exponential_decay(facts.length + start, factor, eos));
  }
  if (!c.suppress_tokens.empty()) list.push_back(suppress(c.suppress_tokens));
  if (!c.begin_suppress_tokens.empty()) {
    const bool after_bos = facts.length == 1 && c.forced_bos_token_id.has_value();
    list.push_back(suppress_at(facts.length + (after_bos ? 1 : 0), c.begin_suppress_tokens));
  }
  // A beam search needs tokens that do not end its beams.
  if (c.do_sample) append_warpers(c, c.num_beams > 1 ? std::max<size_t>(eos.size() + 1, 2) : 1, list);
  if (c.renormalize_logits)
    list.push_back([](std::span<const int32_t>, size_t, std::span<float> scores) { log_softmax(scores); });
  return out;
}

void LogitsProcessors::allow_only(
    std::function<std::vector<int32_t>(size_t row, std::span<const int32_t> ids)> allowed) {
  auto process = [allowed = std::move(allowed)](std::span<const int32_t> ids, size_t row, std::span<float> scores) {
    std::vector<bool> may(scores.size());
    for (const auto id : allowed(row, ids))
      if (static_cast<size_t>(id) < may.size()) may[static_cast<size_t>(id)] = true;
    for (size_t i = 0; i < scores.size(); ++i)
      if (!may[i]) scores[i] = kNever;
  };
  list_.insert(list_.begin() + static_cast<std::ptrdiff_t>(constraint_at_), std::move(process));
}

}  // namespace hearth
