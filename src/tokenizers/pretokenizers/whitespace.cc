// Whitespace: words and runs of other signs, without the white space between: \w+|[^\w\s]+.
// Source: tokenizers pre_tokenizers/whitespace.rs.
#include "base/unicode.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class Whitespace final : public PreTokenizer {
 public:
  void split(TextView view, PiecesView& out) const override {
    // \w of Rust's regex, not of Oniguruma.
    constexpr uint32_t kKinds = unicode::token_word | unicode::space;
    const auto text = view.text;
    size_t begin = 0;
    uint32_t open = unicode::space;
    for (size_t at = 0; at < text.size();) {
      const size_t here = at;
      const uint32_t kind = unicode::record(utf8_next(text, at)) & kKinds;
      if (kind == open) continue;
      if (open != unicode::space) out.add(view.sub(begin, here));
      begin = here;
      open = kind;
    }
    if (open != unicode::space) out.add(view.sub(begin));
  }
};

Built<PreTokenizer> build(const ConfigView&) {
  return std::unique_ptr<PreTokenizer>(std::make_unique<Whitespace>());
}

}  // namespace

extern constinit const Entry whitespace_entry{"Whitespace", build};

}  // namespace hearth::tokenizers::pretokenizers
