// ByteLevel: the bytes that the tokens spell in the byte alphabet.
// Source: tokenizers pre_tokenizers/byte_level.rs (it is the decoder too).
#include "tokenizers/decoders_registry.h"
#include "tokenizers/pipeline/byte_alphabet.h"

namespace hearth::tokenizers::decoders {
namespace {

class ByteLevel final : public Decoder {
 public:
  void decode(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const auto& token : tokens) bytes += *token_bytes(token);
    tokens.assign(1, utf8_replace_errors(bytes));
  }
  /// A token with a character outside the alphabet stands for itself.
  std::optional<std::string> token_bytes(std::string_view token) const override {
    auto bytes = unspell_bytes(token);
    return bytes ? std::move(bytes) : std::string(token);
  }
};

Built<Decoder> build(const ConfigView&) {
  return std::unique_ptr<Decoder>(std::make_unique<ByteLevel>());
}

}  // namespace

extern constinit const Entry byte_level_entry{"ByteLevel", build};

}  // namespace hearth::tokenizers::decoders
