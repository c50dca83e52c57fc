#include "transformers/seq2seq_stack.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"

namespace hearth {
namespace {

constexpr double kNormEps = 1e-5;  // torch.nn.LayerNorm's own: no configuration changes it

/// What one side's layers are like.
struct Side {
  const char* name;  // "encoder" or "decoder"
  int64_t layers, heads, ffn_dim, vocab_size;
};

/// What the configuration says about both.
struct Sizes {
  int64_t width, positions;
  bool is_shared;  // the embeddings of both sides are one table
  Side encoder, decoder;
  double embedding_scale;
  Activation act;
};

/// Marian's encoder and decoder may have a vocabulary each.
bool is_shared(const Config& c) {
  return c.raw["share_encoder_decoder_embeddings"].as_bool(true);
}
int64_t decoder_vocab_size(const Config& c, ConfigReader& read) {
  return is_shared(c) ? c.vocab_size : read.size("decoder_vocab_size", c.vocab_size);
}

Result<Sizes> read_sizes(const Config& c, const Seq2SeqKind& kind) {
  ConfigReader read(c.raw);
  const auto side = [&](const char* name, int64_t vocab_size) {
    const auto key = [name](std::string_view rest) { return cat(name, rest); };
    return Side{.name = name,
                .layers = read.size(key("_layers"), 12),
                .heads = read.size(key("_attention_heads"), 16),
                .ffn_dim = read.size(key("_ffn_dim"), 4096),
                .vocab_size = vocab_size};
  };
  Sizes out{.width = c.hidden_size,
            .positions = c.max_position_embeddings,
            .is_shared = is_shared(c),
            .encoder = side("encoder", c.vocab_size),
            .decoder = side("decoder", decoder_vocab_size(c, read)),
            .embedding_scale = read.flag("scale_embedding", false) ? std::sqrt(static_cast<double>(c.hidden_size)) : 1,
            .act = TRY(activation_by_name(read.text("activation_function", "gelu")))};
  constexpr int64_t kLayersMax = 10'000, kTableMax = int64_t{1} << 28;
  for (const auto& s : {out.encoder, out.decoder}) {
    if (s.layers > kLayersMax) read.fail(cat("config.json: ", s.layers, " ", s.name, "_layers"));
    if (s.heads > 0 && out.width % s.heads != 0)
      read.fail(
          cat("config.json: d_model ", out.width, " is not a multiple of ", s.name, "_attention_heads ", s.heads));
  }
  if (kind.is_sinusoidal && out.positions > kTableMax / out.width)
    read.fail(cat("config.json: max_position_embeddings is ", out.positions, " with d_model ", out.width));
  TRY(read.take());
  return out;
}

/// sin and cos of position / 10000^(2i / width): the sines first, then the cosines.
/// Source: transformers 5.23.0 MarianSinusoidalPositionalEmbedding.create_weight (f64, then rounded).
void set_sinusoids(ParamStore& store, const std::string& name, int64_t positions, int64_t width) {
  auto table = std::make_shared<std::vector<float>>(static_cast<size_t>(positions * width));
  const int64_t sines = (width + 1) / 2;
  for (int64_t i = 0; i < width; ++i) {
    const auto pair = i < sines ? i : i - sines;
    const double period = std::pow(10000.0, static_cast<double>(2 * pair) / static_cast<double>(width));
    for (int64_t position = 0; position < positions; ++position) {
      const double angle = static_cast<double>(position) / period;
      (*table)[static_cast<size_t>(position * width + i)] =
          static_cast<float>(i < sines ? std::sin(angle) : std::cos(angle));
    }
  }
  const auto bytes = std::as_bytes(std::span(*table));
  store.set({.name = name, .dtype = DType::f32, .shape = {positions, width}, .data = bytes, .owner = std::move(table)});
}

/// x + output(inner(x)) and its norm: before inner, or after the sum.
template <class Inner>
Tensor part(Tensor x, bool norm_first, const LayerNorm& norm, const Linear& output, const Inner& inner) {
  const Tensor made = inner(norm_first ? norm(x) : x);
  x = output.add_to(std::move(x), made);
  return norm_first ? x : norm(x);
}

struct Attention {
  Linear q_proj, k_proj, v_proj, out_proj;

  Attention(const Params& p, int64_t width)
      : q_proj(p / "q_proj", width, width, Bias::present),
        k_proj(p / "k_proj", width, width, Bias::present),
        v_proj(p / "v_proj", width, width, Bias::present),
        out_proj(p / "out_proj", width, width, Bias::present) {}
};

/// Attention to the encoder.
struct CrossAttention {
  Attention encoder_attn;
  LayerNorm norm;

  CrossAttention(const Params& layer, int64_t width)
      : encoder_attn(layer / "encoder_attn", width), norm(layer / "encoder_attn_layer_norm", width, kNormEps) {}
};

/// A file of a decoder alone has what would read an encoder, unused.
void ignore_cross_attention(const Params& layer) {
  for (const auto name : {"q_proj", "k_proj", "v_proj", "out_proj"})
    for (const auto leaf : {"weight", "bias"}) layer.store().ignore((layer / "encoder_attn" / name).name(leaf));
  for (const auto leaf : {"weight", "bias"}) layer.store().ignore((layer / "encoder_attn_layer_norm").name(leaf));
}

struct Layer {
  Attention self_attn;
  LayerNorm self_attn_layer_norm;
  std::optional<CrossAttention> cross;
  Linear fc1, fc2;
  LayerNorm final_layer_norm;

  Layer(const Params& p, int64_t width, int64_t ffn_dim)
      : self_attn(p / "self_attn", width),
        self_attn_layer_norm(p / "self_attn_layer_norm", width, kNormEps),
        fc1(p / "fc1", width, ffn_dim, Bias::present),
        fc2(p / "fc2", ffn_dim, width, Bias::present),
        final_layer_norm(p / "final_layer_norm", width, kNormEps) {}

  Tensor operator()(Tensor x, bool norm_first, int64_t heads, bool causal, Activation act, const Batch& batch,
                    size_t index) const {
    x = part(std::move(x), norm_first, self_attn_layer_norm, self_attn.out_proj, [&](const Tensor& in) {
      auto [q, k, v] = project(in, self_attn.q_proj, self_attn.k_proj, self_attn.v_proj);
      return batch.attention(index, split_heads(std::move(q), heads), split_heads(std::move(k), heads),
                             split_heads(std::move(v), heads), {.causal = causal});
    });
    if (cross)
      x = part(std::move(x), norm_first, cross->norm, cross->encoder_attn.out_proj, [&](const Tensor& in) {
        return batch.cross_attention(index, split_heads(cross->encoder_attn.q_proj(in), heads));
      });
    return part(std::move(x), norm_first, final_layer_norm, fc2,
                [&](const Tensor& in) { return activation(fc1(in), act); });
  }
};

enum class Role { encoder, decoder, decoder_alone };

/// Embeddings and layers of one side.
class Half {
 public:
  /// p: the model's.
  Half(const Params& p, const Sizes& sizes, const Seq2SeqKind& kind, Role role)
      : side_(role == Role::encoder ? sizes.encoder : sizes.decoder),
        kind_(kind),
        role_(role),
        scale_(sizes.embedding_scale),
        act_(sizes.act),
        embed_tokens_(p / side_.name / "embed_tokens", side_.vocab_size, sizes.width),
        embed_positions_([&]() -> Embedding {
          const auto place = p / side_.name / "embed_positions";
          if (kind.is_sinusoidal && !p.store().has(place.name("weight")))
            set_sinusoids(p.store(), place.name("weight"), sizes.positions, sizes.width);
          return {place, sizes.positions + kind.position_offset, sizes.width};
        }()) {
    const auto here = p / side_.name;
    if (kind.has_embedding_norm) layernorm_embedding_.emplace(here / "layernorm_embedding", sizes.width, kNormEps);
    if (kind.norm_first) layer_norm_.emplace(here / "layer_norm", sizes.width, kNormEps);
    for (int64_t i = 0; i < side_.layers; ++i) {
      const auto layer = here / "layers" / i;
      layers_.emplace_back(layer, sizes.width, side_.ffn_dim);
      if (role == Role::decoder) layers_.back().cross.emplace(layer, sizes.width);
      if (role == Role::decoder_alone) ignore_cross_attention(layer);
    }
    p.store().ignore(here.name("version"));  // files of 2020 have it
  }

  Tensor operator()(const Batch& batch) const {
    Tensor x = embed_tokens_(batch.ids);
    if (scale_ != 1) x = scale(x, scale_);
    x = x + embed_positions_(shifted(batch.positions));
    if (layernorm_embedding_) x = (*layernorm_embedding_)(x);
    const auto last_norm = [&](const Tensor& in) { return layer_norm_ ? (*layer_norm_)(in) : in; };
    return through(layers_, std::move(x), batch, last_norm, [&](const Layer& layer, Tensor in, size_t i) {
      return layer(std::move(in), kind_.norm_first, side_.heads, role_ != Role::encoder, act_, batch, i);
    });
  }

  CrossCache cross(const Tensor& encoded) const {
    CrossCache out;
    const auto by_head = [&](Tensor x) { return contiguous(split_heads(std::move(x), side_.heads).transpose(0, 1)); };
    for (const auto& layer : layers_) {
      auto [k, v] = project(encoded, layer.cross->encoder_attn.k_proj, layer.cross->encoder_attn.v_proj);
      out.layers.push_back({by_head(std::move(k)), by_head(std::move(v))});
    }
    return out;
  }

  CacheShape cache_shape(int64_t width) const { return {side_.layers, side_.heads, width / side_.heads}; }
  int64_t vocab_size() const { return side_.vocab_size; }

 private:
  std::vector<int32_t> shifted(std::vector<int32_t> positions) const {
    for (auto& position : positions) position += static_cast<int32_t>(kind_.position_offset);
    return positions;
  }

  Side side_;
  Seq2SeqKind kind_;
  Role role_;
  double scale_;
  Activation act_;
  Embedding embed_tokens_, embed_positions_;
  std::optional<LayerNorm> layernorm_embedding_, layer_norm_;
  std::vector<Layer> layers_;
};

class Seq2SeqStack final : public Seq2SeqModel {
 public:
  Seq2SeqStack(const Config& c, const Params& p, const Sizes& sizes, const Seq2SeqKind& kind)
      : Seq2SeqModel(c),
        encoder_(p, sizes, kind, Role::encoder),
        decoder_(p, sizes, kind, Role::decoder),
        decoder_inputs_(kind.decoder_inputs) {}

  Tensor encode(const Batch& batch) const override { return encoder_(batch); }
  CrossCache cross(const Tensor& encoded) const override { return decoder_.cross(encoded); }
  Tensor forward(const Batch& batch) const override { return decoder_(batch); }
  CacheShape cache_shape() const override { return decoder_.cache_shape(config().hidden_size); }
  DecoderInputs decoder_inputs() const override { return decoder_inputs_; }
  int64_t decoder_vocab_size() const override { return decoder_.vocab_size(); }

 private:
  Half encoder_, decoder_;
  DecoderInputs decoder_inputs_;
};

class Decoder final : public TextModel {
 public:
  Decoder(const Config& c, const Params& p, const Sizes& sizes, const Seq2SeqKind& kind)
      : TextModel(c), decoder_(p, sizes, kind, Role::decoder_alone) {}
  Tensor forward(const Batch& batch) const override { return decoder_(batch); }
  bool counts_padding() const override { return true; }
  CacheShape cache_shape() const override { return decoder_.cache_shape(config().hidden_size); }

 private:
  Half decoder_;
};

/// The words of both sides are one table under up to three names, and lm_head's too.
void tie_embeddings(const Config& c, const Params& p, bool is_shared) {
  const auto shared = (p / "shared").name("weight"), decoder = (p / "decoder" / "embed_tokens").name("weight");
  if (is_shared) {
    p.store().tie((p / "encoder" / "embed_tokens").name("weight"), shared);
    p.store().tie(decoder, shared);
    p.store().ignore(shared);
  } else if (c.tie_word_embeddings) {
    p.store().tie("lm_head.weight", decoder);
  }
}

class Seq2SeqLmHead final : public RowHead {
 public:
  Seq2SeqLmHead(const Config& c, const Params& root, int64_t vocab_size)
      : lm_head_(root / "lm_head", c.hidden_size, vocab_size, bias(root.store(), vocab_size)) {}
  Tensor logits(const Tensor& hidden) const override { return lm_head_(hidden); }

 private:
  static Tensor bias(ParamStore& store, int64_t vocab_size) {
    constexpr std::string_view kName = "final_logits_bias";
    if (!store.has(kName)) return {};
    auto out = store.array(std::string(kName), {1, vocab_size});
    return out.defined() ? std::move(out).view({vocab_size}) : out;
  }

  Linear lm_head_;
};

}  // namespace

Result<std::unique_ptr<TextModel>> build_seq2seq_stack(const Config& config, const Params& p, const Seq2SeqKind& kind) {
  const auto sizes = TRY(read_sizes(config, kind));
  tie_embeddings(config, p, sizes.is_shared);
  return std::unique_ptr<TextModel>(std::make_unique<Seq2SeqStack>(config, p, sizes, kind));
}

Result<std::unique_ptr<TextModel>> build_seq2seq_decoder(const Config& config, const Params& p,
                                                         const Seq2SeqKind& kind) {
  const auto sizes = TRY(read_sizes(config, kind));
  tie_embeddings(config, p, sizes.is_shared);
  return std::unique_ptr<TextModel>(std::make_unique<Decoder>(config, p, sizes, kind));
}

Result<std::unique_ptr<Head>> seq2seq_lm_head(const Config& config, const Params& root) {
  ConfigReader read(config.raw);
  const auto vocab_size = decoder_vocab_size(config, read);
  TRY(read.take());
  return std::unique_ptr<Head>(std::make_unique<Seq2SeqLmHead>(config, root, vocab_size));
}

}  // namespace hearth
