// Replace: every match of a string or a regular expression by a text.
// Source: tokenizers normalizers/replace.rs.
#include "tokenizers/normalizers_registry.h"
#include "tokenizers/pipeline/split.h"

namespace hearth::tokenizers::normalizers {
namespace {

class Replace final : public Normalizer {
 public:
  Replace(Pattern pattern, std::string content) : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void normalize(AlignedText& text) const override { pattern_.replace(text, content_); }

 private:
  Pattern pattern_;
  std::string content_;
};

Built<Normalizer> build(const ConfigView& config) {
  auto pattern = TRY(Pattern::build(config["pattern"]));
  return std::unique_ptr<Normalizer>(std::make_unique<Replace>(std::move(pattern), TRY(config.string("content"))));
}

}  // namespace

extern constinit const Entry replace_entry{"Replace", build, "pattern content"};

}  // namespace hearth::tokenizers::normalizers
