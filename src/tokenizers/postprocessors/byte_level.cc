// ByteLevel: offsets without the white space around the words.
// Source: tokenizers pre_tokenizers/byte_level.rs process_offsets.
#include "tokenizers/pipeline/template.h"
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
namespace {

class ByteLevel final : public PostProcessor {
 public:
  ByteLevel(bool trim, bool add_prefix_space) : trim_(trim), add_prefix_space_(add_prefix_space) {}
  size_t added_tokens(bool) const override { return 0; }
  void process(std::vector<Encoding>& parts, bool, const TokenTexts& texts) const override {
    for (size_t i = 0; i < parts.size(); ++i) {
      auto& part = parts[i];
      if (trim_) {
        trim_offsets(part, add_prefix_space_, texts);
        for (auto& more : part.overflowing) trim_offsets(more, add_prefix_space_, texts);
      }
      part.sequences[i] = TextSpan{0, static_cast<uint32_t>(part.size())};
    }
  }

 private:
  bool trim_, add_prefix_space_;
};

Built<PostProcessor> build(const ConfigView& config) {
  const bool trim = TRY(config.boolean("trim_offsets", true));
  return std::unique_ptr<PostProcessor>(
      std::make_unique<ByteLevel>(trim, TRY(config.boolean("add_prefix_space", true))));
}

}  // namespace

extern constinit const Entry byte_level_entry{"ByteLevel", build};

}  // namespace hearth::tokenizers::postprocessors
