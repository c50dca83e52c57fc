// BertEncoder: the layers that BERT and its relatives share: self-attention and feed-forward, each followed by its
// residual and a layer norm. As a decoder (`is_decoder`) its attention is causal and its caches grow.
// Source: Devlin et al., arXiv:1810.04805; transformers 5.23.0 models/bert/modeling_bert.py.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "tensor/params.h"
#include "transformers/heads.h"

namespace hearth {

struct BertSelfAttention {
  Linear query, key, value, dense;  // dense and LayerNorm lie under `output`
  LayerNorm norm;

  BertSelfAttention(const Params& p, const Config& c)
      : query(p / "self" / "query", c.hidden_size, c.hidden_size, Bias::present),
        key(p / "self" / "key", c.hidden_size, c.hidden_size, Bias::present),
        value(p / "self" / "value", c.hidden_size, c.hidden_size, Bias::present),
        dense(p / "output" / "dense", c.hidden_size, c.hidden_size, Bias::present),
        norm(p / "output" / "LayerNorm", c.hidden_size, c.layer_norm_eps) {}

  Tensor operator()(const Config& c, Tensor x, const Batch& batch, size_t layer) const {
    auto [q, k, v] = project(x, query, key, value);
    const auto heads = c.num_attention_heads;
    const Tensor out = batch.attention(layer, split_heads(std::move(q), heads), split_heads(std::move(k), heads),
                                       split_heads(std::move(v), heads), {.causal = c.is_decoder});
    return norm(dense.add_to(std::move(x), out));
  }
};

/// norm(x + output(act(intermediate(x)))).
struct BertFeedForward {
  Linear intermediate, output;
  LayerNorm norm;

  /// p: the layer.
  BertFeedForward(const Params& p, const Config& c)
      : intermediate(p / "intermediate" / "dense", c.hidden_size, c.intermediate_size, Bias::present),
        output(p / "output" / "dense", c.intermediate_size, c.hidden_size, Bias::present),
        norm(p / "output" / "LayerNorm", c.hidden_size, c.layer_norm_eps) {}

  Tensor operator()(Tensor x, Activation act) const {
    const Tensor inner = activation(intermediate(x), act);
    return norm(output.add_to(std::move(x), inner));
  }
};

struct BertLayer {
  BertSelfAttention attention;
  BertFeedForward feed_forward;

  BertLayer(const Params& p, const Config& c) : attention(p / "attention", c), feed_forward(p, c) {}

  Tensor operator()(const Config& c, Tensor x, Activation act, const Batch& batch, size_t index) const {
    return feed_forward(attention(c, std::move(x), batch, index), act);
  }
};

struct BertEncoder {
  std::vector<BertLayer> layers;
  Activation act;

  /// p: "encoder".
  BertEncoder(const Params& p, const Config& c, Activation activation) : act(activation) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers.emplace_back(p / "layer" / i, c);
  }

  /// Records x and what each layer gives.
  Tensor operator()(const Config& c, Tensor x, const Batch& batch) const {
    batch.record(x);
    for (size_t i = 0; i < layers.size(); ++i) {
      x = layers[i](c, std::move(x), act, batch, i);
      batch.record(x);
    }
    return x;
  }
};

/// The sum of word, position and token type embeddings, normalized. `positions`: one a row.
struct BertEmbeddings {
  Embedding word_embeddings, position_embeddings, token_type_embeddings;
  LayerNorm norm;

  /// `width`: of the embeddings.
  BertEmbeddings(const Params& p, const Config& c, int64_t type_vocab_size, int64_t width)
      : word_embeddings(p / "word_embeddings", c.vocab_size, width),
        position_embeddings(p / "position_embeddings", c.max_position_embeddings, width),
        token_type_embeddings(p / "token_type_embeddings", type_vocab_size, width),
        norm(p / "LayerNorm", width, c.layer_norm_eps) {}

  Tensor operator()(const Batch& batch, std::span<const int32_t> positions) const {
    const std::vector<int32_t> zeros(batch.token_type_ids.empty() ? batch.ids.size() : 0);
    const Tensor types = token_type_embeddings(batch.token_type_ids.empty() ? zeros : batch.token_type_ids);
    return norm(word_embeddings(batch.ids) + types + position_embeddings(positions));
  }
};

/// tanh(dense(the first row of each sequence)).
struct BertPooler {
  Linear dense;
  /// p: the layer.
  BertPooler(const Params& p, const Config& c) : dense(p, c.hidden_size, c.hidden_size, Bias::present) {}
  Tensor operator()(const Tensor& hidden, const Batch& batch) const {
    return activation(dense(index_select(hidden, first_rows(batch))), Activation::tanh);
  }
};

/// `cls.predictions`, the words that masks stand for: decoder(norm(act(dense(x)))).
class BertPredictions final : public RowHead {
 public:
  /// p: "predictions". `width`: of the embeddings.
  BertPredictions(const Config& c, const Params& p, Activation act, int64_t width)
      : dense_(p / "transform" / "dense", c.hidden_size, width, Bias::present),
        norm_(p / "transform" / "LayerNorm", width, c.layer_norm_eps),
        act_(act),
        decoder_(p / "decoder", width, c.vocab_size, Bias::present) {}
  Tensor logits(const Tensor& hidden) const override { return decoder_(norm_(activation(dense_(hidden), act_))); }

 private:
  Linear dense_;
  LayerNorm norm_;
  Activation act_;
  Linear decoder_;
};

/// The position of each row.
using BertPositions = std::vector<int32_t>(const Config& config, const Batch& batch);
/// RoBERTa's positions: tokens of the id `pad` stand at `pad`, the others are counted from `pad` + 1 on.
std::vector<int32_t> positions_after_pad(int32_t pad, const Batch& batch);
/// too_large when one of the positions has no row in the table of max_position_embeddings.
Status check_positions(const Config& config, std::span<const int32_t> positions);
/// Embeddings and encoder: the whole stack of BERT, and of RoBERTa with other positions.
Result<std::unique_ptr<TextModel>> build_bert_encoder(const Config& config, const Params& p, BertPositions* positions);

/// The head of the stack alone: pooler_output. Null where the file has no pooler; transformers makes one up then, and
/// nobody reads it. `pooler`: its layer.
Result<std::unique_ptr<Head>> bert_pooler(const Config& config, const Params& pooler);
/// A text's class: a layer `classifier` on the pooler.
Result<std::unique_ptr<Head>> bert_classifier(const Config& config, const Params& pooler, const Params& classifier,
                                              int64_t outputs);

}  // namespace hearth
