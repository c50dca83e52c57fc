// Punctuation: each punctuation mark treated as the behavior says.
// Source: tokenizers pre_tokenizers/punctuation.rs.
#include "base/unicode.h"
#include "tokenizers/pipeline/split.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class Punctuation final : public PreTokenizer {
 public:
  explicit Punctuation(SplitBehavior behavior) : behavior_(behavior) {}

  void split(TextView view, PiecesView& out) const override {
    const auto text = view.text;
    std::vector<Stretch> stretches;
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t here = at;
      if (!unicode::is(utf8_next(text, at), unicode::punctuation)) continue;
      if (here > begin) stretches.push_back({begin, here, false});
      stretches.push_back({here, at, true});
      begin = at;
    }
    if (begin < text.size()) stretches.push_back({begin, text.size(), false});
    cut(view, stretches, behavior_, out);
  }

 private:
  SplitBehavior behavior_;
};

Built<PreTokenizer> build(const ConfigView& config) {
  auto behavior = SplitBehavior::isolated;
  if (config.has("behavior")) behavior = TRY(split_behavior(config["behavior"]));
  return std::unique_ptr<PreTokenizer>(std::make_unique<Punctuation>(behavior));
}

}  // namespace

extern constinit const Entry punctuation_entry{"Punctuation", build};

}  // namespace hearth::tokenizers::pretokenizers
