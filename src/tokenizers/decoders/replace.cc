// Replace: in each token every match of a string or a regular expression by a text.
// Source: tokenizers normalizers/replace.rs (it is the decoder too).
#include "tokenizers/decoders_registry.h"
#include "tokenizers/pipeline/split.h"

namespace hearth::tokenizers::decoders {
namespace {

class Replace final : public Decoder {
 public:
  Replace(Pattern pattern, std::string content) : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void decode(std::vector<std::string>& tokens) const override {
    for (auto& token : tokens) token = pattern_.replace(token, content_);
  }

 private:
  Pattern pattern_;
  std::string content_;
};

Built<Decoder> build(const ConfigView& config) {
  auto pattern = TRY(Pattern::build(config["pattern"]));
  return std::unique_ptr<Decoder>(std::make_unique<Replace>(std::move(pattern), TRY(config.string("content"))));
}

}  // namespace

extern constinit const Entry replace_entry{"Replace", build, "pattern content"};

}  // namespace hearth::tokenizers::decoders
