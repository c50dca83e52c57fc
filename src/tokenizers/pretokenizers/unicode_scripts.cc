// UnicodeScripts: cuts where the script changes. Kana counts as Han; a space, and what no script has, goes with what is
// before it; as in the original it is lost where nothing is.
// Source: tokenizers pre_tokenizers/unicode_scripts/pre_tokenizer.rs.
#include "tokenizers/pipeline/unicode_ranges.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class UnicodeScripts final : public PreTokenizer {
 public:
  void split(TextView view, PiecesView& out) const override {
    constexpr uint8_t kAny = 0;
    uint8_t last = kAny;
    size_t begin = 0;
    for (size_t at = 0; at < view.size();) {
      const size_t here = at;
      const uint8_t script = script_of(utf8_next(view.text, at));
      if (script == kAny || script == last) continue;
      if (last != kAny) out.add(view.sub(begin, here));
      begin = here;
      last = script;
    }
    if (last != kAny) out.add(view.sub(begin));
  }
};

Built<PreTokenizer> build(const ConfigView&) {
  return std::unique_ptr<PreTokenizer>(std::make_unique<UnicodeScripts>());
}

}  // namespace

extern constinit const Entry unicode_scripts_entry{"UnicodeScripts", build};

}  // namespace hearth::tokenizers::pretokenizers
