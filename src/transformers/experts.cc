#include "transformers/experts.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "base/text.h"

namespace hearth {
namespace {

/// The rows that one expert works on, and the factor of each.
struct Work {
  std::vector<int64_t> rows;
  std::vector<float> factors;
};

/// The `count` largest of `values`, the first of equals first.
std::vector<size_t> largest(std::span<const float> values, size_t count) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](size_t a, size_t b) { return values[a] > values[b] || (values[a] == values[b] && a < b); });
  order.resize(count);
  return order;
}

/// Puts the scores of experts outside the best groups below all others.
void keep_best_groups(std::span<float> scores, const ExpertKind& kind) {
  const bool is_sigmoid = kind.score == RouterScore::sigmoid;
  const auto size = scores.size() / static_cast<size_t>(kind.groups);
  std::vector<float> worth;
  for (size_t begin = 0; begin < scores.size(); begin += size) {
    const auto group = scores.subspan(begin, size);
    float sum = 0;
    for (const auto i : largest(group, is_sigmoid ? 2 : 1)) sum += group[i];
    worth.push_back(sum);
  }
  std::vector<bool> is_kept(worth.size());
  for (const auto group : largest(worth, static_cast<size_t>(kind.groups_per_token))) is_kept[group] = true;
  for (size_t i = 0; i < scores.size(); ++i)
    if (!is_kept[i / size]) scores[i] = is_sigmoid ? -std::numeric_limits<float>::infinity() : 0;
}

std::vector<Work> route(const Tensor& router_logits, const ExpertKind& kind, std::span<const float> correction) {
  const auto scores = to_vector(kind.score == RouterScore::softmax ? softmax(router_logits)
                                                                   : activation(router_logits, Activation::sigmoid));
  const auto experts = static_cast<size_t>(kind.experts), chosen = static_cast<size_t>(kind.experts_per_token);
  std::vector<Work> out(experts);
  for (size_t row = 0; row * experts < scores.size(); ++row) {
    const auto weights = std::span(scores).subspan(row * experts, experts);
    std::vector<float> choice(weights.begin(), weights.end());
    for (size_t i = 0; i < correction.size(); ++i) choice[i] += correction[i];
    if (kind.groups > 0) keep_best_groups(choice, kind);
    const auto order = largest(choice, chosen);
    // A probability of an expert outside the groups is 0 should one be chosen; a sigmoid's score stays what it was.
    const auto weight = [&](size_t expert) { return kind.has_correction ? weights[expert] : choice[expert]; };
    float sum = kind.is_normalized ? 0 : 1;
    for (size_t i = 0; kind.is_normalized && i < chosen; ++i) sum += weight(order[i]);
    for (const auto expert : order) {
      out[expert].rows.push_back(static_cast<int64_t>(row));
      out[expert].factors.push_back(weight(expert) / sum * static_cast<float>(kind.factor));
    }
  }
  return out;
}

}  // namespace

ExpertMlp::ExpertMlp(const Params& p, const Config& c, Activation act, const ExpertKind& kind)
    : kind_(kind), act_(act), router_(p / "gate", c.hidden_size, kind.experts) {
  const auto expert = [&](const Params& e, int64_t inner, Bias bias) {
    return Expert{Linear(e / kind.gate, c.hidden_size, inner, bias), Linear(e / kind.up, c.hidden_size, inner, bias),
                  Linear(e / kind.down, inner, c.hidden_size, bias)};
  };
  for (int64_t i = 0; i < kind.experts; ++i)
    experts_.push_back(expert(p / "experts" / i, kind.intermediate_size, Bias::none));
  if (kind.shared_intermediate_size > 0)
    shared_ = expert(p / "shared_experts", kind.shared_intermediate_size, kind.shared_bias);
  if (!kind.has_correction) return;
  const auto correction = p.store().vector((p / "gate").name("e_score_correction_bias"), kind.experts);
  if (correction.defined()) correction_ = to_vector(correction);
}

Tensor ExpertMlp::operator()(Tensor x, const RMSNorm& norm) const {
  const Tensor normal = norm(x);
  const auto work = route(router_(normal), kind_, correction_);
  for (size_t i = 0; i < experts_.size(); ++i) {
    if (work[i].rows.empty()) continue;
    const auto& e = experts_[i];
    auto [gate, up] = project(index_select(normal, work[i].rows), e.gate, e.up);
    x = x.backend().index_add(std::move(x), work[i].rows, e.down(activation(gate, act_) * up), work[i].factors);
  }
  if (!shared_) return x;
  auto [gate, up] = project(normal, shared_->gate, shared_->up);
  return shared_->down.add_to(std::move(x), activation(gate, act_) * up);
}

Status check_experts(const ExpertKind& kind) {
  if (kind.experts_per_token > kind.experts)
    return {Code::bad_input,
            cat("config.json: num_experts_per_tok ", kind.experts_per_token, " of ", kind.experts, " experts")};
  if (kind.groups == 0) return {};
  const int64_t judged = kind.score == RouterScore::sigmoid ? 2 : 1;
  if (kind.experts % kind.groups != 0 || kind.experts / kind.groups < judged || kind.groups_per_token > kind.groups)
    return {Code::bad_input, cat("config.json: topk_group ", kind.groups_per_token, " of n_group ", kind.groups,
                                 " groups of ", kind.experts, " experts")};
  return {};
}

}  // namespace hearth
