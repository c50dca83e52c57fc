// ByteLevel: cuts by GPT-2's expression and spells the bytes in the byte alphabet.
// Source: tokenizers pre_tokenizers/byte_level.rs.
#include "tokenizers/pipeline/byte_alphabet.h"
#include "tokenizers/pipeline/scanners.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex) : add_prefix_space_(add_prefix_space), use_regex_(use_regex) {}

  void split(TextView view, PiecesView& out) const override {
    if (add_prefix_space_ && view.text.front() != ' ') {
      AlignedText text(view, out.aligned());
      text.prepend(" ");
      view = out.keep(std::move(text));
    }
    if (!use_regex_) return add(view, out);
    for (size_t at = 0; at < view.size();) {
      const size_t end = scan_gpt2(view.text, at);
      add(view.sub(at, end), out);
      at = end;
    }
  }
  bool leave_bytes(bool leave) override { return spell_ = !leave, true; }
  FindPieces find_pieces() const override { return use_regex_ && !spell_ && !add_prefix_space_ ? find_gpt2 : nullptr; }
  bool passes_on() const override { return !use_regex_ && !spell_ && !add_prefix_space_; }

 private:
  void add(TextView piece, PiecesView& out) const {
    if (!spell_) return out.add(piece);
    AlignedText text(piece, out.aligned());
    spell_bytes(text);
    out.add(out.keep(std::move(text)));
  }

  bool add_prefix_space_, use_regex_;
  bool spell_ = true;
};

Built<PreTokenizer> build(const ConfigView& config) {
  const bool add_prefix_space = TRY(config.boolean("add_prefix_space", true));
  return std::unique_ptr<PreTokenizer>(
      std::make_unique<ByteLevel>(add_prefix_space, TRY(config.boolean("use_regex", true))));
}

}  // namespace

extern constinit const Entry byte_level_entry{"ByteLevel", build};

}  // namespace hearth::tokenizers::pretokenizers
