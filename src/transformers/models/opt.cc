// OPT (and Galactica): decoder with learned positions and ReLU; layer norms stand before each part, or, in the 350M
// model, after it. That model's embeddings are narrower than its layers and pass a matrix on either end.
// Source: Zhang et al., arXiv:2205.01068; transformers 5.23.0 models/opt/modeling_opt.py. Oracle: opt, opt-350m.
#include <optional>

#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

/// The keys of this family.
struct Options {
  bool is_norm_before, has_last_norm, has_affine_norms;
  Bias bias;
  int64_t word_embed_proj_dim;

  static Result<Options> read(const Config& c) {
    ConfigReader read(c.raw);
    Options o{.is_norm_before = read.flag("do_layer_norm_before", true),
              .has_last_norm = !read.flag("_remove_final_layer_norm", false),
              .has_affine_norms = read.flag("layer_norm_elementwise_affine", true),
              .bias = bias_if(read.flag("enable_bias", true)),
              .word_embed_proj_dim = read.size("word_embed_proj_dim", c.hidden_size)};
    TRY(read.take());
    o.has_last_norm &= o.is_norm_before;
    return o;
  }
};

LayerNorm layer_norm(const Params& p, const Config& c, const Options& o) {
  constexpr double kEps = 1e-5;  // torch's own: the configuration has none
  return o.has_affine_norms ? LayerNorm(p, c.hidden_size, kEps) : LayerNorm(p.store().backend(), c.hidden_size, kEps);
}

struct Layer {
  Linear q_proj, k_proj, v_proj, out_proj, fc1, fc2;
  LayerNorm self_attn_layer_norm, final_layer_norm;

  Layer(const Params& p, const Config& c, const Options& o)
      : q_proj(p / "self_attn" / "q_proj", c.hidden_size, c.hidden_size, o.bias),
        k_proj(p / "self_attn" / "k_proj", c.hidden_size, c.hidden_size, o.bias),
        v_proj(p / "self_attn" / "v_proj", c.hidden_size, c.hidden_size, o.bias),
        out_proj(p / "self_attn" / "out_proj", c.hidden_size, c.hidden_size, o.bias),
        fc1(p / "fc1", c.hidden_size, c.intermediate_size, o.bias),
        fc2(p / "fc2", c.intermediate_size, c.hidden_size, o.bias),
        self_attn_layer_norm(layer_norm(p / "self_attn_layer_norm", c, o)),
        final_layer_norm(layer_norm(p / "final_layer_norm", c, o)) {}

  Tensor operator()(const Config& c, const Options& o, Tensor x, Activation act, const Batch& batch,
                    size_t index) const {
    const auto heads = c.num_attention_heads;
    auto [q, k, v] = project(o.is_norm_before ? self_attn_layer_norm(x) : x, q_proj, k_proj, v_proj);
    const Tensor out = batch.attention(index, split_heads(std::move(q), heads), split_heads(std::move(k), heads),
                                       split_heads(std::move(v), heads));
    x = out_proj.add_to(std::move(x), out);
    if (!o.is_norm_before) x = self_attn_layer_norm(x);
    const Tensor inner = activation(fc1(o.is_norm_before ? final_layer_norm(x) : x), act);
    x = fc2.add_to(std::move(x), inner);
    return o.is_norm_before ? x : final_layer_norm(x);
  }
};

class OPTModel final : public TextModel {
 public:
  OPTModel(const Config& c, const Params& p, const Options& o, Activation act)
      : TextModel(c),
        options_(o),
        act_(act),
        embed_tokens_(p / "embed_tokens", c.vocab_size, o.word_embed_proj_dim),
        embed_positions_(p / "embed_positions", c.max_position_embeddings + kOffset, c.hidden_size) {
    if (o.word_embed_proj_dim != c.hidden_size) {
      project_in_.emplace(p / "project_in", o.word_embed_proj_dim, c.hidden_size);
      project_out_.emplace(p / "project_out", c.hidden_size, o.word_embed_proj_dim);
    }
    if (o.has_last_norm) final_layer_norm_.emplace(layer_norm(p / "final_layer_norm", c, o));
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers_.emplace_back(p / "layers" / i, c, o);
  }

  Tensor forward(const Batch& batch) const override {
    auto positions = batch.ranks();  // padding takes none
    for (auto& position : positions) position += kOffset;
    Tensor x = embed_tokens_(batch.ids);
    if (project_in_) x = (*project_in_)(x);
    const auto last = [&](Tensor out) {
      if (final_layer_norm_) out = (*final_layer_norm_)(out);
      return project_out_ ? (*project_out_)(out) : out;
    };
    return through(layers_, x + embed_positions_(positions), batch, last, [&](const Layer& layer, Tensor in, size_t i) {
      return layer(config(), options_, std::move(in), act_, batch, i);
    });
  }

 private:
  static constexpr int32_t kOffset = 2;  // the table's first rows were never used

  Options options_;
  Activation act_;
  Embedding embed_tokens_, embed_positions_;
  std::optional<Linear> project_in_, project_out_;
  std::vector<Layer> layers_;
  std::optional<LayerNorm> final_layer_norm_;
};

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  const auto options = TRY(Options::read(c));
  const auto act = TRY(activation_by_name(c.hidden_act));
  return std::unique_ptr<TextModel>(std::make_unique<OPTModel>(c, p / "decoder", options, act));
}

/// A head on what project_out gives.
template <Result<std::unique_ptr<Head>> (*build_head)(const Config&, const Params&)>
Result<std::unique_ptr<Head>> on_projected(const Config& c, const Params& root) {
  auto projected = c;
  projected.hidden_size = TRY(Options::read(c)).word_embed_proj_dim;
  return build_head(projected, root);
}

}  // namespace

extern constinit const Family opt_entry{
    .model_types = {"opt"},
    .heads = {{"OPTForCausalLM", Task::causal_lm, on_projected<lm_head>},
              {"OPTModel", Task::base},
              {"OPTForSequenceClassification", Task::sequence_classification, on_projected<score_of_last_token>},
              {"OPTForQuestionAnswering", Task::question_answering, on_projected<qa_outputs>}},
    .attribute_map = {{"hidden_act", "activation_function"}, {"intermediate_size", "ffn_dim"}},
    .defaults = R"({"hidden_act": "relu", "tie_word_embeddings": true, "max_position_embeddings": 2048,
                    "pad_token_id": 1, "eos_token_id": 2})",
    .input_embeddings = "decoder.embed_tokens",
    .build = build};

}  // namespace hearth::transformers::models
