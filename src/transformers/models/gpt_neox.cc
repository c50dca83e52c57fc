// GPT-NeoX and Pythia: decoder whose attention and feed-forward part read the same input through norms of their own
// and are added together; rotary positions on a part of each head; Q, K and V of a head lie together in one matrix.
// Source: Black et al., arXiv:2204.06745; transformers 5.23.0 models/gpt_neox/modeling_gpt_neox.py.
// Oracle: gpt-neox, gpt-neox-serial.
#include "transformers/fused_qkv.h"
#include "transformers/heads.h"
#include "transformers/rope.h"

namespace hearth::transformers::models {
namespace {

struct Layer {
  LayerNorm input_layernorm, post_attention_layernorm;
  Linear q, k, v, dense, dense_h_to_4h, dense_4h_to_h;

  Layer(const Params& p, const Config& c, Bias bias)
      : input_layernorm(p / "input_layernorm", c.hidden_size, c.layer_norm_eps),
        post_attention_layernorm(p / "post_attention_layernorm", c.hidden_size, c.layer_norm_eps),
        q(projection(p, c, bias, QkvPart::q)),
        k(projection(p, c, bias, QkvPart::k)),
        v(projection(p, c, bias, QkvPart::v)),
        dense(p / "attention" / "dense", c.hidden_size, c.hidden_size, bias),
        dense_h_to_4h(p / "mlp" / "dense_h_to_4h", c.hidden_size, c.intermediate_size, Bias::present),
        dense_4h_to_h(p / "mlp" / "dense_4h_to_h", c.intermediate_size, c.hidden_size, Bias::present) {}

  /// Parallel: x + attention(norm(x)) + mlp(norm'(x)); else the second norm reads what the attention has added to.
  Tensor operator()(const Config& c, bool is_parallel, const Tensor& x, Activation act, const Rope& rope,
                    const Batch& batch, size_t index) const {
    const auto heads = c.num_attention_heads;
    auto [queries, keys, values] = project(input_layernorm(x), q, k, v);
    const Tensor out =
        batch.attention(index, rope(split_heads(std::move(queries), heads)), rope(split_heads(std::move(keys), heads)),
                        split_heads(std::move(values), heads));
    Tensor attended = dense.add_to(x, out);
    const Tensor inner = activation(dense_h_to_4h(post_attention_layernorm(is_parallel ? x : attended)), act);
    return dense_4h_to_h.add_to(std::move(attended), inner);
  }

 private:
  static Linear projection(const Params& p, const Config& c, Bias bias, QkvPart part) {
    const auto heads = c.num_attention_heads;
    return {p / "attention" / "query_key_value", c.hidden_size, c.hidden_size, bias,
            qkv_rows(part, heads, heads, c.hidden_size / heads)};
  }
};

class GPTNeoXModel final : public TextModel {
 public:
  GPTNeoXModel(const Config& c, const Params& p, Activation act, bool is_parallel, RopeFrequencies frequencies)
      : TextModel(c),
        act_(act),
        is_parallel_(is_parallel),
        frequencies_(std::move(frequencies)),
        embed_in_(p / "embed_in", c.vocab_size, c.hidden_size),
        final_layer_norm_(p / "final_layer_norm", c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i)
      layers_.emplace_back(p / "layers" / i, c, bias_if(c.attention_bias));
  }

  Tensor forward(const Batch& batch) const override {
    const Rope rope(batch, frequencies_);
    return through(layers_, embed_in_(batch.ids), batch, final_layer_norm_,
                   [&](const Layer& layer, const Tensor& x, size_t i) {
                     return layer(config(), is_parallel_, x, act_, rope, batch, i);
                   });
  }

 private:
  Activation act_;
  bool is_parallel_;
  RopeFrequencies frequencies_;
  Embedding embed_in_;
  std::vector<Layer> layers_;
  LayerNorm final_layer_norm_;
};

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const bool is_parallel = read.flag("use_parallel_residual", true);
  TRY(read.take());
  const auto act = TRY(activation_by_name(c.hidden_act));
  auto frequencies = TRY(RopeFrequencies::from(c));
  return std::unique_ptr<TextModel>(std::make_unique<GPTNeoXModel>(c, p, act, is_parallel, std::move(frequencies)));
}

}  // namespace

extern constinit const Family gpt_neox_entry{
    .model_types = {"gpt_neox"},
    .base_model_prefix = "gpt_neox",
    .heads = {{"GPTNeoXForCausalLM", Task::causal_lm, lm_head},
              {"GPTNeoXModel", Task::base},
              {"GPTNeoXForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"GPTNeoXForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"GPTNeoXForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"gptneox"},
    .attribute_map = {{"partial_rotary_factor", "rotary_pct"}, {"rope_theta", "rotary_emb_base"}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.25,
                    "attention_bias": true, "max_position_embeddings": 2048, "eos_token_id": 2})",
    .input_embeddings = "embed_in",
    .build = build};

}  // namespace hearth::transformers::models
