#include "transformers/deberta_encoder.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "transformers/bert_encoder.h"
#include "transformers/heads.h"

namespace hearth {
namespace {

/// Of all pairs of `length` tokens, their rows of the table, counted from the first that is needed.
struct DistanceRows {
  int64_t first = 0, count = 0;
  std::vector<int32_t> from_query, from_key;  // [query, key], [key, query]

  DistanceRows(const DebertaDistances& distances, int64_t length) {
    first = distances.row(1 - length);
    count = distances.row(length - 1) - first + 1;
    std::vector<int32_t> rows;  // of the distances 1 - length .. length - 1
    for (int64_t distance = 1 - length; distance < length; ++distance)
      rows.push_back(distances.row(distance) - static_cast<int32_t>(first));
    from_query.reserve(static_cast<size_t>(length * length));
    from_key.reserve(static_cast<size_t>(length * length));
    for (int64_t i = 0; i < length; ++i) {
      for (int64_t j = 0; j < length; ++j) {
        from_query.push_back(rows[static_cast<size_t>(i - j + length - 1)]);
        from_key.push_back(rows[static_cast<size_t>(j - i + length - 1)]);
      }
    }
  }
};

/// What the layers of one pass read of the batch: a DistanceRows for each length.
using AllDistanceRows = std::map<int64_t, DistanceRows>;

struct Attention {
  DebertaProjections in;
  Linear dense;
  LayerNorm norm;
  Tensor pos_key, pos_query;  // [heads, 2 * span, head_dim]: what all distances give, made once

  Attention(const Params& p, const Config& c, const DebertaOptions& o, MakeDebertaProjections* make)
      : in(make(p / "self", c, o)),
        dense(p / "output" / "dense", c.hidden_size, c.hidden_size, Bias::present),
        norm(p / "output" / "LayerNorm", c.hidden_size, c.layer_norm_eps) {}

  void take_distances(const Config& c, const DebertaOptions& o, const Tensor& rel_embeddings) {
    const auto heads_of = [&](const Linear& projection) {
      return contiguous(split_heads(projection(rel_embeddings), c.num_attention_heads).transpose(0, 1));
    };
    if (o.has_c2p) pos_key = heads_of(o.share_att_key ? in.key : *in.pos_key);
    if (o.has_p2c) pos_query = heads_of(o.share_att_key ? in.query : *in.pos_query);
  }

  /// Scores of content to position and of position to content: [heads, rows, rows] of one sequence.
  Tensor bias(const Tensor& q, const Tensor& k, const BatchSequence& s, const DistanceRows& rows, double factor) const {
    const auto of = [&](const Tensor& x) { return x.narrow(0, s.begin, s.count).transpose(0, 1); };
    Tensor out;
    if (pos_key.defined())
      out = gather(matmul_nt(of(q), pos_key.narrow(1, rows.first, rows.count)), rows.from_query, s.count);
    if (pos_query.defined()) {
      const Tensor from_key =
          gather(matmul_nt(of(k), pos_query.narrow(1, rows.first, rows.count)), rows.from_key, s.count);
      const Tensor from_query = contiguous(from_key.transpose(1, 2));
      out = out.defined() ? out + from_query : from_query;
    }
    return scale(out, factor);
  }

  Tensor operator()(const Config& c, const DebertaOptions& o, Tensor x, const AllDistanceRows& rows, const Batch& batch,
                    size_t index) const {
    auto [queries, keys, values] = project(x, in.query, in.key, in.value);
    const auto heads = c.num_attention_heads;
    const Tensor q = split_heads(std::move(queries), heads), k = split_heads(std::move(keys), heads);
    const double factor = 1 / std::sqrt(static_cast<double>(c.head_dim * o.score_kinds));
    std::vector<Tensor> biases;
    if (o.has_c2p || o.has_p2c)
      for (const auto& s : batch.sequences) biases.push_back(bias(q, k, s, rows.at(s.count), factor));
    const Tensor out =
        batch.attention(index, q, k, split_heads(std::move(values), heads), {.causal = false, .scale = factor}, biases);
    return norm(dense.add_to(std::move(x), out));
  }
};

struct Layer {
  Attention attention;
  BertFeedForward feed_forward;
};

/// norm(residual + act(convolution along the text)).
struct ConvLayer {
  int64_t kernel_size, groups;
  Activation act;
  Tensor weight, bias;  // [groups, hidden / groups, hidden / groups * kernel_size], [hidden]
  LayerNorm norm;

  ConvLayer(const Params& p, const Config& c, const DebertaOptions& o)
      : kernel_size(o.conv_kernel_size),
        groups(o.conv_groups),
        act(o.conv_act),
        weight(p.store().array((p / "conv").name("weight"), {c.hidden_size, c.hidden_size / groups, kernel_size})),
        bias(p.store().vector((p / "conv").name("bias"), c.hidden_size)),
        norm(p / "LayerNorm", c.hidden_size, c.layer_norm_eps) {
    if (!weight.defined()) return;
    const auto width = c.hidden_size / groups;
    weight = weight.view({groups, width, width * kernel_size});
  }

  /// The rows `offset` places on in each sequence; zeros beyond its ends.
  static Tensor shifted(const Tensor& x, int64_t offset, const Batch& batch) {
    const auto rows = x.size(0), width = x.size(1);
    const std::vector<float> zeros(static_cast<size_t>(width));
    std::vector<int64_t> from;
    for (const auto& s : batch.sequences)
      for (int64_t row = offset; row < s.count + offset; ++row)
        from.push_back(row >= 0 && row < s.count ? s.begin + row : rows);
    return index_select(cat({x, x.backend().from_host(zeros, {1, width})}, 0), from);
  }

  Tensor operator()(const Tensor& x, const Tensor& residual, const Batch& batch) const {
    const auto rows = x.size(0), width = x.size(1);
    std::vector<Tensor> taps;
    for (int64_t tap = 0; tap < kernel_size; ++tap)
      taps.push_back(shifted(x, tap - kernel_size / 2, batch).view({rows, width, 1}));
    const Tensor columns = x.backend().cat(taps, 2).view({rows, groups, width / groups * kernel_size});
    const Tensor made = contiguous(matmul_nt(columns.transpose(0, 1), weight).transpose(0, 1)).view({rows, width});
    const std::vector<int64_t> first_row(static_cast<size_t>(rows), 0);
    const Tensor out = made + index_select(bias.view({1, width}), first_row);
    return norm(residual + activation(out, act));
  }
};

class DebertaModel final : public TextModel {
 public:
  DebertaModel(const Config& c, const Params& p, const DebertaOptions& o, MakeDebertaProjections* make)
      : TextModel(c),
        options_(o),
        word_embeddings_(p / "embeddings" / "word_embeddings", c.vocab_size, o.embedding_size),
        norm_(p / "embeddings" / "LayerNorm", c.hidden_size, c.layer_norm_eps) {
    const auto embeddings = p / "embeddings";
    if (o.position_biased_input) {
      position_embeddings_.emplace(embeddings / "position_embeddings", c.max_position_embeddings, o.embedding_size);
    } else {
      p.store().ignore((embeddings / "position_embeddings").name("weight"));  // older files keep it
    }
    if (o.type_vocab_size > 0)
      token_type_embeddings_.emplace(embeddings / "token_type_embeddings", o.type_vocab_size, o.embedding_size);
    if (o.embedding_size != c.hidden_size)
      embed_proj_.emplace(embeddings / "embed_proj", o.embedding_size, c.hidden_size);
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
      const auto layer = p / "encoder" / "layer" / i;
      layers_.push_back({Attention(layer / "attention", c, o, make), BertFeedForward(layer, c)});
    }
    if (o.relative_attention)
      rel_embeddings_ =
          p.store().array((p / "encoder" / "rel_embeddings").name("weight"), {2 * o.distances.span, c.hidden_size});
    if (o.norm_rel_ebd) rel_norm_.emplace(p / "encoder" / "LayerNorm", c.hidden_size, c.layer_norm_eps);
    if (o.conv_kernel_size > 0) conv_.emplace(p / "encoder" / "conv", c, o);
  }

  /// What all texts share; once all tensors are there.
  void take_distances() {
    if (!options_.relative_attention) return;
    const Tensor normed = rel_norm_ ? (*rel_norm_)(rel_embeddings_) : rel_embeddings_;
    for (auto& layer : layers_) layer.attention.take_distances(config(), options_, normed);
    rel_embeddings_ = {};
  }

  Status check(const Batch& batch) const override {
    return position_embeddings_ ? check_positions(config(), batch.positions) : Status();
  }
  Tensor forward(const Batch& batch) const override {
    AllDistanceRows rows;
    for (const auto& s : batch.sequences) rows.try_emplace(s.count, options_.distances, s.count);
    const Tensor embedded = embed(batch);
    batch.record(embedded);
    Tensor x = embedded;
    for (size_t i = 0; i < layers_.size(); ++i) {
      x = layers_[i].feed_forward(layers_[i].attention(config(), options_, std::move(x), rows, batch, i), options_.act);
      if (i == 0 && conv_) x = (*conv_)(embedded, x, batch);
      batch.record(x);
    }
    return x;
  }

 private:
  Tensor embed(const Batch& batch) const {
    Tensor x = word_embeddings_(batch.ids);
    if (position_embeddings_) x = x + (*position_embeddings_)(batch.positions);
    if (token_type_embeddings_) {
      const std::vector<int32_t> zeros(batch.token_type_ids.empty() ? batch.ids.size() : 0);
      x = x + (*token_type_embeddings_)(batch.token_type_ids.empty() ? zeros : batch.token_type_ids);
    }
    return norm_(embed_proj_ ? (*embed_proj_)(x) : x);
  }

  DebertaOptions options_;
  Embedding word_embeddings_;
  std::optional<Embedding> position_embeddings_, token_type_embeddings_;
  std::optional<Linear> embed_proj_;
  LayerNorm norm_;
  std::vector<Layer> layers_;
  Tensor rel_embeddings_;
  std::optional<LayerNorm> rel_norm_;
  std::optional<ConvLayer> conv_;
};

class ContextClassifier final : public Head {
 public:
  ContextClassifier(const Config& c, const Params& root, Activation act, int64_t outputs)
      : dense_(root / "pooler" / "dense", c.hidden_size, c.hidden_size, Bias::present),
        act_(act),
        classifier_(root / "classifier", c.hidden_size, outputs, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.logits = classifier_(activation(dense_(index_select(hidden, first_rows(batch))), act_));
  }

 private:
  Linear dense_;
  Activation act_;
  Linear classifier_;
};

Result<std::unique_ptr<Head>> classifier(const Config& c, const Params& root, int64_t outputs) {
  ConfigReader read(c.raw);
  const auto act = TRY(activation_by_name(read.text("pooler_hidden_act", "gelu")));
  TRY(read.take());
  return std::unique_ptr<Head>(std::make_unique<ContextClassifier>(c, root, act, outputs));
}

/// decoder(norm(act(dense(x)))).
class NewPredictions final : public RowHead {
 public:
  NewPredictions(const Config& c, const Params& p, Activation act)
      : dense_(p / "dense", c.hidden_size, c.hidden_size, Bias::present),
        norm_(p / "LayerNorm", c.hidden_size, c.layer_norm_eps),
        act_(act),
        decoder_(p / "decoder", c.hidden_size, c.vocab_size, Bias::present) {}
  Tensor logits(const Tensor& hidden) const override { return decoder_(norm_(activation(dense_(hidden), act_))); }

 private:
  Linear dense_;
  LayerNorm norm_;
  Activation act_;
  Linear decoder_;
};

/// "c2p|p2c", or a list.
std::vector<std::string> read_words(const Config& c, ConfigReader& read, std::string_view key) {
  if (!c.raw[key].is_string()) return read.texts(key);
  std::vector<std::string> out;
  for (const auto word : split(c.raw[key].as_string(), '|')) out.push_back(to_lower_ascii(trim(word)));
  return out;
}

}  // namespace

int32_t DebertaDistances::row(int64_t distance) const {
  auto bucket = distance;
  const auto middle = buckets / 2, away = std::abs(distance);
  if (buckets > 0 && away > middle) {
    // In f32, step by step as torch does it: at a bin's edge the last bit decides.
    const float ratio = std::log(static_cast<float>(away) / static_cast<float>(middle));
    const float range =
        std::log(static_cast<float>(static_cast<double>(max_distance - 1) / static_cast<double>(middle)));
    const auto bin = static_cast<int64_t>(std::ceil(ratio / range * static_cast<float>(middle - 1))) + middle;
    bucket = distance < 0 ? -bin : bin;
  }
  return static_cast<int32_t>(std::clamp<int64_t>(bucket + span, 0, 2 * span - 1));
}

Result<DebertaOptions> read_deberta_options(const Config& c) {
  ConfigReader read(c.raw);
  DebertaOptions out{.embedding_size = read.size("embedding_size", c.hidden_size),
                     .type_vocab_size = read.integer("type_vocab_size", 0),
                     .position_biased_input = read.flag("position_biased_input", true),
                     .relative_attention = read.flag("relative_attention", false),
                     .pos_att_type = read_words(c, read, "pos_att_type"),
                     .act = TRY(activation_by_name(c.hidden_act))};
  const auto has = [&](std::string_view kind) { return std::ranges::count(out.pos_att_type, kind) > 0; };
  out.has_c2p = out.relative_attention && has("c2p");
  out.has_p2c = out.relative_attention && has("p2c");
  const auto max_distance = read.integer("max_relative_positions", -1);
  out.distances.max_distance = max_distance < 1 ? c.max_position_embeddings : max_distance;
  out.distances.span = out.distances.max_distance;
  if (out.type_vocab_size < 0) read.fail("config.json: type_vocab_size is below 0");
  if (c.head_dim * c.num_attention_heads != c.hidden_size)
    read.fail(
        cat("config.json: hidden_size ", c.hidden_size, " is not ", c.num_attention_heads, " heads of ", c.head_dim));
  TRY(read.take());
  return out;
}

Result<std::unique_ptr<TextModel>> build_deberta_encoder(const Config& config, const Params& p,
                                                         const DebertaOptions& options, MakeDebertaProjections* make) {
  auto model = std::make_unique<DebertaModel>(config, p, options, make);
  TRY(p.store().finish(/*may_be_left=*/true));
  model->take_distances();
  return std::unique_ptr<TextModel>(std::move(model));
}

Result<std::unique_ptr<Head>> deberta_masked_lm(const Config& c, const Params& root) {
  ConfigReader read(c.raw);
  const bool is_legacy = read.flag("legacy", true);
  const auto width = read.size("embedding_size", c.hidden_size);
  TRY(read.take());
  const auto act = TRY(activation_by_name(c.hidden_act));
  auto& store = root.store();
  for (const auto* module : {"LayerNorm", "classifier", "dense"})  // the discriminator that trained the first files
    for (const auto* leaf : {"weight", "bias"}) store.ignore((root / "mask_predictions" / module).name(leaf));
  if (is_legacy) {
    name_decoder_bias(c, root / "cls" / "predictions");
    return std::unique_ptr<Head>(std::make_unique<BertPredictions>(c, root / "cls" / "predictions", act, width));
  }
  const auto head = root / "lm_predictions" / "lm_head";
  const auto base = store.has_prefix("deberta.") ? root / "deberta" : root;
  store.tie((head / "decoder").name("weight"), (base / "embeddings" / "word_embeddings").name("weight"));
  store.tie((head / "decoder").name("bias"), head.name("bias"));
  return std::unique_ptr<Head>(std::make_unique<NewPredictions>(c, head, act));
}

Result<std::unique_ptr<Head>> deberta_classifier(const Config& c, const Params& root) {
  return classifier(c, root, c.num_labels);
}

Result<std::unique_ptr<Head>> deberta_choice(const Config& c, const Params& root) {
  return classifier(c, root, 1);
}

}  // namespace hearth
