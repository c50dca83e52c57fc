// ByteLevel: trims offsets and leaves the ids alone.
// Source: tokenizers pre_tokenizers/byte_level.rs (it is the post-processor too).
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
namespace {

class ByteLevel final : public PostProcessor {
 public:
  void process(Encoding&, bool) const override {}
};

Built<PostProcessor> build(const ConfigView&) {
  return std::unique_ptr<PostProcessor>(std::make_unique<ByteLevel>());
}

}  // namespace

extern constinit const Entry byte_level_entry{"ByteLevel", build};

}  // namespace hearth::tokenizers::postprocessors
