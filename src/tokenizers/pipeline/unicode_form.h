// The four Unicode normalization forms as normalizers: they differ in one word.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/unicode.h"
#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers {

class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(unicode::Form form) : form_(form) {}
  bool may_change(std::string_view text) const override { return !unicode::is_surely_normal(text, form_); }
  void normalize(AlignedText& text) const override {
    if (may_change(text.text())) to_form(text, form_);
  }

 private:
  unicode::Form form_;
};

template <unicode::Form form>
Built<Normalizer> build_unicode_form(const ConfigView&) {
  return std::unique_ptr<Normalizer>(std::make_unique<UnicodeForm>(form));
}

}  // namespace hearth::tokenizers
