#include "transformers/generate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/clock.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr int64_t kPrefillRows = 512;  // a piece of a prompt: bounds the scratch and how long a stop waits
constexpr float kOut = -std::numeric_limits<float>::infinity();

/// s < 0 ? s * penalty : s / penalty, once for each distinct token.
void penalize(std::span<float> scores, std::span<const int32_t> seen, float penalty) {
  std::unordered_set<int32_t> done;
  for (const auto id : seen) {
    if (!done.insert(id).second) continue;
    auto& score = scores[static_cast<size_t>(id)];
    score = score < 0 ? score * penalty : score / penalty;
  }
}

/// How many tokens at the beginning the session's cache holds already. The last one is always computed: its logits are
/// what is asked for.
int64_t common_tokens(const Session& session, std::span<const int32_t> prompt) {
  const auto limit = std::min(session.ids.size(), prompt.empty() ? 0 : prompt.size() - 1);
  size_t out = 0;
  while (out < limit && session.ids[out] == prompt[out]) ++out;
  return static_cast<int64_t>(out);
}

}  // namespace

Status GenerationConfig::check() const {
  const auto outside = [](std::string_view key, auto value, std::string_view range) {
    return Status(Code::bad_input, cat(key, " is ", value, ", not ", range));
  };
  if (max_new_tokens < 1) return outside("max_new_tokens", max_new_tokens, "at least 1");
  if (!(temperature >= 0) || std::isinf(temperature)) return outside("temperature", temperature, "0 or above");
  if (top_k < 0) return outside("top_k", top_k, "0 (all) or above");
  if (!(top_p > 0 && top_p <= 1)) return outside("top_p", top_p, "above 0 and at most 1");
  if (!(min_p >= 0 && min_p < 1)) return outside("min_p", min_p, "in [0, 1)");
  if (!(repetition_penalty > 0)) return outside("repetition_penalty", repetition_penalty, "above 0");
  return {};
}

Status GenerationConfig::update(const Json& json) {
  const auto number = [&json](std::string_view key, double& out) {
    const auto& value = json[key];
    if (value.is_number()) out = value.as_double(static_cast<double>(value.as_int()));
  };
  do_sample = json["do_sample"].as_bool(do_sample);
  number("temperature", temperature);
  number("top_p", top_p);
  number("min_p", min_p);
  number("repetition_penalty", repetition_penalty);
  top_k = json["top_k"].as_int(top_k);
  max_new_tokens = json["max_new_tokens"].as_int(max_new_tokens);
  if (auto ids = token_ids(json["eos_token_id"]); !ids.empty()) eos_token_id = std::move(ids);
  return check();
}

Sampler::Sampler(const GenerationConfig& config) : config_(config), random_(config.seed) {}

int32_t Sampler::operator()(std::span<const float> logits, std::span<const int32_t> seen) {
  if (config_.repetition_penalty != 1) {
    scores_.assign(logits.begin(), logits.end());
    penalize(scores_, seen, static_cast<float>(config_.repetition_penalty));
    logits = scores_;
  }
  if (!config_.do_sample || config_.temperature == 0) return static_cast<int32_t>(argmax(logits));
  return sample(logits);
}

int32_t Sampler::sample(std::span<const float> logits) {
  // temperature, then top_k: all that are at least the k-th best stay, so ties do.
  auto& kept = candidates_;
  kept.clear();
  const auto temperature = static_cast<float>(config_.temperature);
  for (size_t i = 0; i < logits.size(); ++i) kept.push_back({logits[i] / temperature, static_cast<int32_t>(i)});
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  };
  const auto k = static_cast<size_t>(config_.top_k);
  if (k > 0 && k < kept.size()) {
    std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(k) - 1, kept.end(), better);
    const float kth = kept[k - 1].score;
    std::erase_if(kept, [kth](const Candidate& c) { return c.score < kth; });
  }
  std::sort(kept.begin(), kept.end(), better);

  std::vector<float> p(kept.size());
  const auto softmax = [&] {
    double sum = 0;
    for (size_t i = 0; i < kept.size(); ++i) sum += p[i] = std::exp(kept[i].score - kept.front().score);
    for (auto& value : p) value = static_cast<float>(value / sum);
  };
  p.resize(kept.size());
  softmax();
  if (config_.top_p < 1) {
    // From the least likely up, those go whose running sum stays within 1 - top_p; one always stays.
    float sum = 0;
    size_t end = kept.size();
    while (end > 1 && (sum += p[end - 1]) <= static_cast<float>(1 - config_.top_p)) --end;
    kept.resize(end);
    p.resize(end);
    softmax();
  }
  if (config_.min_p > 0) {
    const float least = static_cast<float>(config_.min_p) * p.front();
    size_t end = kept.size();
    while (end > 1 && p[end - 1] < least) --end;
    kept.resize(end);
    p.resize(end);
    softmax();
  }
  double left = std::uniform_real_distribution<double>(0, 1)(random_);
  for (size_t i = 0; i + 1 < kept.size(); ++i)
    if ((left -= p[i]) < 0) return kept[i].id;
  return kept.back().id;
}

std::string_view name(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "cancelled";
  }
  return "";
}

Result<std::vector<float>> prefill(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                   std::stop_token stop) {
  const auto& config = model.config();
  const auto count = static_cast<int64_t>(prompt.size());
  if (count == 0) return Status(Code::bad_input, "the prompt has no tokens");
  if (count > config.max_position_embeddings)
    return Status(Code::too_large, cat("the prompt has ", count, " tokens; the model has positions for ",
                                       config.max_position_embeddings));
  for (const auto id : prompt)
    if (id < 0 || id >= config.vocab_size)
      return Status(Code::bad_input, cat("token id ", id, " is outside the model's vocabulary of ", config.vocab_size));

  const auto common = common_tokens(session, prompt);
  session.cache.truncate(common);
  session.ids.resize(static_cast<size_t>(common));
  session.cache.reserve(model.backend(), count);

  Tensor logits;
  for (int64_t begin = common; begin < count; begin += kPrefillRows) {
    if (stop.stop_requested()) return Status(Code::cancelled, "stopped while the prompt was read");
    const auto piece =
        prompt.subspan(static_cast<size_t>(begin), static_cast<size_t>(std::min(kPrefillRows, count - begin)));
    const bool is_last = begin + kPrefillRows >= count;
    const SequenceView sequence{&session.cache, piece, is_last ? LogitRows::last : LogitRows::none};
    logits = model.forward({&sequence, 1});
    session.ids.insert(session.ids.end(), piece.begin(), piece.end());
  }
  return to_vector(logits);
}

Result<GenerateResult> generate(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                const GenerationConfig& config, const OnToken& on_token, std::stop_token stop) {
  TRY(config.check());
  GenerateResult out;
  out.prompt_tokens = static_cast<int64_t>(prompt.size());
  out.reused_tokens = common_tokens(session, prompt);
  const double begin_s = monotonic_s();
  auto filled = prefill(model, session, prompt, stop);
  if (!filled.ok() && filled.status().code() == Code::cancelled) {
    out.finish = FinishReason::cancelled;
    return out;
  }
  auto logits = TRY(std::move(filled));
  Sampler sampler(config);
  std::vector<int32_t> seen(prompt.begin(), prompt.end());
  const auto room = model.config().max_position_embeddings - out.prompt_tokens + 1;
  const auto limit = std::min(config.max_new_tokens, room);
  double first_s = begin_s;
  for (;;) {
    const auto id = sampler(logits, seen);
    seen.push_back(id);
    out.ids.push_back(id);
    const double now_s = monotonic_s();
    if (out.ids.size() == 1) {
      first_s = now_s;
      out.prefill_s = now_s - begin_s;
    }
    out.decode_s = now_s - first_s;
    const bool is_eos = std::ranges::find(config.eos_token_id, id) != config.eos_token_id.end();
    if ((on_token && !on_token(id)) || is_eos) {
      out.finish = FinishReason::stop;
      return out;
    }
    if (static_cast<int64_t>(out.ids.size()) >= limit) return out;
    if (stop.stop_requested()) {
      out.finish = FinishReason::cancelled;
      return out;
    }
    const SequenceView sequence{&session.cache, {&id, 1}, LogitRows::last};
    model.backend().to_host(model.forward({&sequence, 1}), logits);
    session.ids.push_back(id);
  }
}

}  // namespace hearth
