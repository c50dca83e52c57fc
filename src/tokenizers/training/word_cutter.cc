#include "tokenizers/training/word_cutter.h"

#include "tokenizers/pipeline/added_tokens.h"
#include "tokenizers/pipeline/byte_alphabet.h"

namespace hearth::tokenizers {

namespace {

// What stands for the model until there is one: it knows no token.
class NoModel final : public Model {
 public:
  std::unique_ptr<ModelScratch> scratch() const override { return std::make_unique<ModelScratch>(); }
  Status tokenize(std::span<const std::string_view>, ModelScratch&, Tokens&) const override { return {}; }
  TokenId token_to_id(std::string_view) const override { return -1; }
  std::optional<std::string_view> id_to_token(TokenId) const override { return std::nullopt; }
  int64_t size() const override { return 0; }
  int64_t ids_end() const override { return 0; }
};

}  // namespace

Result<WordCutter> WordCutter::make(const ConfigView& root) {
  WordCutter out;
  if (root.has("normalizer")) out.normalizer_ = TRY(build_normalizer(root["normalizer"]));
  if (root.has("pre_tokenizer")) out.pre_tokenizer_ = TRY(build_pretokenizer(root["pre_tokenizer"]));
  std::vector<AddedToken> tokens;
  if (root.has("added_tokens"))
    for (const auto& row : TRY(root["added_tokens"].elements())) tokens.push_back(TRY(read_added_token(row)));
  out.added_ = AddedTokens::make(std::move(tokens), NoModel(), out.normalizer_.get());
  if (out.pre_tokenizer_) {
    out.bytes_ = out.pre_tokenizer_->leave_bytes(true);
    out.find_pieces_ = out.pre_tokenizer_->find_pieces();
  }
  return out;
}

void WordCutter::count_plain(TextView text, Scratch& s) const {
  if (find_pieces_ != nullptr) {
    s.spans.resize(kPiecesMax + 8);
    for (size_t from = 0; from < text.size();) {
      const size_t n = find_pieces_(text.text, from, s.spans.data());
      for (size_t i = 0; i < n; ++i) s.words.add(text.text.substr(s.spans[i].begin, s.spans[i].end - s.spans[i].begin));
    }
    return;
  }
  if (!pre_tokenizer_) {
    s.words.add(text.text);
    return;
  }
  s.pieces.clear(/*aligned=*/pre_tokenizer_->asks_start_of_pieces());
  pre_tokenizer_->split(text, s.pieces);
  for (const auto piece : s.pieces.texts()) s.words.add(piece);
}

void WordCutter::count_section(TextView text, Scratch& s) const {
  if (normalizer_ && normalizer_->may_change(text.text)) {
    s.normalized.assign(text, /*aligned=*/pre_tokenizer_ && pre_tokenizer_->asks_start());
    normalizer_->normalize(s.normalized);
    text = s.normalized.view();
  }
  s.inner.clear();
  added_.normalized().cut(text.text, /*split_special_tokens=*/false, s.inner);
  for (const auto& section : s.inner) {
    const auto part = text.sub(section.begin, section.end);
    section.token != nullptr ? s.tokens.add(part.text) : count_plain(part, s);
  }
}

void WordCutter::count(std::string_view text, Scratch& s) const {
  s.sections.clear();
  added_.raw().cut(text, /*split_special_tokens=*/false, s.sections);
  const TextView whole{.text = text};
  for (const auto& section : s.sections) {
    const auto part = whole.sub(section.begin, section.end);
    section.token != nullptr ? s.tokens.add(part.text) : count_section(part, s);
  }
}

WordCounts WordCutter::spelt(const WordCounts& words, const WordCounts& tokens) const {
  WordCounts out;
  for (const auto& word : words.words())
    bytes_ ? out.add(spell_bytes(word.text), word.count) : out.add(word.text, word.count);
  out.add(tokens);
  return out;
}

}  // namespace hearth::tokenizers
