// DeBERTa: disentangled attention over single distances; Q, K and V of each head lie together in one matrix.
// Source: He et al., arXiv:2006.03654; transformers 5.23.0 models/deberta/modeling_deberta.py. Oracle: deberta.
#include "transformers/deberta_encoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

DebertaProjections projections(const Params& p, const Config& c, const DebertaOptions& o) {
  // in_proj: of each head the rows of its queries, its keys, its values; biases for the first and the last alone.
  const auto part = [&](int64_t which) {
    Stored stored{.row_count = 3 * c.hidden_size};
    for (int64_t head = 0; head < c.num_attention_heads; ++head)
      stored.rows.push_back({(3 * head + which) * c.head_dim, c.head_dim});
    return stored;
  };
  const auto bias = [&](const char* name) { return p.store().vector(p.name(name), c.hidden_size); };
  DebertaProjections out{.query = Linear(p / "in_proj", c.hidden_size, c.hidden_size, bias("q_bias"), part(0)),
                         .key = Linear(p / "in_proj", c.hidden_size, c.hidden_size, Bias::none, part(1)),
                         .value = Linear(p / "in_proj", c.hidden_size, c.hidden_size, bias("v_bias"), part(2))};
  if (o.has_c2p) out.pos_key.emplace(p / "pos_proj", c.hidden_size, c.hidden_size);
  if (o.has_p2c) out.pos_query.emplace(p / "pos_q_proj", c.hidden_size, c.hidden_size, Bias::present);
  return out;
}

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  auto o = TRY(read_deberta_options(c));
  o.score_kinds = 1 + static_cast<int64_t>(o.pos_att_type.size());
  ConfigReader read(c.raw);
  if (read.flag("talking_head", false))
    return Status(Code::unsupported, "config.json: talking_head, scores mixed between heads, is not offered");
  TRY(read.take());
  return build_deberta_encoder(c, p, o, projections);
}

}  // namespace

extern constinit const Family deberta_entry{
    .model_types = {"deberta"},
    .base_model_prefix = "deberta",
    .heads = {{"DebertaModel", Task::base},
              {"DebertaForMaskedLM", Task::masked_lm, deberta_masked_lm},
              {"DebertaForSequenceClassification", Task::sequence_classification, deberta_classifier},
              {"DebertaForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"DebertaForQuestionAnswering", Task::question_answering, qa_outputs}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-7, "tie_word_embeddings": true, "pad_token_id": 0,
                    "max_position_embeddings": 512})",
    .input_embeddings = "embeddings.word_embeddings",
    .output_embeddings = "cls.predictions.decoder",
    .build = build};

}  // namespace hearth::transformers::models
