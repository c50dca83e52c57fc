// Template: the special tokens around one text or a pair, which every post-processor that adds any comes down to.
// Source: tokenizers processors/template.rs, bert.rs, roberta.rs.
#pragma once

#include <vector>

#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers {

/// A special token (`id` >= 0) or one of the texts (`id` < 0).
struct TemplateItem {
  TokenId id;
  int32_t type_id;
  size_t text = 0;            ///< which text, 0 or 1
  std::string spelling = {};  ///< of a special token, as the file has it here: it may differ from the vocabulary's
};

/// Joins the texts by a template; without special tokens only their type ids and order come from it.
void apply_template(std::span<const TemplateItem> items, std::vector<Encoding>& parts, bool add_special_tokens,
                    const TokenTexts& texts);
/// What the texts were marked with before counts no more: no id is special, and each is of the text that it is in now.
void unmark(std::vector<Encoding>& parts);
/// How many special tokens a template has.
size_t special_count(std::span<const TemplateItem> items);

class Template final : public PostProcessor {
 public:
  Template(std::vector<TemplateItem> single, std::vector<TemplateItem> pair)
      : single_(std::move(single)), pair_(std::move(pair)) {}
  size_t added_tokens(bool is_pair) const override { return special_count(is_pair ? pair_ : single_); }
  void process(std::vector<Encoding>& parts, bool add_special_tokens, const TokenTexts& texts) const override {
    apply_template(parts.size() == 2 ? pair_ : single_, parts, add_special_tokens, texts);
  }

 private:
  std::vector<TemplateItem> single_, pair_;
};

/// The two tokens of BertProcessing and RobertaProcessing, whose fields `cls` and `sep` are each ["text", id].
struct ClsSep {
  TemplateItem cls, sep;
};
Result<ClsSep> read_cls_sep(const ConfigView& config);

/// Takes the white space at both ends of each token out of its offsets. `add_prefix_space`: one space before the first
/// token was added, not found, and stays.
void trim_offsets(Encoding& encoding, bool add_prefix_space, const TokenTexts& texts);

}  // namespace hearth::tokenizers
