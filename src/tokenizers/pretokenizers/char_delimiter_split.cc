// CharDelimiterSplit: what stands between one given character.
// Source: tokenizers pre_tokenizers/delimiter.rs.
#include "tokenizers/pipeline/split.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class CharDelimiterSplit final : public PreTokenizer {
 public:
  explicit CharDelimiterSplit(Pattern delimiter) : delimiter_(std::move(delimiter)) {}

  void split(TextView view, PiecesView& out) const override {
    auto stretches = delimiter_.stretches(view.text);
    cut(view, stretches, SplitBehavior::removed, out);
  }

 private:
  Pattern delimiter_;
};

Built<PreTokenizer> build(const ConfigView& config) {
  auto delimiter = TRY(config.string("delimiter"));
  if (utf8_length(delimiter) != 1) return config["delimiter"].bad("must be one character");
  return std::unique_ptr<PreTokenizer>(std::make_unique<CharDelimiterSplit>(Pattern::literal(std::move(delimiter))));
}

}  // namespace

extern constinit const Entry char_delimiter_split_entry{"CharDelimiterSplit", build};

}  // namespace hearth::tokenizers::pretokenizers
