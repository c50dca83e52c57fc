// Fuse: all tokens as one, for the steps that follow.
// Source: tokenizers decoders/fuse.rs.
#include "tokenizers/decoders_registry.h"

namespace hearth::tokenizers::decoders {
namespace {

class Fuse final : public Decoder {
 public:
  void decode(std::vector<std::string>& tokens) const override { tokens.assign(1, join(tokens, "")); }
};

Built<Decoder> build(const ConfigView&) {
  return std::unique_ptr<Decoder>(std::make_unique<Fuse>());
}

}  // namespace

extern constinit const Entry fuse_entry{"Fuse", build};

}  // namespace hearth::tokenizers::decoders
