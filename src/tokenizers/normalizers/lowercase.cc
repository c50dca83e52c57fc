// Lowercase: each character by itself, without a rule for the final sigma.
// Source: tokenizers normalizers/utils.rs.
#include "base/unicode.h"
#include "tokenizers/normalizers_registry.h"

namespace hearth::tokenizers::normalizers {
namespace {

class Lowercase final : public Normalizer {
 public:
  void normalize(AlignedText& text) const override { lowercase(text); }
};

Built<Normalizer> build(const ConfigView&) {
  return std::unique_ptr<Normalizer>(std::make_unique<Lowercase>());
}

}  // namespace

extern constinit const Entry lowercase_entry{"Lowercase", build};

}  // namespace hearth::tokenizers::normalizers
