#include "transformers/t5_stack.h"

#include <cmath>
#include <optional>
#include <variant>

#include "base/text.h"
#include "transformers/relative_positions.h"

namespace hearth {
namespace {

/// What the configuration says beyond Config.
struct Sizes {
  int64_t layers, decoder_layers, ffn_dim;
  bool is_gated;
  Activation act;
  RelativeBuckets buckets;
};

Result<Sizes> read_sizes(const Config& c) {
  ConfigReader read(c.raw);
  const auto proj = read.text("feed_forward_proj", "relu");
  const bool is_gated = proj.starts_with("gated-");
  const auto act = is_gated ? proj.substr(std::string_view("gated-").size()) : proj;
  Sizes out{.layers = c.num_hidden_layers,
            .decoder_layers = read.size("num_decoder_layers", c.num_hidden_layers),
            .ffn_dim = read.size("d_ff", 2048),
            .is_gated = is_gated,
            // Source: configuration_t5.py: of gated ones, "gelu" is the tanh formula.
            .act = TRY(activation_by_name(proj == "gated-gelu" ? "gelu_new" : act)),
            .buckets = {.num_buckets = read.size("relative_attention_num_buckets", 32),
                        .max_distance = read.size("relative_attention_max_distance", 128)}};
  constexpr int64_t kLayersMax = 10'000;
  if (out.decoder_layers > kLayersMax) read.fail(cat("config.json: ", out.decoder_layers, " num_decoder_layers"));
  TRY(read.take());
  for (const bool bidirectional : {true, false}) {
    out.buckets.bidirectional = bidirectional;
    TRY(out.buckets.check());
  }
  return out;
}

struct Attention {
  Linear q, k, v, o;

  Attention(const Params& p, int64_t width, int64_t inner)
      : q(p / "q", width, inner), k(p / "k", width, inner), v(p / "v", width, inner), o(p / "o", inner, width) {}
};

/// Attention to the encoder.
struct CrossAttention {
  RMSNorm layer_norm;
  Attention attention;

  CrossAttention(const Params& p, const Config& c)
      : layer_norm(p / "layer_norm", c.hidden_size, c.rms_norm_eps),
        attention(p / "EncDecAttention", c.hidden_size, c.num_attention_heads * c.head_dim) {
    p.store().ignore((p / "EncDecAttention" / "relative_attention_bias").name("weight"));  // files of 2020 have it
  }
};

/// x + wo(act(wi(norm(x)))).
struct PlainMlp {
  Linear wi, wo;

  PlainMlp(const Params& p, int64_t width, int64_t inner) : wi(p / "wi", width, inner), wo(p / "wo", inner, width) {}
  Tensor operator()(Tensor x, const RMSNorm& norm, Activation act) const {
    auto [inner] = project(norm, x, wi);
    return wo.add_to(std::move(x), activation(inner, act));
  }
};

/// x + wo(act(wi_0(norm(x))) * wi_1(norm(x))).
struct GatedMlp {
  Linear wi_0, wi_1, wo;

  GatedMlp(const Params& p, int64_t width, int64_t inner)
      : wi_0(p / "wi_0", width, inner), wi_1(p / "wi_1", width, inner), wo(p / "wo", inner, width) {}
  Tensor operator()(Tensor x, const RMSNorm& norm, Activation act) const {
    return gated_mlp(std::move(x), norm, act, wi_0, wi_1, wo);
  }
};

struct Block {
  RMSNorm self_norm;
  Attention self_attention;
  std::optional<CrossAttention> cross;
  RMSNorm mlp_norm;
  std::variant<PlainMlp, GatedMlp> mlp;

  Block(const Params& p, const Config& c, const Sizes& sizes, bool is_decoder)
      : self_norm(p / "layer" / 0 / "layer_norm", c.hidden_size, c.rms_norm_eps),
        self_attention(p / "layer" / 0 / "SelfAttention", c.hidden_size, c.num_attention_heads * c.head_dim),
        mlp_norm(mlp_place(p, is_decoder) / "layer_norm", c.hidden_size, c.rms_norm_eps),
        mlp([&]() -> decltype(mlp) {
          const auto place = mlp_place(p, is_decoder) / "DenseReluDense";
          if (sizes.is_gated) return GatedMlp(place, c.hidden_size, sizes.ffn_dim);
          return PlainMlp(place, c.hidden_size, sizes.ffn_dim);
        }()) {
    if (is_decoder) cross.emplace(p / "layer" / 1, c);
  }

  Tensor operator()(Tensor x, int64_t heads, Activation act, const Batch& batch, size_t index,
                    std::span<const Tensor> biases) const {
    auto [q, k, v] = project(self_norm, x, self_attention.q, self_attention.k, self_attention.v);
    const Tensor seen =
        batch.attention(index, split_heads(std::move(q), heads), split_heads(std::move(k), heads),
                        split_heads(std::move(v), heads), {.causal = cross.has_value(), .scale = 1}, biases);
    x = self_attention.o.add_to(std::move(x), seen);
    if (cross) {
      auto [question] = project(cross->layer_norm, x, cross->attention.q);
      const Tensor read = batch.cross_attention(index, split_heads(std::move(question), heads), {.scale = 1});
      x = cross->attention.o.add_to(std::move(x), read);
    }
    return std::visit([&](const auto& part) { return part(std::move(x), mlp_norm, act); }, mlp);
  }

  static Params mlp_place(const Params& p, bool is_decoder) { return p / "layer" / (is_decoder ? 2 : 1); }
};

/// Embeddings and layers of one side.
class Half {
 public:
  /// p: "encoder" or "decoder".
  Half(const Params& p, const Config& c, const Sizes& sizes, const T5Kind& kind, bool is_decoder)
      : act_(sizes.act),
        embed_tokens_(p / "embed_tokens", c.vocab_size, c.hidden_size),
        final_layer_norm_(p / "final_layer_norm", c.hidden_size, c.rms_norm_eps) {
    auto buckets = sizes.buckets;
    buckets.bidirectional = !is_decoder;
    for (int64_t i = 0; i < (is_decoder ? sizes.decoder_layers : sizes.layers); ++i) {
      const auto block = p / "block" / i;
      blocks_.emplace_back(block, c, sizes, is_decoder);
      if (i == 0 || kind.has_bias_in_each_layer)
        biases_.emplace_back(block / "layer" / 0 / "SelfAttention" / "relative_attention_bias", c.num_attention_heads,
                             buckets);
    }
  }

  Tensor operator()(const Config& c, const Batch& batch) const {
    std::vector<Tensor> biases;
    return through(blocks_, embed_tokens_(batch.ids), batch, final_layer_norm_,
                   [&](const Block& block, Tensor x, size_t i) {
                     if (i < biases_.size()) biases = biases_[i](batch);
                     return block(std::move(x), c.num_attention_heads, act_, batch, i, biases);
                   });
  }

  CrossCache cross(const Config& c, const Tensor& encoded) const {
    CrossCache out;
    const auto by_head = [&](Tensor x) {
      return contiguous(split_heads(std::move(x), c.num_attention_heads).transpose(0, 1));
    };
    for (const auto& block : blocks_) {
      auto [k, v] = project(encoded, block.cross->attention.k, block.cross->attention.v);
      out.layers.push_back({by_head(std::move(k)), by_head(std::move(v))});
    }
    return out;
  }

  int64_t layers() const { return static_cast<int64_t>(blocks_.size()); }

 private:
  Activation act_;
  Embedding embed_tokens_;
  std::vector<Block> blocks_;
  std::vector<RelativeAttentionBias> biases_;
  RMSNorm final_layer_norm_;
};

class T5Stack final : public Seq2SeqModel {
 public:
  T5Stack(const Config& c, const Params& p, const Sizes& sizes, const T5Kind& kind)
      : Seq2SeqModel(c),
        encoder_(p / "encoder", c, sizes, kind, false),
        decoder_(p / "decoder", c, sizes, kind, true) {}

  Tensor encode(const Batch& batch) const override { return encoder_(config(), batch); }
  CrossCache cross(const Tensor& encoded) const override { return decoder_.cross(config(), encoded); }
  Tensor forward(const Batch& batch) const override { return decoder_(config(), batch); }
  CacheShape cache_shape() const override {
    return {decoder_.layers(), config().num_attention_heads, config().head_dim};
  }
  DecoderInputs decoder_inputs() const override { return DecoderInputs::after_start_token; }

 private:
  Half encoder_, decoder_;
};

class T5Encoder final : public TextModel {
 public:
  T5Encoder(const Config& c, const Params& p, const Sizes& sizes, const T5Kind& kind)
      : TextModel(c), encoder_(p / "encoder", c, sizes, kind, false) {}
  Tensor forward(const Batch& batch) const override { return encoder_(config(), batch); }

 private:
  Half encoder_;
};

/// One table of words under up to four names, whatever tie_word_embeddings says: only lm_head may be another.
void tie_embeddings(const Params& p) {
  const auto shared = (p / "shared").name("weight");
  for (const auto side : {"encoder", "decoder"}) p.store().tie((p / side / "embed_tokens").name("weight"), shared);
  p.store().tie("lm_head.weight", shared);
  p.store().ignore(shared);
}

class T5LmHead final : public RowHead {
 public:
  T5LmHead(const Config& c, const Params& root, double factor)
      : lm_head_(root / "lm_head", c.hidden_size, c.vocab_size), factor_(factor) {}
  Tensor logits(const Tensor& hidden) const override {
    return lm_head_(factor_ == 1 ? hidden : scale(hidden, factor_));
  }

 private:
  Linear lm_head_;
  double factor_;
};

}  // namespace

Result<std::unique_ptr<TextModel>> build_t5_stack(const Config& config, const Params& p, const T5Kind& kind) {
  const auto sizes = TRY(read_sizes(config));
  tie_embeddings(p);
  return std::unique_ptr<TextModel>(std::make_unique<T5Stack>(config, p, sizes, kind));
}

Result<std::unique_ptr<TextModel>> build_t5_encoder(const Config& config, const Params& p, const T5Kind& kind) {
  const auto sizes = TRY(read_sizes(config));
  tie_embeddings(p);
  return std::unique_ptr<TextModel>(std::make_unique<T5Encoder>(config, p, sizes, kind));
}

Result<std::unique_ptr<Head>> t5_lm_head(const Config& config, const Params& root, bool is_scaled) {
  const double factor = is_scaled ? 1 / std::sqrt(static_cast<double>(config.hidden_size)) : 1;
  return std::unique_ptr<Head>(std::make_unique<T5LmHead>(config, root, factor));
}

}  // namespace hearth
