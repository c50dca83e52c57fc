// WordLevel: each piece is one token of the vocabulary, or the unknown one.
// Source: tokenizers models/wordlevel/mod.rs.
#include "tokenizers/models_registry.h"
#include "tokenizers/pipeline/vocabulary.h"

namespace hearth::tokenizers::models {
namespace {

class WordLevel final : public Model {
 public:
  WordLevel(Vocabulary vocabulary, std::string unk_token)
      : vocabulary_(std::move(vocabulary)), unk_token_(std::move(unk_token)), unk_(vocabulary_.find(unk_token_)) {}

  std::unique_ptr<ModelScratch> scratch() const override { return std::make_unique<ModelScratch>(); }
  TokenId token_to_id(std::string_view token) const override { return vocabulary_.find(token); }
  std::optional<std::string_view> id_to_token(TokenId id) const override { return vocabulary_.text(id); }
  int64_t size() const override { return vocabulary_.size(); }
  int64_t ids_end() const override { return vocabulary_.ids_end(); }

  Status tokenize(std::span<const std::string_view> pieces, ModelScratch&, Tokens& out) const override {
    for (uint32_t i = 0; i < pieces.size(); ++i) {
      TokenId id = vocabulary_.find(pieces[i]);
      if (id < 0) id = unk_;
      if (id < 0) return Status(Code::bad_input, cat("model.unk_token '", unk_token_, "' is not in model.vocab"));
      out.ids.push_back(id);
      if (out.aligned) out.places.push_back({i, 0, static_cast<uint32_t>(pieces[i].size())});
    }
    return {};
  }

 private:
  Vocabulary vocabulary_;
  std::string unk_token_;
  TokenId unk_;
};

Built<Model> build(const ConfigView& config) {
  auto vocabulary = TRY(read_vocabulary(config["vocab"]));
  return std::unique_ptr<Model>(std::make_unique<WordLevel>(std::move(vocabulary), TRY(config.string("unk_token"))));
}

}  // namespace

extern constinit const Entry word_level_entry{"WordLevel", build, "vocab unk_token"};

}  // namespace hearth::tokenizers::models
