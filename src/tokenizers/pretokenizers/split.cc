// Split: by a string or a regular expression; the common expressions have hand-written matchers.
// Source: tokenizers pre_tokenizers/split.rs.
#include "tokenizers/pipeline/split.h"
#include "tokenizers/pipeline/scanners.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class Split final : public PreTokenizer {
 public:
  Split(Pattern pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {
    // A matcher covers the text, so all is match; these two behaviours then leave each match as it is.
    if (pattern_.is_regex() && (behavior == SplitBehavior::isolated || (behavior == SplitBehavior::removed && invert)))
      scan_ = known_scanner(pattern_.source());
  }

  void split(TextView view, PiecesView& out) const override {
    if (scan_ != nullptr) {
      for (size_t at = 0; at < view.size();) {
        const size_t end = scan_(view.text, at);
        out.add(view.sub(at, end));
        at = end;
      }
      return;
    }
    auto stretches = pattern_.stretches(view.text);
    if (invert_)
      for (auto& s : stretches) s.is_match = !s.is_match;
    cut(view, stretches, behavior_, out);
  }

  FindPieces find_pieces() const override { return scan_ == nullptr ? nullptr : known_find_pieces(pattern_.source()); }

 private:
  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
  Scanner scan_ = nullptr;
};

Built<PreTokenizer> build(const ConfigView& config) {
  auto pattern = TRY(Pattern::build(config["pattern"]));
  const auto behavior = TRY(split_behavior(config["behavior"]));
  const bool invert = TRY(config.boolean("invert", false));
  return std::unique_ptr<PreTokenizer>(std::make_unique<Split>(std::move(pattern), behavior, invert));
}

}  // namespace

extern constinit const Entry split_entry{"Split", build};

}  // namespace hearth::tokenizers::pretokenizers
