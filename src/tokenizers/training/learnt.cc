// Source: tokenizers 0.23 models/bpe/trainer.rs, models/wordpiece/trainer.rs, models/wordlevel/trainer.rs.
#include "tokenizers/training/learnt.h"

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "tokenizers/training/bpe.h"
#include "tokenizers/training/unigram.h"

namespace hearth::tokenizers {

namespace {

Json or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}

Json vocabulary_json(const std::vector<std::string>& tokens) {
  Json::Object out;
  out.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) out.emplace_back(tokens[id], static_cast<int64_t>(id));
  return out;
}

}  // namespace

Result<LearntModel> learn(const WordCounts& words, const BpeTrainer& trainer, const Json& old, Meter& meter) {
  const auto learnt = TRY(learn_bpe(words.sorted(), trainer, meter));
  LearntModel out{.config = old, .merges = static_cast<int64_t>(learnt.merges.size())};
  Json::Array merges;
  merges.reserve(learnt.merges.size());
  for (const auto& [left, right] : learnt.merges)
    merges.push_back(Json::Array{learnt.tokens[left], learnt.tokens[right]});
  out.config.set("continuing_subword_prefix", or_null(trainer.continuing_subword_prefix));
  out.config.set("end_of_word_suffix", or_null(trainer.end_of_word_suffix));
  out.config.set("vocab", vocabulary_json(learnt.tokens));
  out.config.set("merges", std::move(merges));
  return out;
}

Result<LearntModel> learn(const WordCounts& words, const WordPieceTrainer& trainer, const Json& old, Meter& meter) {
  const BpeTrainer bpe{.vocab_size = trainer.vocab_size,
                       .min_frequency = trainer.min_frequency,
                       .special_tokens = trainer.special_tokens,
                       .limit_alphabet = trainer.limit_alphabet,
                       .initial_alphabet = trainer.initial_alphabet,
                       .continuing_subword_prefix = trainer.continuing_subword_prefix,
                       .end_of_word_suffix = trainer.end_of_word_suffix};
  const auto learnt = TRY(learn_bpe(words.sorted(), bpe, meter));
  LearntModel out{.config = old, .merges = static_cast<int64_t>(learnt.merges.size())};
  out.config.set("continuing_subword_prefix", trainer.continuing_subword_prefix.value_or("##"));
  out.config.set("vocab", vocabulary_json(learnt.tokens));
  return out;
}

Result<LearntModel> learn(const WordCounts& words, const UnigramTrainer& trainer, const Json& old, Meter& meter) {
  std::vector<std::string> special;
  for (const auto& token : trainer.special_tokens) special.push_back(token.content);
  Json unk_id;
  if (trainer.unk_token) {
    const auto at = std::find(special.begin(), special.end(), *trainer.unk_token);
    unk_id = at == special.end() ? 0 : at - special.begin();
    if (at == special.end()) special.insert(special.begin(), *trainer.unk_token);
  }
  const auto size = static_cast<size_t>(trainer.vocab_size);
  if (special.size() > size) {
    return Status(Code::bad_input,
                  cat("vocab_size ", size, " is too small: there are ", special.size(), " special tokens"));
  }
  const auto pieces = TRY(learn_unigram(words.sorted(), trainer, size - special.size(), meter));
  Json::Array vocab;
  vocab.reserve(special.size() + pieces.size());
  for (const auto& token : special) vocab.push_back(Json::Array{token, 0.0});
  for (const auto& [text, score] : pieces) vocab.push_back(Json::Array{text, score});
  LearntModel out{.config = old};
  out.config.set("unk_id", unk_id);
  out.config.set("vocab", std::move(vocab));
  return out;
}

Result<LearntModel> learn(const WordCounts& words, const WordLevelTrainer& trainer, const Json& old, Meter& meter) {
  TRY(meter.advance(0));
  std::vector<std::string_view> tokens;
  for (const auto& token : trainer.special_tokens) tokens.push_back(token.content);
  for (const auto& word : words.sorted())
    if (word.count >= static_cast<uint64_t>(trainer.min_frequency)) tokens.push_back(word.text);
  if (tokens.size() > static_cast<size_t>(trainer.vocab_size)) tokens.resize(static_cast<size_t>(trainer.vocab_size));
  // As in the original a special token that is a word too has the word's id, and its own stays free.
  std::unordered_map<std::string_view, size_t> last;
  for (size_t id = 0; id < tokens.size(); ++id) last[tokens[id]] = id;
  Json::Object vocab;
  vocab.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id)
    if (last[tokens[id]] == id) vocab.emplace_back(std::string(tokens[id]), static_cast<int64_t>(id));
  LearntModel out{.config = old};
  out.config.set("vocab", std::move(vocab));
  return out;
}

}  // namespace hearth::tokenizers
