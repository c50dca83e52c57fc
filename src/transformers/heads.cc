#include "transformers/heads.h"

#include <utility>

#include "base/text.h"

namespace hearth {
namespace {

class LmHead final : public RowHead {
 public:
  LmHead(const Config& c, const Params& root, Bias bias)
      : lm_head_(root / "lm_head", c.hidden_size, c.vocab_size, bias),
        softcapping_(c.raw["final_logit_softcapping"].as_double(0)) {}
  Tensor logits(const Tensor& hidden) const override {
    auto out = lm_head_(hidden);
    return softcapping_ > 0 ? softcap(out, softcapping_) : out;
  }

 private:
  Linear lm_head_;
  double softcapping_;
};

class ScoreOfLastToken final : public Head {
 public:
  ScoreOfLastToken(const Config& c, const Params& root)
      : score_(root / "score", c.hidden_size, c.num_labels), pad_token_id_(c.pad_token_id) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.logits = score_(index_select(hidden, last_rows(batch, pad_token_id_)));
  }

 private:
  Linear score_;
  std::optional<int32_t> pad_token_id_;
};

class TokenHead final : public RowHead {
 public:
  TokenHead(const Config& c, const Params& p) : classifier_(p, c.hidden_size, c.num_labels, Bias::present) {}
  Tensor logits(const Tensor& hidden) const override { return classifier_(hidden); }

 private:
  Linear classifier_;
};

class QuestionHead final : public Head {
 public:
  QuestionHead(const Config& c, const Params& root) : outputs_(c, root / "qa_outputs") {}
  void operator()(const Tensor& hidden, const Batch&, ModelOutput& out) const override { outputs_(hidden, out); }

 private:
  SpanOutputs outputs_;
};

class ClassifierOfLastEos final : public Head {
 public:
  ClassifierOfLastEos(const Config& c, const Params& p, int32_t eos)
      : dense_(p / "dense", c.hidden_size, c.hidden_size, Bias::present),
        out_proj_(p / "out_proj", c.hidden_size, c.num_labels, Bias::present),
        eos_(eos) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < batch.sequences.size(); ++i) rows.push_back(batch.sequences[i].begin + last_eos(batch, i));
    out.logits = out_proj_(activation(dense_(index_select(hidden, rows)), Activation::tanh));
  }

 private:
  /// The column of the last eos token that the encoder read in a sequence.
  int64_t last_eos(const Batch& batch, size_t sequence) const {
    VERIFY(batch.source, "a decoder's batch knows what the encoder read");
    const auto& s = batch.source->sequences[sequence];
    for (auto row = s.begin + s.count - 1; row >= s.begin; --row) {
      const auto column = batch.source->positions[static_cast<size_t>(row)];
      if (batch.source->ids[static_cast<size_t>(row)] == eos_ && column < batch.sequences[sequence].count)
        return column;
    }
    throw ShapeError(cat("text ", sequence, " has no eos token (id ", eos_, "), whose row is classified"));
  }

  Linear dense_, out_proj_;
  int32_t eos_;
};

template <class Made, class... Args>
Result<std::unique_ptr<Head>> made(Args&&... args) {
  return std::unique_ptr<Head>(std::make_unique<Made>(std::forward<Args>(args)...));
}

}  // namespace

Result<std::unique_ptr<Head>> lm_head(const Config& config, const Params& root) {
  return made<LmHead>(config, root, Bias::none);
}
Result<std::unique_ptr<Head>> lm_head_with_bias(const Config& config, const Params& root) {
  return made<LmHead>(config, root, Bias::present);
}
Result<std::unique_ptr<Head>> score_of_last_token(const Config& config, const Params& root) {
  return made<ScoreOfLastToken>(config, root);
}
Result<std::unique_ptr<Head>> score_of_tokens(const Config& config, const Params& root) {
  return made<TokenHead>(config, root / "score");
}
Result<std::unique_ptr<Head>> classifier_of_tokens(const Config& config, const Params& root) {
  return made<TokenHead>(config, root / "classifier");
}
Result<std::unique_ptr<Head>> classifier_of_last_eos(const Config& config, const Params& root) {
  if (config.eos_token_id.empty()) return Status(Code::bad_input, "config.json has no eos_token_id");
  return made<ClassifierOfLastEos>(config, root / "classification_head", config.eos_token_id.front());
}
Result<std::unique_ptr<Head>> qa_outputs(const Config& config, const Params& root) {
  return made<QuestionHead>(config, root);
}

void name_decoder_bias(const Config& config, const Params& p) {
  const auto own = p.name("bias"), decoder = (p / "decoder").name("bias");
  const bool is_untied = !config.tie_word_embeddings && p.store().has(decoder);
  if (is_untied || !p.store().has(own)) {
    p.store().ignore(own);
  } else {
    p.store().tie(decoder, own);
  }
}

Tensor mean_of_rows(const Tensor& x, const Batch& batch) {
  std::vector<int64_t> sequence_of;
  std::vector<float> factors;
  for (size_t i = 0; i < batch.sequences.size(); ++i) {
    const auto count = static_cast<size_t>(batch.sequences[i].count);
    sequence_of.insert(sequence_of.end(), count, static_cast<int64_t>(i));
    factors.insert(factors.end(), count, 1 / static_cast<float>(count));
  }
  const Shape shape{static_cast<int64_t>(batch.sequences.size()), x.size(1)};
  const std::vector<float> zeros(static_cast<size_t>(shape.numel()));
  return x.backend().index_add(x.backend().from_host(zeros, shape), sequence_of, x, factors);
}

std::vector<int64_t> first_rows(const Batch& batch) {
  std::vector<int64_t> out;
  for (const auto& s : batch.sequences) out.push_back(s.begin);
  return out;
}

std::vector<int64_t> last_rows(const Batch& batch, std::optional<int32_t> pad_token_id) {
  std::vector<int64_t> out;
  for (const auto& s : batch.sequences) {
    int64_t row = s.begin + s.count - 1;
    while (row > s.begin && batch.ids[static_cast<size_t>(row)] == pad_token_id) --row;
    out.push_back(batch.ids[static_cast<size_t>(row)] == pad_token_id ? s.begin + s.count - 1 : row);
  }
  return out;
}

}  // namespace hearth
