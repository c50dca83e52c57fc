// WordPiece: from the left the longest token that fits, the tokens inside a word spelt with a prefix; a word that
// cannot be made of tokens, or is too long, is the unknown token.
// Source: tokenizers models/wordpiece/mod.rs.
#include <array>

#include "tokenizers/models_registry.h"
#include "tokenizers/pipeline/trie.h"
#include "tokenizers/pipeline/vocabulary.h"
#include "tokenizers/pipeline/word_cache.h"

namespace hearth::tokenizers::models {
namespace {

struct Options {
  std::string unk_token, prefix;
  size_t characters_max;  // of a word
};

struct Scratch final : ModelScratch {
  explicit Scratch(std::shared_ptr<SharedWords> words) : cache(std::move(words)) {}

  WordCache cache;
  WordTokens found;  // of one word
  std::array<PieceSpan, kPiecesMax + 8> pieces;
};

class WordPiece final : public Model {
 public:
  WordPiece(Vocabulary vocabulary, Trie trie, Options options)
      : vocabulary_(std::move(vocabulary)), trie_(std::move(trie)), options_(std::move(options)) {
    unk_ = vocabulary_.find(options_.unk_token);
    has_inner_ = trie_.step(inner_, options_.prefix);
  }

  std::unique_ptr<ModelScratch> scratch() const override { return std::make_unique<Scratch>(words_); }
  TokenId token_to_id(std::string_view token) const override { return vocabulary_.find(token); }
  std::optional<std::string_view> id_to_token(TokenId id) const override { return vocabulary_.text(id); }
  int64_t size() const override { return vocabulary_.size(); }
  int64_t ids_end() const override { return vocabulary_.ids_end(); }

  bool takes_text() const override { return true; }
  Result<uint32_t> tokenize_text(std::string_view text, FindPieces find_pieces, ModelScratch& scratch,
                                 Tokens& out) const override {
    auto& s = static_cast<Scratch&>(scratch);
    return s.cache.append_text(text, find_pieces, s.pieces, s.found, out,
                               [&](std::string_view word) { return encode_word(word, s.found); });
  }

  Status tokenize(std::span<const std::string_view> pieces, ModelScratch& scratch, Tokens& out) const override {
    auto& s = static_cast<Scratch&>(scratch);
    return s.cache.append(pieces, s.found, out, [&](std::string_view word) { return encode_word(word, s.found); });
  }

 private:
  Status encode_word(std::string_view word, WordTokens& found) const {
    const bool fits = word.size() <= options_.characters_max || utf8_length(word) <= options_.characters_max;
    for (size_t begin = 0; fits && begin < word.size();) {
      Trie::Node node = begin == 0 ? Trie::kRoot : inner_;
      size_t end = begin;
      TokenId id = -1;
      for (size_t i = begin; (begin == 0 || has_inner_) && i < word.size() && trie_.step(node, word[i]); ++i) {
        if (trie_.value(node) < 0) continue;
        id = trie_.value(node);
        end = i + 1;
      }
      if (id < 0) break;
      found.ids.push_back(id);
      found.sizes.push_back(static_cast<uint32_t>(end - begin));
      begin = end;
      if (end == word.size()) return {};
    }
    if (unk_ < 0) {
      return Status(Code::bad_input, cat("model.unk_token '", options_.unk_token, "' is not in model.vocab"));
    }
    found.ids.assign(1, unk_);
    found.sizes.assign(1, static_cast<uint32_t>(word.size()));
    return {};
  }

  std::shared_ptr<SharedWords> words_ = std::make_shared<SharedWords>();
  Vocabulary vocabulary_;
  Trie trie_;
  Options options_;
  TokenId unk_;
  Trie::Node inner_ = Trie::kRoot;  // where the tokens with the prefix begin
  bool has_inner_ = false;          // there are some
};

Built<Model> build(const ConfigView& config) {
  Options options;
  options.unk_token = TRY(config.string("unk_token"));
  options.prefix = TRY(config.string("continuing_subword_prefix"));
  options.characters_max = static_cast<size_t>(TRY(config.integer("max_input_chars_per_word", 0, INT64_MAX)));
  auto vocabulary = TRY(read_vocabulary(config["vocab"]));
  std::vector<Trie::Key> keys;
  keys.reserve(static_cast<size_t>(vocabulary.size()));
  for (TokenId id = 0; id < vocabulary.ids_end(); ++id)
    if (const auto text = vocabulary.text(id)) keys.push_back({*text, id});
  auto trie = Trie::build(std::move(keys));
  if (!trie.ok()) return std::move(trie).status().with(config["vocab"].place());
  return std::unique_ptr<Model>(
      std::make_unique<WordPiece>(std::move(vocabulary), *std::move(trie), std::move(options)));
}

}  // namespace

extern constinit const Entry word_piece_entry{"WordPiece", build,
                                              "unk_token continuing_subword_prefix max_input_chars_per_word vocab"};

}  // namespace hearth::tokenizers::models
