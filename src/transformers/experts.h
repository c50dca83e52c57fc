// ExpertMlp: a feed-forward part of which each token reads a few of many: a router picks the experts.
// Source: Shazeer et al., arXiv:1701.06538; transformers 5.23.0 models/mixtral/modeling_mixtral.py,
// models/qwen3_moe/modeling_qwen3_moe.py.
#pragma once

#include <vector>

#include "tensor/params.h"
#include "transformers/config.h"

namespace hearth {

/// How a family stores and weighs its experts.
struct ExpertKind {
  const char *gate = "gate_proj", *up = "up_proj", *down = "down_proj";  ///< below `experts.N`
  int64_t experts = 0, experts_per_token = 0, intermediate_size = 0;
  bool is_normalized = true;  ///< the chosen experts' probabilities are divided by their sum
};

class ExpertMlp {
 public:
  /// p: where `gate`, the router, and `experts` lie.
  ExpertMlp(const Params& p, const Config& c, Activation act, const ExpertKind& kind);
  /// x + the chosen experts of norm(x), each by its probability, in the order of their numbers.
  Tensor operator()(Tensor x, const RMSNorm& norm) const;

 private:
  struct Expert {
    Linear gate, up, down;
  };
  ExpertKind kind_;
  Activation act_;
  Linear router_;
  std::vector<Expert> experts_;
};

}  // namespace hearth
