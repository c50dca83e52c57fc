// RobertaProcessing: <s> A </s>, or <s> A </s></s> B </s>, all of type 0; offsets without the white space around.
// Source: tokenizers processors/roberta.rs.
#include "tokenizers/pipeline/template.h"
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
namespace {

class RobertaProcessing final : public PostProcessor {
 public:
  RobertaProcessing(const ClsSep& t, bool trim, bool add_prefix_space)
      : single_{t.cls, {-1, 0, 0}, t.sep},
        pair_{t.cls, {-1, 0, 0}, t.sep, t.sep, {-1, 0, 1}, t.sep},
        trim_(trim),
        add_prefix_space_(add_prefix_space) {}
  size_t added_tokens(bool is_pair) const override { return is_pair ? 4 : 2; }
  void process(std::vector<Encoding>& parts, bool add_special_tokens, const TokenTexts& texts) const override {
    for (auto& part : parts) {
      part.type_ids.clear();
      for (auto& more : part.overflowing)
        if (add_special_tokens) more.type_ids.clear();
      if (!trim_) continue;
      trim_offsets(part, add_prefix_space_, texts);
      for (auto& more : part.overflowing) trim_offsets(more, add_prefix_space_, texts);
    }
    if (!add_special_tokens) return;
    unmark(parts);
    apply_template(parts.size() == 2 ? pair_ : single_, parts, true, texts);
  }

 private:
  std::vector<TemplateItem> single_, pair_;
  bool trim_, add_prefix_space_;
};

Built<PostProcessor> build(const ConfigView& config) {
  const auto tokens = TRY(read_cls_sep(config));
  const bool trim = TRY(config.boolean("trim_offsets", true));
  return std::unique_ptr<PostProcessor>(
      std::make_unique<RobertaProcessing>(tokens, trim, TRY(config.boolean("add_prefix_space", true))));
}

}  // namespace

extern constinit const Entry roberta_processing_entry{"RobertaProcessing", build,
                                                      "sep cls trim_offsets add_prefix_space"};

}  // namespace hearth::tokenizers::postprocessors
