// Strip: without white space at one end or both.
// Source: tokenizers normalizers/strip.rs.
#include "base/unicode.h"
#include "tokenizers/normalizers_registry.h"

namespace hearth::tokenizers::normalizers {
namespace {

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  void normalize(AlignedText& aligned) const override {
    const std::string& text = aligned.text();
    size_t begin = 0, end = 0;  // of the part between the first and the last other character
    bool inside = false;
    for (size_t at = 0; at < text.size();) {
      const size_t here = at;
      if (unicode::is(utf8_next(text, at), unicode::space)) continue;
      if (!inside) begin = here;
      inside = true;
      end = at;
    }
    if (!left_) begin = 0;
    if (!right_) end = text.size();
    if (!inside && (left_ || right_)) begin = end = text.size();
    if (begin == 0 && end == text.size()) return;
    Rewriter rewriter(aligned);
    rewriter.skip(begin);
    rewriter.keep(end - begin);
    rewriter.skip(text.size() - end);
    rewriter.finish();
  }

 private:
  bool left_, right_;
};

Built<Normalizer> build(const ConfigView& config) {
  const bool left = TRY(config.boolean("strip_left", true));
  return std::unique_ptr<Normalizer>(std::make_unique<Strip>(left, TRY(config.boolean("strip_right", true))));
}

}  // namespace

extern constinit const Entry strip_entry{"Strip", build, "strip_left strip_right"};

}  // namespace hearth::tokenizers::normalizers
