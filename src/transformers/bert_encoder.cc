#include "transformers/bert_encoder.h"

#include <memory>

namespace hearth {
namespace {

class PoolerHead final : public Head {
 public:
  PoolerHead(const Config& c, const Params& base) : pooler_(base / "pooler", c) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.pooler_output = pooler_(hidden, batch);
  }

 private:
  BertPooler pooler_;
};

class PooledClassifier final : public Head {
 public:
  PooledClassifier(const Config& c, const Params& base, const Params& p, int64_t outputs)
      : pooler_(base / "pooler", c), classifier_(p, c.hidden_size, outputs, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.logits = classifier_(pooler_(hidden, batch));
  }

 private:
  BertPooler pooler_;
  Linear classifier_;
};

}  // namespace

Result<std::unique_ptr<Head>> bert_pooler(const Config& config, const Params& base) {
  if (!base.store().has((base / "pooler" / "dense").name("weight"))) return std::unique_ptr<Head>();
  return std::unique_ptr<Head>(std::make_unique<PoolerHead>(config, base));
}

Result<std::unique_ptr<Head>> bert_classifier(const Config& config, const Params& base, const Params& classifier,
                                              int64_t outputs) {
  return std::unique_ptr<Head>(std::make_unique<PooledClassifier>(config, base, classifier, outputs));
}

}  // namespace hearth
