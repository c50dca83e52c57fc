// BertPreTokenizer: words without the white space between, and each punctuation mark alone.
// Source: tokenizers pre_tokenizers/bert.rs.
#include "tokenizers/pipeline/scanners.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class BertPreTokenizer final : public PreTokenizer {
 public:
  void split(TextView view, PiecesView& out) const override {
    for (size_t at = 0; at < view.size();) {
      const auto piece = bert_piece(view.text, at);
      out.add(view.sub(piece.begin, piece.end));
      at = piece.end;
    }
  }
  FindPieces find_pieces() const override { return find_bert; }
};

Built<PreTokenizer> build(const ConfigView&) {
  return std::unique_ptr<PreTokenizer>(std::make_unique<BertPreTokenizer>());
}

}  // namespace

extern constinit const Entry bert_pre_tokenizer_entry{"BertPreTokenizer", build};

}  // namespace hearth::tokenizers::pretokenizers
