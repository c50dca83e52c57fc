// WhitespaceSplit: what stands between white space.
// Source: tokenizers pre_tokenizers/whitespace.rs.
#include "base/unicode.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class WhitespaceSplit final : public PreTokenizer {
 public:
  void split(TextView view, PiecesView& out) const override {
    const auto text = view.text;
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t here = at;
      if (!unicode::is(utf8_next(text, at), unicode::space)) continue;
      out.add(view.sub(begin, here));
      begin = at;
    }
    out.add(view.sub(begin));
  }
};

Built<PreTokenizer> build(const ConfigView&) {
  return std::unique_ptr<PreTokenizer>(std::make_unique<WhitespaceSplit>());
}

}  // namespace

extern constinit const Entry whitespace_split_entry{"WhitespaceSplit", build};

}  // namespace hearth::tokenizers::pretokenizers
