// WhitespaceSplit: what stands between white space.
// Source: tokenizers pre_tokenizers/whitespace.rs.
#include "base/unicode.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class WhitespaceSplit final : public PreTokenizer {
 public:
  void split(std::string_view text, bool, PiecesView& out) const override {
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t here = at;
      if (!unicode::is(utf8_next(text, at), unicode::space)) continue;
      out.add(text.substr(begin, here - begin));
      begin = at;
    }
    out.add(text.substr(begin));
  }
};

Built<PreTokenizer> build(const ConfigView&) {
  return std::unique_ptr<PreTokenizer>(std::make_unique<WhitespaceSplit>());
}

}  // namespace

extern constinit const Entry whitespace_split_entry{"WhitespaceSplit", build};

}  // namespace hearth::tokenizers::pretokenizers
