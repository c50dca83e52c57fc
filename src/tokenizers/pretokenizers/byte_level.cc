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

  void split(std::string_view text, bool, PiecesView& out) const override {
    if (add_prefix_space_ && text.front() != ' ') text = out.kept.emplace_back(cat(' ', text));
    if (!use_regex_) return add(text, out);
    for (size_t at = 0; at < text.size();) {
      const size_t end = scan_gpt2(text, at);
      add(text.substr(at, end - at), out);
      at = end;
    }
  }
  bool leave_bytes() override { return spell_ = false, true; }

 private:
  void add(std::string_view piece, PiecesView& out) const {
    if (spell_) {
      out.keep(spell_bytes(piece));
    } else {
      out.add(piece);
    }
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
