// ExpertMlp: a feed-forward part of which each token reads a few of many: a router picks the experts.
// Source: Shazeer et al., arXiv:1701.06538; transformers 5.23.0 models/mixtral/modeling_mixtral.py,
// models/qwen3_moe/modeling_qwen3_moe.py, models/deepseek_v2 and deepseek_v3 (groups, corrections, shared experts).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tensor/params.h"
#include "transformers/config.h"

namespace hearth {

/// What a router's logits become.
enum class RouterScore { softmax, sigmoid };

/// How a family stores and weighs its experts.
struct ExpertKind {
  const char *gate = "gate_proj", *up = "up_proj", *down = "down_proj";  ///< below `experts.N`
  int64_t experts = 0, experts_per_token = 0, intermediate_size = 0;
  bool is_normalized = true;  ///< the chosen experts' scores are divided by their sum
  RouterScore score = RouterScore::softmax;
  bool has_correction = false;  ///< `e_score_correction_bias` is added to choose, not to weigh
  double factor = 1;            ///< of every chosen expert's score
  /// Experts are chosen from the best groups, by their best expert (softmax) or their best two (sigmoid); 0: from all.
  int64_t groups = 0, groups_per_token = 0;
  int64_t shared_intermediate_size = 0;  ///< of `shared_experts`, which every token reads; 0: there are none
  Bias shared_bias = Bias::none;
};
/// bad_input where more is chosen than there is.
Status check_experts(const ExpertKind& kind);

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
  std::vector<float> correction_;
  std::vector<Expert> experts_;
  std::optional<Expert> shared_;
};

}  // namespace hearth
