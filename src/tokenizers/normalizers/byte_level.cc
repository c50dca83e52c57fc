// ByteLevel: the bytes of the text in GPT-2's byte alphabet.
// Source: tokenizers normalizers/byte_level.rs.
#include "tokenizers/normalizers_registry.h"

namespace hearth::tokenizers::normalizers {
namespace {

class ByteLevel final : public Normalizer {
 public:
  void normalize(AlignedText& text) const override { spell_bytes(text); }
};

Built<Normalizer> build(const ConfigView&) {
  return std::unique_ptr<Normalizer>(std::make_unique<ByteLevel>());
}

}  // namespace

extern constinit const Entry byte_level_entry{"ByteLevel", build};

}  // namespace hearth::tokenizers::normalizers
