// Prepend: a text in front of every text that is not empty.
// Source: tokenizers normalizers/prepend.rs.
#include "tokenizers/normalizers_registry.h"

namespace hearth::tokenizers::normalizers {
namespace {

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string text) : text_(std::move(text)) {}
  void normalize(AlignedText& text) const override { text.prepend(text_); }

 private:
  std::string text_;
};

Built<Normalizer> build(const ConfigView& config) {
  return std::unique_ptr<Normalizer>(std::make_unique<Prepend>(TRY(config.string("prepend"))));
}

}  // namespace

extern constinit const Entry prepend_entry{"Prepend", build, "prepend"};

}  // namespace hearth::tokenizers::normalizers
