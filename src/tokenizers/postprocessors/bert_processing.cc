// BertProcessing: [CLS] A [SEP], or [CLS] A [SEP] B [SEP] with type 1 from B on.
// Source: tokenizers processors/bert.rs.
#include "tokenizers/pipeline/template.h"
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
namespace {

class BertProcessing final : public PostProcessor {
 public:
  explicit BertProcessing(const ClsSep& t)
      : single_{t.cls, {-1, 0, 0}, t.sep}, pair_{t.cls, {-1, 0, 0}, t.sep, {-1, 1, 1}, t.sep} {
    pair_.back().type_id = 1;
  }
  size_t added_tokens(bool is_pair) const override { return is_pair ? 3 : 2; }
  void process(std::vector<Encoding>& parts, bool add_special_tokens, const TokenTexts& texts) const override {
    if (!add_special_tokens) return;
    unmark(parts);
    apply_template(parts.size() == 2 ? pair_ : single_, parts, true, texts);
  }

 private:
  std::vector<TemplateItem> single_, pair_;
};

Built<PostProcessor> build(const ConfigView& config) {
  return std::unique_ptr<PostProcessor>(std::make_unique<BertProcessing>(TRY(read_cls_sep(config))));
}

}  // namespace

extern constinit const Entry bert_processing_entry{"BertProcessing", build, "sep cls"};

}  // namespace hearth::tokenizers::postprocessors
