// GPT-2: decoder with learned positions, layer norms before each part, and one matrix for Q, K and V. Its matrices are
// stored as [inputs, outputs] (Conv1D).
// Source: transformers 5.23.0 models/gpt2/modeling_gpt2.py. Oracle: gpt2.
#include <cmath>

#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

/// transformers' Conv1D: outputs `begin` to `begin + outputs` of `stored`.
Linear conv1d(const Params& p, int64_t inputs, int64_t outputs, int64_t begin = 0, int64_t stored = 0) {
  if (stored == 0) return {p, inputs, outputs, Bias::present, {.is_transposed = true}};
  return {p, inputs, outputs, Bias::present, {.rows = {{begin, outputs}}, .row_count = stored, .is_transposed = true}};
}

struct Attention {
  Linear q, k, v;  // c_attn holds the three
  Linear c_proj;
  AttentionOptions options;

  Attention(const Params& p, const Config& c, int64_t layer)
      : q(conv1d(p / "c_attn", c.hidden_size, c.hidden_size, 0, 3 * c.hidden_size)),
        k(conv1d(p / "c_attn", c.hidden_size, c.hidden_size, c.hidden_size, 3 * c.hidden_size)),
        v(conv1d(p / "c_attn", c.hidden_size, c.hidden_size, 2 * c.hidden_size, 3 * c.hidden_size)),
        c_proj(conv1d(p / "c_proj", c.hidden_size, c.hidden_size)) {
    options.scale = c.raw["scale_attn_weights"].as_bool(true) ? 1 / std::sqrt(static_cast<double>(c.head_dim)) : 1;
    if (c.raw["scale_attn_by_inverse_layer_idx"].as_bool(false)) options.scale /= static_cast<double>(layer + 1);
  }

  /// residual + attention(x).
  Tensor operator()(const Config& c, Tensor residual, const Tensor& x, const Batch& batch, size_t layer) const {
    auto [queries, keys, values] = project(x, q, k, v);
    const auto heads = c.num_attention_heads;
    const Tensor out =
        batch.attention(layer, split_heads(std::move(queries), heads), split_heads(std::move(keys), heads),
                        split_heads(std::move(values), heads), options);
    return c_proj.add_to(std::move(residual), out);
  }
};

struct Layer {
  LayerNorm ln_1;
  Attention attn;
  LayerNorm ln_2;
  Linear c_fc, c_proj;

  Layer(const Params& p, const Config& c, int64_t index)
      : ln_1(p / "ln_1", c.hidden_size, c.layer_norm_eps),
        attn(p / "attn", c, index),
        ln_2(p / "ln_2", c.hidden_size, c.layer_norm_eps),
        c_fc(conv1d(p / "mlp" / "c_fc", c.hidden_size, c.intermediate_size)),
        c_proj(conv1d(p / "mlp" / "c_proj", c.intermediate_size, c.hidden_size)) {}

  Tensor operator()(const Config& c, Tensor x, Activation act, const Batch& batch, size_t index) const {
    const Tensor normal = ln_1(x);
    x = attn(c, std::move(x), normal, batch, index);
    const Tensor inner = activation(c_fc(ln_2(x)), act);
    return c_proj.add_to(std::move(x), inner);
  }
};

class GPT2Model final : public TextModel {
 public:
  GPT2Model(const Config& c, const Params& p, Activation act)
      : TextModel(c),
        act_(act),
        wte_(p / "wte", c.vocab_size, c.hidden_size),
        wpe_(p / "wpe", c.max_position_embeddings, c.hidden_size),
        ln_f_(p / "ln_f", c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) h_.emplace_back(p / "h" / i, c, i);
  }

  Tensor forward(const Batch& batch) const override {
    return through(
        h_, wte_(batch.ids) + wpe_(batch.positions), batch, ln_f_,
        [&](const Layer& layer, Tensor x, size_t i) { return layer(config(), std::move(x), act_, batch, i); });
  }

 private:
  Activation act_;
  Embedding wte_, wpe_;
  std::vector<Layer> h_;
  LayerNorm ln_f_;
};

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  const auto act = TRY(activation_by_name(config.hidden_act));
  return std::unique_ptr<TextModel>(std::make_unique<GPT2Model>(config, p, act));
}

}  // namespace

extern constinit const Family gpt2_entry{
    .model_types = {"gpt2"},
    .base_model_prefix = "transformer",
    .heads = {{"GPT2LMHeadModel", Task::causal_lm, lm_head},
              {"GPT2Model", Task::base},
              {"GPT2ForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"GPT2ForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"GPT2ForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"gpt2"},
    .attribute_map = {{"hidden_size", "n_embd"},
                      {"num_hidden_layers", "n_layer"},
                      {"num_attention_heads", "n_head"},
                      {"max_position_embeddings", "n_positions"},
                      {"intermediate_size", "n_inner"},
                      {"hidden_act", "activation_function"},
                      {"layer_norm_eps", "layer_norm_epsilon"}},
    .defaults = R"({"hidden_act": "gelu_new", "layer_norm_eps": 1e-5, "tie_word_embeddings": true,
                    "max_position_embeddings": 1024, "eos_token_id": 50256})",
    .input_embeddings = "wte",
    .build = build};

}  // namespace hearth::transformers::models
