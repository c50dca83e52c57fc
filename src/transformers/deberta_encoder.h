// DebertaEncoder: the stack of DeBERTa and DeBERTa-v2/v3. Beside each token's content stands its distance to the
// others: scores are content to content, content to position and position to content, each with products of its own.
// The families differ in how layers project, and in how distances are counted.
// Source: He et al., arXiv:2006.03654 and arXiv:2111.09543; transformers 5.23.0 models/deberta_v2/
// modeling_deberta_v2.py, models/deberta/modeling_deberta.py.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tensor/params.h"
#include "transformers/text_model.h"

namespace hearth {

/// How far apart two tokens are, as a row of the table of relative embeddings.
struct DebertaDistances {
  int64_t span = 0;          ///< the table has 2 * span rows; distance 0 is row `span`
  int64_t buckets = 0;       ///< above 0: distances beyond buckets / 2 fall into logarithmic bins
  int64_t max_distance = 0;  ///< where the bins end

  /// `distance`: the query's position minus the key's.
  int32_t row(int64_t distance) const;
};

struct DebertaOptions {
  int64_t embedding_size = 0, type_vocab_size = 0;
  bool position_biased_input = true;
  bool relative_attention = false;
  std::vector<std::string> pos_att_type;
  bool has_c2p = false, has_p2c = false;  ///< relative_attention with "c2p" and "p2c" of pos_att_type
  int64_t score_kinds = 1;                ///< scores that are added up: all are divided by sqrt(head_dim * score_kinds)
  bool share_att_key = false;             ///< distances pass the projections of the content
  bool norm_rel_ebd = false;              ///< the relative embeddings are normed
  DebertaDistances distances;
  int64_t conv_kernel_size = 0, conv_groups = 1;  ///< a convolution beside the first layer; 0: none
  Activation act = Activation::gelu, conv_act = Activation::tanh;
};

/// The keys that both families have.
Result<DebertaOptions> read_deberta_options(const Config& config);

/// What a layer multiplies its input with, and the relative embeddings.
struct DebertaProjections {
  Linear query, key, value;
  std::optional<Linear> pos_key, pos_query;  ///< where relative attention has them
};
using MakeDebertaProjections = DebertaProjections(const Params& attention, const Config& config,
                                                  const DebertaOptions& options);

/// The stack. `make`: a family's projections, below "attention.self" of a layer.
Result<std::unique_ptr<TextModel>> build_deberta_encoder(const Config& config, const Params& p,
                                                         const DebertaOptions& options, MakeDebertaProjections* make);

/// cls.predictions, or lm_predictions where `legacy` is false: masked words. -> RowHead
Result<std::unique_ptr<Head>> deberta_masked_lm(const Config& config, const Params& root);
/// A text's class: `classifier` on the context pooler, act(dense(the first row)).
Result<std::unique_ptr<Head>> deberta_classifier(const Config& config, const Params& root);
/// The same with one output: which of several texts goes on.
Result<std::unique_ptr<Head>> deberta_choice(const Config& config, const Params& root);

}  // namespace hearth
