// WordPiece: a token without the prefix begins a word; on wish English punctuation goes back to its word.
// Source: tokenizers decoders/wordpiece.rs.
#include "tokenizers/decoders_registry.h"
#include "tokenizers/pipeline/clean_up.h"

namespace hearth::tokenizers::decoders {
namespace {

class WordPiece final : public Decoder {
 public:
  WordPiece(std::string prefix, bool cleanup) : prefix_(std::move(prefix)), cleanup_(cleanup) {}
  void decode(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) {
        if (tokens[i].starts_with(prefix_)) {
          tokens[i].erase(0, prefix_.size());
        } else {
          tokens[i] = cat(" ", tokens[i]);
        }
      }
      if (cleanup_) tokens[i] = clean_up(tokens[i]);
    }
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

Built<Decoder> build(const ConfigView& config) {
  auto prefix = TRY(config.string("prefix"));
  return std::unique_ptr<Decoder>(std::make_unique<WordPiece>(std::move(prefix), TRY(config.boolean("cleanup", true))));
}

}  // namespace

extern constinit const Entry word_piece_entry{"WordPiece", build, "prefix cleanup"};

}  // namespace hearth::tokenizers::decoders
