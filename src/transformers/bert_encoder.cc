#include "transformers/bert_encoder.h"

#include <algorithm>

#include "base/text.h"

namespace hearth {
namespace {

class BertStack final : public TextModel {
 public:
  BertStack(const Config& c, const Params& p, Activation act, int64_t type_vocab_size, BertPositions* positions)
      : TextModel(c),
        embeddings_(p / "embeddings", c, type_vocab_size, c.hidden_size),
        encoder_(p / "encoder", c, act),
        positions_(positions) {}

  Status check(const Batch& batch) const override { return check_positions(config(), positions_(config(), batch)); }
  Tensor forward(const Batch& batch) const override {
    return encoder_(config(), embeddings_(batch, positions_(config(), batch)), batch);
  }

 private:
  BertEmbeddings embeddings_;
  BertEncoder encoder_;
  BertPositions* positions_;
};

class PoolerHead final : public Head {
 public:
  PoolerHead(const Config& c, const Params& pooler) : pooler_(pooler, c) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.pooler_output = pooler_(hidden, batch);
  }

 private:
  BertPooler pooler_;
};

class PooledClassifier final : public Head {
 public:
  PooledClassifier(const Config& c, const Params& pooler, const Params& p, int64_t outputs)
      : pooler_(pooler, c), classifier_(p, c.hidden_size, outputs, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.logits = classifier_(pooler_(hidden, batch));
  }

 private:
  BertPooler pooler_;
  Linear classifier_;
};

}  // namespace

std::vector<int32_t> positions_after_pad(int32_t pad, const Batch& batch) {
  std::vector<int32_t> out;
  for (const auto& s : batch.sequences) {
    auto next = static_cast<int32_t>(s.past()) + pad;
    for (int64_t row = s.begin; row < s.begin + s.count; ++row)
      out.push_back(batch.ids[static_cast<size_t>(row)] == pad ? pad : ++next);
  }
  return out;
}

Status check_positions(const Config& config, std::span<const int32_t> positions) {
  const auto last = std::ranges::max_element(positions);
  if (last == positions.end() || *last < config.max_position_embeddings) return {};
  return {Code::too_large,
          cat("a text reaches position ", *last, ", and the model has ", config.max_position_embeddings,
              " of them, from 0 on (max_position_embeddings): cut it off (truncation) or split it")};
}

Result<std::unique_ptr<TextModel>> build_bert_encoder(const Config& config, const Params& p, BertPositions* positions) {
  ConfigReader read(config.raw);
  const auto type_vocab_size = read.size("type_vocab_size", 2);
  TRY(read.take());
  const auto act = TRY(activation_by_name(config.hidden_act));
  return std::unique_ptr<TextModel>(std::make_unique<BertStack>(config, p, act, type_vocab_size, positions));
}

Result<std::unique_ptr<Head>> bert_pooler(const Config& config, const Params& pooler) {
  if (!pooler.store().has(pooler.name("weight"))) return std::unique_ptr<Head>();
  return std::unique_ptr<Head>(std::make_unique<PoolerHead>(config, pooler));
}

Result<std::unique_ptr<Head>> bert_classifier(const Config& config, const Params& pooler, const Params& classifier,
                                              int64_t outputs) {
  return std::unique_ptr<Head>(std::make_unique<PooledClassifier>(config, pooler, classifier, outputs));
}

}  // namespace hearth
