// Digits: numeric characters apart from the rest, one by one or in runs.
// Source: tokenizers pre_tokenizers/digits.rs; numeric as Rust's char::is_numeric.
#include "base/unicode.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class Digits final : public PreTokenizer {
 public:
  explicit Digits(bool individual) : individual_(individual) {}

  void split(TextView view, PiecesView& out) const override {
    const auto text = view.text;
    size_t begin = 0;  // of the open piece
    bool in_digits = false;
    for (size_t at = 0; at < text.size();) {
      const size_t here = at;
      const bool digit = is_numeric(text, at);
      if (digit != in_digits || (digit && individual_)) {
        out.add(view.sub(begin, here));
        begin = here;
      }
      in_digits = digit;
    }
    out.add(view.sub(begin));
  }

  bool isolates_digits() const override { return individual_; }

 private:
  static bool is_numeric(std::string_view text, size_t& at) {
    const auto b = static_cast<unsigned char>(text[at]);
    if (b < 0x80) return ++at, b >= '0' && b <= '9';
    return unicode::is(utf8_next(text, at), unicode::numeric);
  }

  bool individual_;
};

Built<PreTokenizer> build(const ConfigView& config) {
  return std::unique_ptr<PreTokenizer>(std::make_unique<Digits>(TRY(config.boolean("individual_digits", false))));
}

}  // namespace

extern constinit const Entry digits_entry{"Digits", build};

}  // namespace hearth::tokenizers::pretokenizers
