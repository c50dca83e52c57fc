// DeBERTa-v2 and v3: disentangled attention with logarithmic bins of distances and, in the large ones of v2, a
// convolution beside the first layer.
// Source: He et al., arXiv:2006.03654 and arXiv:2111.09543; transformers 5.23.0 models/deberta_v2/
// modeling_deberta_v2.py. Oracle: deberta-v2, deberta-v3.
#include <algorithm>

#include "base/text.h"
#include "transformers/deberta_encoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

DebertaProjections projections(const Params& p, const Config& c, const DebertaOptions& o) {
  const auto linear = [&](const char* name) { return Linear(p / name, c.hidden_size, c.hidden_size, Bias::present); };
  DebertaProjections out{.query = linear("query_proj"), .key = linear("key_proj"), .value = linear("value_proj")};
  if (o.has_c2p && !o.share_att_key) out.pos_key = linear("pos_key_proj");
  if (o.has_p2c && !o.share_att_key) out.pos_query = linear("pos_query_proj");
  return out;
}

/// Words between bars.
bool names(std::string_view text, std::string_view word) {
  return std::ranges::any_of(split(text, '|'),
                             [&](std::string_view part) { return to_lower_ascii(trim(part)) == word; });
}

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  auto o = TRY(read_deberta_options(c));
  ConfigReader read(c.raw);
  for (const auto* kind : {"c2p", "p2c"}) o.score_kinds += std::ranges::count(o.pos_att_type, kind) > 0;
  o.share_att_key = read.flag("share_att_key", false);
  o.norm_rel_ebd = names(read.text("norm_rel_ebd", "none"), "layer_norm");
  o.conv_kernel_size = std::max<int64_t>(read.integer("conv_kernel_size", 0), 0);
  o.conv_groups = read.size("conv_groups", 1);
  o.conv_act = TRY(activation_by_name(read.text("conv_act", "tanh")));
  if (const auto buckets = read.integer("position_buckets", -1); buckets > 0) {
    o.distances.buckets = o.distances.span = buckets;
    if (buckets < 2 || o.distances.max_distance - 1 <= buckets / 2)
      read.fail(cat("config.json: position_buckets is ", buckets, " for distances up to ", o.distances.max_distance));
  }
  if (o.conv_kernel_size > 0 && o.conv_kernel_size % 2 == 0)
    read.fail(cat("config.json: conv_kernel_size is ", o.conv_kernel_size, ", not odd"));
  if (c.hidden_size % o.conv_groups != 0)
    read.fail(cat("config.json: conv_groups ", o.conv_groups, " does not divide hidden_size ", c.hidden_size));
  TRY(read.take());
  return build_deberta_encoder(c, p, o, projections);
}

}  // namespace

extern constinit const Family deberta_v2_entry{
    .model_types = {"deberta-v2"},
    .base_model_prefix = "deberta",
    .heads = {{"DebertaV2Model", Task::base},
              {"DebertaV2ForMaskedLM", Task::masked_lm, deberta_masked_lm},
              {"DebertaV2ForSequenceClassification", Task::sequence_classification, deberta_classifier},
              {"DebertaV2ForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"DebertaV2ForQuestionAnswering", Task::question_answering, qa_outputs},
              {"DebertaV2ForMultipleChoice", Task::multiple_choice, deberta_choice}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-7, "tie_word_embeddings": true, "pad_token_id": 0,
                    "max_position_embeddings": 512})",
    .input_embeddings = "embeddings.word_embeddings",
    .output_embeddings = "cls.predictions.decoder",
    .build = build};

}  // namespace hearth::transformers::models
