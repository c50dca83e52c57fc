// BertPreTokenizer: words without the white space between, and each punctuation mark alone.
// Source: tokenizers pre_tokenizers/bert.rs.
#include <array>

#include "base/unicode.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

enum Kind : uint8_t { letter, space, mark, beyond };  // beyond: not ASCII

constexpr std::array<Kind, 256> kinds() {
  std::array<Kind, 256> out{};
  for (size_t b = 0; b < 256; ++b) {
    const bool is_mark = (b > 0x20 && b < '0') || (b > '9' && b < 'A') || (b > 'Z' && b < 'a') || (b > 'z' && b < 0x7F);
    if (b == ' ' || (b >= 9 && b <= 13)) out[b] = space;
    if (is_mark) out[b] = mark;
    if (b >= 0x80) out[b] = beyond;
  }
  return out;
}
constexpr auto kKinds = kinds();

class BertPreTokenizer final : public PreTokenizer {
 public:
  void split(TextView view, PiecesView& out) const override {
    const auto text = view.text;
    size_t begin = 0;  // of the open word
    for (size_t at = 0; at < text.size();) {
      Kind kind = kKinds[static_cast<unsigned char>(text[at])];
      if (kind == letter) {
        ++at;
        continue;
      }
      const size_t here = at;
      if (kind == beyond) {
        const uint32_t record = unicode::record(utf8_next(text, at));
        kind = record & unicode::space ? space : record & unicode::punctuation ? mark : letter;
        if (kind == letter) continue;
      } else {
        ++at;
      }
      if (here > begin) out.add(view.sub(begin, here));
      if (kind == mark) out.add(view.sub(here, at));
      begin = at;
    }
    out.add(view.sub(begin));
  }
};

Built<PreTokenizer> build(const ConfigView&) {
  return std::unique_ptr<PreTokenizer>(std::make_unique<BertPreTokenizer>());
}

}  // namespace

extern constinit const Entry bert_pre_tokenizer_entry{"BertPreTokenizer", build};

}  // namespace hearth::tokenizers::pretokenizers
