// Metaspace: the visible sign becomes a space again; in the first token it goes, if it was added.
// Source: tokenizers pre_tokenizers/metaspace.rs (it is the decoder too).
#include "tokenizers/decoders_registry.h"

namespace hearth::tokenizers::decoders {
namespace {

class Metaspace final : public Decoder {
 public:
  Metaspace(std::string replacement, bool prepended) : replacement_(std::move(replacement)), prepended_(prepended) {}
  void decode(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = replace_all(tokens[i], replacement_, i == 0 && prepended_ ? "" : " ");
  }

 private:
  std::string replacement_;
  bool prepended_;
};

Built<Decoder> build(const ConfigView& config) {
  auto replacement = TRY(config.string("replacement"));
  if (utf8_length(replacement) != 1) return config["replacement"].bad("must be one character");
  const bool prepended =
      TRY(config.string("prepend_scheme", "always")) != "never" && TRY(config.boolean("add_prefix_space", true));
  return std::unique_ptr<Decoder>(std::make_unique<Metaspace>(std::move(replacement), prepended));
}

}  // namespace

extern constinit const Entry metaspace_entry{"Metaspace", build};

}  // namespace hearth::tokenizers::decoders
