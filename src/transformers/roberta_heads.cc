#include "transformers/roberta_heads.h"

#include "transformers/heads.h"

namespace hearth {
namespace {

/// layer_norm(gelu(dense(x))) and the decoder.
class RobertaLMHead final : public RowHead {
 public:
  RobertaLMHead(const Config& c, const Params& p)
      : dense_(p / "dense", c.hidden_size, c.hidden_size, Bias::present),
        norm_(p / "layer_norm", c.hidden_size, c.layer_norm_eps),
        decoder_(p / "decoder", c.hidden_size, c.vocab_size, Bias::present) {}
  Tensor logits(const Tensor& hidden) const override {
    return decoder_(norm_(activation(dense_(hidden), Activation::gelu)));
  }

 private:
  Linear dense_;
  LayerNorm norm_;
  Linear decoder_;
};

/// out_proj(tanh(dense(the first row))).
class RobertaClassificationHead final : public Head {
 public:
  RobertaClassificationHead(const Config& c, const Params& p)
      : dense_(p / "dense", c.hidden_size, c.hidden_size, Bias::present),
        out_proj_(p / "out_proj", c.hidden_size, c.num_labels, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.logits = out_proj_(activation(dense_(index_select(hidden, first_rows(batch))), Activation::tanh));
  }

 private:
  Linear dense_, out_proj_;
};

}  // namespace

Result<std::unique_ptr<Head>> roberta_lm_head(const Config& config, const Params& root) {
  name_decoder_bias(config, root / "lm_head");
  return std::unique_ptr<Head>(std::make_unique<RobertaLMHead>(config, root / "lm_head"));
}

Result<std::unique_ptr<Head>> roberta_classification_head(const Config& config, const Params& root) {
  return std::unique_ptr<Head>(std::make_unique<RobertaClassificationHead>(config, root / "classifier"));
}

}  // namespace hearth
