// Template: the special tokens before and after a sequence, which every post-processor of one sequence comes down to.
#pragma once

#include <vector>

#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers {

/// A special token (`id` >= 0) or the sequence itself (`id` < 0).
struct TemplateItem {
  TokenId id;
  int32_t type_id;
};

class Template final : public PostProcessor {
 public:
  explicit Template(std::vector<TemplateItem> items) : items_(std::move(items)) {}
  void process(Encoding& encoding, bool add_special_tokens) const override;

 private:
  std::vector<TemplateItem> items_;
};

/// [id before] sequence [id after]: BertProcessing and RobertaProcessing, whose fields are cls and sep, each
/// ["text", id].
Built<PostProcessor> build_cls_sep(const ConfigView& config);

}  // namespace hearth::tokenizers
