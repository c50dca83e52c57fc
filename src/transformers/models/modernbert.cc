// ModernBERT: a pre-norm encoder with rotary positions, gated feed-forward parts, and layers that see a window only.
// Source: Warner et al., arXiv:2412.13663; transformers 5.23.0 models/modernbert/modeling_modernbert.py and
// configuration_modernbert.py, with the keys of its first files. Oracle: modernbert.
#include "base/text.h"
#include "transformers/heads.h"
#include "transformers/rope.h"

namespace hearth::transformers::models {
namespace {

enum class Pooling { cls, mean };

struct Options {
  Bias norm_bias, attention_bias, mlp_bias, decoder_bias, classifier_bias;
  Activation act, classifier_act;
  Pooling pooling;
  std::vector<int64_t> windows;  // one a layer; 0: the whole text
};

/// The layers' windows: `layer_types`, or all but every `global_attn_every_n_layers`-th slide.
std::vector<int64_t> read_windows(const Config& c, ConfigReader& read) {
  const auto every = read.size("global_attn_every_n_layers", 3);
  const auto half = c.sliding_window > 0 ? c.sliding_window : read.size("local_attention", 128) / 2;
  std::vector<int64_t> out;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    const bool slides =
        c.layer_types.empty() ? i % every != 0 : c.layer_types[static_cast<size_t>(i)] == "sliding_attention";
    out.push_back(slides ? half + 1 : 0);  // keys `half` positions away are seen
  }
  return out;
}

Result<Options> read_options(const Config& c) {
  ConfigReader read(c.raw);
  const auto pooling = read.text("classifier_pooling", "cls");
  if (pooling != "cls" && pooling != "mean")
    read.fail(cat("config.json: classifier_pooling '", pooling, "' is not known (cls, mean)"));
  Options out{.norm_bias = bias_if(read.flag("norm_bias", false)),
              .attention_bias = bias_if(c.attention_bias),
              .mlp_bias = bias_if(c.mlp_bias),
              .decoder_bias = bias_if(read.flag("decoder_bias", true)),
              .classifier_bias = bias_if(read.flag("classifier_bias", false)),
              .act = TRY(activation_by_name(c.hidden_act)),
              .classifier_act = TRY(activation_by_name(read.text("classifier_activation", "gelu"))),
              .pooling = pooling == "mean" ? Pooling::mean : Pooling::cls,
              .windows = read_windows(c, read)};
  TRY(read.take());
  return out;
}

/// Rotary parameters of a kind of layers; `old_key`: where older files have their theta.
Result<RopeFrequencies> frequencies(const Config& c, const char* layer_type, const char* old_key, double theta) {
  ConfigReader read(c.raw);
  auto parameters = c.rope(layer_type);
  if (!c.raw["rope_parameters"][layer_type]["rope_theta"].is_number())
    parameters.rope_theta = read.number(old_key, theta);
  if (!(parameters.rope_theta > 0)) read.fail(cat("config.json: ", old_key, " is not above 0"));
  TRY(read.take());
  return RopeFrequencies::from(c, parameters);
}

struct Layer {
  std::optional<LayerNorm> attn_norm;  // the first layer reads the normed embeddings
  Linear q, k, v, attn_out;            // q, k, v: thirds of attn.Wqkv; attn.Wo
  LayerNorm mlp_norm;
  Linear input, gate, mlp_out;  // halves of mlp.Wi; mlp.Wo

  Layer(const Params& p, const Config& c, const Options& o, int64_t index)
      : q(part(p / "attn" / "Wqkv", c.hidden_size, c.hidden_size, 0, 3, o.attention_bias)),
        k(part(p / "attn" / "Wqkv", c.hidden_size, c.hidden_size, 1, 3, o.attention_bias)),
        v(part(p / "attn" / "Wqkv", c.hidden_size, c.hidden_size, 2, 3, o.attention_bias)),
        attn_out(p / "attn" / "Wo", c.hidden_size, c.hidden_size, o.attention_bias),
        mlp_norm(p / "mlp_norm", c.hidden_size, c.layer_norm_eps, o.norm_bias),
        input(part(p / "mlp" / "Wi", c.hidden_size, c.intermediate_size, 0, 2, o.mlp_bias)),
        gate(part(p / "mlp" / "Wi", c.hidden_size, c.intermediate_size, 1, 2, o.mlp_bias)),
        mlp_out(p / "mlp" / "Wo", c.intermediate_size, c.hidden_size, o.mlp_bias) {
    if (index > 0) attn_norm.emplace(p / "attn_norm", c.hidden_size, c.layer_norm_eps, o.norm_bias);
  }

  /// The `index`-th of `count` matrices that the file holds in one.
  static Linear part(const Params& p, int64_t inputs, int64_t outputs, int64_t index, int64_t count, Bias bias) {
    return {p, inputs, outputs, bias, {.rows = {{index * outputs, outputs}}, .row_count = count * outputs}};
  }

  Tensor operator()(const Config& c, Tensor x, const Options& o, const Rope& rope, const Batch& batch,
                    size_t index) const {
    auto [queries, keys, values] = project(attn_norm ? (*attn_norm)(x) : x, q, k, v);
    const auto heads = c.num_attention_heads;
    const Tensor turned_q = rope(split_heads(std::move(queries), heads));
    const Tensor turned_k = rope(split_heads(std::move(keys), heads));
    const Tensor attended = batch.attention(index, turned_q, turned_k, split_heads(std::move(values), heads),
                                            {.causal = false, .window = o.windows[index]});
    x = attn_out.add_to(std::move(x), attended);
    const auto [inner, gates] = project(mlp_norm(x), input, gate);
    return mlp_out.add_to(std::move(x), activation(inner, o.act) * gates);
  }
};

class ModernBertModel final : public TextModel {
 public:
  ModernBertModel(const Config& c, const Params& p, Options o, RopeFrequencies global, RopeFrequencies local)
      : TextModel(c),
        options_(std::move(o)),
        global_(std::move(global)),
        local_(std::move(local)),
        tok_embeddings_(p / "embeddings" / "tok_embeddings", c.vocab_size, c.hidden_size),
        norm_(p / "embeddings" / "norm", c.hidden_size, c.layer_norm_eps, options_.norm_bias),
        final_norm_(p / "final_norm", c.hidden_size, c.layer_norm_eps, options_.norm_bias) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers_.emplace_back(p / "layers" / i, c, options_, i);
  }

  Tensor forward(const Batch& batch) const override {
    const Rope global(batch, global_), local(batch, local_);
    return through(layers_, norm_(tok_embeddings_(batch.ids)), batch, final_norm_,
                   [&](const Layer& layer, Tensor x, size_t i) {
                     const bool slides = options_.windows[i] > 0;
                     return layer(config(), std::move(x), options_, slides ? local : global, batch, i);
                   });
  }

 private:
  Options options_;
  RopeFrequencies global_, local_;
  Embedding tok_embeddings_;
  LayerNorm norm_;
  std::vector<Layer> layers_;
  LayerNorm final_norm_;
};

/// norm(act(dense(x))): what stands before the last layer of every head.
struct PredictionHead {
  Linear dense;
  Activation act;
  LayerNorm norm;

  PredictionHead(const Params& p, const Config& c, const Options& o)
      : dense(p / "dense", c.hidden_size, c.hidden_size, o.classifier_bias),
        act(o.classifier_act),
        norm(p / "norm", c.hidden_size, c.layer_norm_eps, o.norm_bias) {}
  Tensor operator()(const Tensor& x) const { return norm(activation(dense(x), act)); }
};

class RowClassifier final : public RowHead {
 public:
  RowClassifier(const Config& c, const Params& root, const Options& o, const char* name, int64_t outputs, Bias bias)
      : head_(root / "head", c, o), classifier_(root / name, c.hidden_size, outputs, bias) {}
  Tensor logits(const Tensor& hidden) const override { return classifier_(head_(hidden)); }

 private:
  PredictionHead head_;
  Linear classifier_;
};

class TextClassifier final : public Head {
 public:
  TextClassifier(const Config& c, const Params& root, const Options& o, int64_t outputs)
      : pooling_(o.pooling),
        head_(root / "head", c, o),
        classifier_(root / "classifier", c.hidden_size, outputs, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    const Tensor pooled = pooling_ == Pooling::mean ? mean_of_rows(hidden, batch)  //
                                                    : index_select(hidden, first_rows(batch));
    out.logits = classifier_(head_(pooled));
  }

 private:
  Pooling pooling_;
  PredictionHead head_;
  Linear classifier_;
};

class QuestionHead final : public Head {
 public:
  QuestionHead(const Config& c, const Params& root, const Options& o)
      : head_(root / "head", c, o), outputs_(c, root / "classifier") {}
  void operator()(const Tensor& hidden, const Batch&, ModelOutput& out) const override { outputs_(head_(hidden), out); }

 private:
  PredictionHead head_;
  SpanOutputs outputs_;
};

Result<std::unique_ptr<Head>> masked_lm(const Config& c, const Params& root) {
  const auto o = TRY(read_options(c));
  return std::unique_ptr<Head>(std::make_unique<RowClassifier>(c, root, o, "decoder", c.vocab_size, o.decoder_bias));
}
Result<std::unique_ptr<Head>> token_classifier(const Config& c, const Params& root) {
  const auto o = TRY(read_options(c));
  return std::unique_ptr<Head>(std::make_unique<RowClassifier>(c, root, o, "classifier", c.num_labels, Bias::present));
}
Result<std::unique_ptr<Head>> sequence_classifier(const Config& c, const Params& root) {
  return std::unique_ptr<Head>(std::make_unique<TextClassifier>(c, root, TRY(read_options(c)), c.num_labels));
}
Result<std::unique_ptr<Head>> choice_classifier(const Config& c, const Params& root) {
  return std::unique_ptr<Head>(std::make_unique<TextClassifier>(c, root, TRY(read_options(c)), 1));
}
Result<std::unique_ptr<Head>> question_head(const Config& c, const Params& root) {
  return std::unique_ptr<Head>(std::make_unique<QuestionHead>(c, root, TRY(read_options(c))));
}

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  auto global = TRY(frequencies(c, "full_attention", "global_rope_theta", 160'000));
  auto local = TRY(frequencies(c, "sliding_attention", "local_rope_theta", 10'000));
  return std::unique_ptr<TextModel>(
      std::make_unique<ModernBertModel>(c, p, TRY(read_options(c)), std::move(global), std::move(local)));
}

}  // namespace

extern constinit const Family modernbert_entry{
    .model_types = {"modernbert"},
    .heads = {{"ModernBertModel", Task::base},
              {"ModernBertForMaskedLM", Task::masked_lm, masked_lm},
              {"ModernBertForSequenceClassification", Task::sequence_classification, sequence_classifier},
              {"ModernBertForTokenClassification", Task::token_classification, token_classifier},
              {"ModernBertForQuestionAnswering", Task::question_answering, question_head},
              {"ModernBertForMultipleChoice", Task::multiple_choice, choice_classifier}},
    .attribute_map = {{"hidden_act", "hidden_activation"}, {"layer_norm_eps", "norm_eps"}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-5, "tie_word_embeddings": true, "pad_token_id": 50283,
                    "intermediate_size": 1152, "max_position_embeddings": 8192})",
    .input_embeddings = "embeddings.tok_embeddings",
    .output_embeddings = "decoder",
    .build = build};

}  // namespace hearth::transformers::models
