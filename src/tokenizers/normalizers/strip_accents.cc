// StripAccents: without combining marks; what has one built in is taken apart by NFD or NFKD before.
// Source: tokenizers normalizers/strip.rs.
#include "base/unicode.h"
#include "tokenizers/normalizers_registry.h"

namespace hearth::tokenizers::normalizers {
namespace {

class StripAccents final : public Normalizer {
 public:
  void normalize(AlignedText& text) const override {
    remove(text, [](char32_t c) { return unicode::is(c, unicode::accent); });
  }
};

Built<Normalizer> build(const ConfigView&) {
  return std::unique_ptr<Normalizer>(std::make_unique<StripAccents>());
}

}  // namespace

extern constinit const Entry strip_accents_entry{"StripAccents", build};

}  // namespace hearth::tokenizers::normalizers
