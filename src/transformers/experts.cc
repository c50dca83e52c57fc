#include "transformers/experts.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hearth {
namespace {

/// The rows that one expert works on, and the factor of each.
struct Work {
  std::vector<int64_t> rows;
  std::vector<float> factors;
};

std::vector<Work> route(const Tensor& router_logits, const ExpertKind& kind) {
  const auto probabilities = to_vector(softmax(router_logits));
  const auto experts = static_cast<size_t>(kind.experts), chosen = static_cast<size_t>(kind.experts_per_token);
  std::vector<Work> out(experts);
  std::vector<size_t> order(experts);
  for (size_t row = 0; row * experts < probabilities.size(); ++row) {
    const float* p = probabilities.data() + row * experts;
    std::iota(order.begin(), order.end(), size_t{0});
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(chosen), order.end(),
                      [p](size_t a, size_t b) { return p[a] > p[b] || (p[a] == p[b] && a < b); });
    float sum = kind.is_normalized ? 0 : 1;
    for (size_t i = 0; kind.is_normalized && i < chosen; ++i) sum += p[order[i]];
    for (size_t i = 0; i < chosen; ++i) {
      out[order[i]].rows.push_back(static_cast<int64_t>(row));
      out[order[i]].factors.push_back(p[order[i]] / sum);
    }
  }
  return out;
}

}  // namespace

ExpertMlp::ExpertMlp(const Params& p, const Config& c, Activation act, const ExpertKind& kind)
    : kind_(kind), act_(act), router_(p / "gate", c.hidden_size, kind.experts) {
  for (int64_t i = 0; i < kind.experts; ++i) {
    const auto e = p / "experts" / i;
    experts_.push_back({Linear(e / kind.gate, c.hidden_size, kind.intermediate_size),
                        Linear(e / kind.up, c.hidden_size, kind.intermediate_size),
                        Linear(e / kind.down, kind.intermediate_size, c.hidden_size)});
  }
}

Tensor ExpertMlp::operator()(Tensor x, const RMSNorm& norm) const {
  const Tensor normal = norm(x);
  const auto work = route(router_(normal), kind_);
  for (size_t i = 0; i < experts_.size(); ++i) {
    if (work[i].rows.empty()) continue;
    const auto& e = experts_[i];
    auto [gate, up] = project(index_select(normal, work[i].rows), e.gate, e.up);
    x = x.backend().index_add(std::move(x), work[i].rows, e.down(activation(gate, act_) * up), work[i].factors);
  }
  return x;
}

}  // namespace hearth
