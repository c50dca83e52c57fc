// Nmt: what SentencePiece's "nmt" rules do beside NFKC: controls go, other white space becomes a space.
// Source: tokenizers normalizers/unicode.rs.
#include "tokenizers/normalizers_registry.h"

namespace hearth::tokenizers::normalizers {
namespace {

bool goes(char32_t c) {
  return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
}

bool becomes_space(char32_t c) {
  return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
         c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

class Nmt final : public Normalizer {
 public:
  void normalize(AlignedText& text) const override {
    Rewriter rewriter(text);
    while (!rewriter.done()) {
      const size_t begin = rewriter.position();
      size_t end = begin;
      const char32_t c = utf8_next(text.text(), end);
      if (goes(c)) {
        rewriter.skip(end - begin);
      } else if (becomes_space(c)) {
        rewriter.replace(end - begin, U' ');
      } else {
        rewriter.keep(end - begin);
      }
    }
    rewriter.finish();
  }
};

Built<Normalizer> build(const ConfigView&) {
  return std::unique_ptr<Normalizer>(std::make_unique<Nmt>());
}

}  // namespace

extern constinit const Entry nmt_entry{"Nmt", build};

}  // namespace hearth::tokenizers::normalizers
