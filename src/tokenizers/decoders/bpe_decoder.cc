// BPEDecoder: the suffix that ends a word becomes a space, in the last token nothing.
// Source: tokenizers decoders/bpe.rs.
#include "tokenizers/decoders_registry.h"
#include "tokenizers/pipeline/clean_up.h"

namespace hearth::tokenizers::decoders {
namespace {

class BpeDecoder final : public Decoder {
 public:
  explicit BpeDecoder(std::string suffix) : suffix_(std::move(suffix)) {}
  void decode(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = replace_each(tokens[i], suffix_, i + 1 == tokens.size() ? "" : " ");
  }

 private:
  std::string suffix_;
};

Built<Decoder> build(const ConfigView& config) {
  return std::unique_ptr<Decoder>(std::make_unique<BpeDecoder>(TRY(config.string("suffix"))));
}

}  // namespace

extern constinit const Entry bpe_decoder_entry{"BPEDecoder", build, "suffix"};

}  // namespace hearth::tokenizers::decoders
