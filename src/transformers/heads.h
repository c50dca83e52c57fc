// The heads that several families share: their rows name them by function.
// Source: transformers 5.23.0 modeling_layers.py (GenericForSequenceClassification and its siblings).
#pragma once

#include <memory>

#include "transformers/text_model.h"

namespace hearth {

/// lm_head, without a bias; `final_logit_softcapping` of Gemma. -> RowHead
Result<std::unique_ptr<Head>> lm_head(const Config& config, const Params& root);
/// lm_head with a bias.
Result<std::unique_ptr<Head>> lm_head_with_bias(const Config& config, const Params& root);
/// A decoder's text classification: `score` of the right-most row whose id is not the pad token's.
Result<std::unique_ptr<Head>> score_of_last_token(const Config& config, const Params& root);
/// Token classification: a layer `score`, or `classifier`, with a bias.
Result<std::unique_ptr<Head>> score_of_tokens(const Config& config, const Params& root);
Result<std::unique_ptr<Head>> classifier_of_tokens(const Config& config, const Params& root);
/// An encoder-decoder's text classification: `classification_head` of the decoder's row at the source's last eos token.
Result<std::unique_ptr<Head>> classifier_of_last_eos(const Config& config, const Params& root);
/// Where an answer starts and where it ends: the two outputs of one layer.
class SpanOutputs {
 public:
  /// p: the layer.
  SpanOutputs(const Config& c, const Params& p)
      : start_(p, c.hidden_size, 1, Bias::present, {.rows = {{0, 1}}, .row_count = 2}),
        end_(p, c.hidden_size, 1, Bias::present, {.rows = {{1, 1}}, .row_count = 2}) {}
  void operator()(const Tensor& hidden, ModelOutput& out) const {
    auto [start, end] = project(hidden, start_, end_);
    out.start_logits = std::move(start);
    out.end_logits = std::move(end);
  }

 private:
  Linear start_, end_;
};
/// Question answering: `qa_outputs`, whose first output says where an answer starts, the second where it ends.
Result<std::unique_ptr<Head>> qa_outputs(const Config& config, const Params& root);

/// Names the bias of `decoder` below p, a head of masked words: files have it as p's own `bias`, newer ones under both
/// names, and the first counts unless the embeddings are not tied.
void name_decoder_bias(const Config& config, const Params& p);

/// The mean of each sequence's rows: [rows, width] -> [sequences, width].
Tensor mean_of_rows(const Tensor& x, const Batch& batch);
/// A row for each sequence: its first.
std::vector<int64_t> first_rows(const Batch& batch);
/// The right-most whose id is not `pad_token_id`; without one the last.
std::vector<int64_t> last_rows(const Batch& batch, std::optional<int32_t> pad_token_id);

}  // namespace hearth
