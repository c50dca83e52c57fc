#include "transformers/token_bytes.h"

#include <algorithm>

namespace hearth {
namespace {

/// A token of plain letters, behind which others are looked at.
TokenId find_word(const Tokenizer& tokenizer) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_special(id)) continue;
    const TokenId ids[] = {id, id};
    const auto text = tokenizer.decode({ids, 1});
    if (!text.empty() && std::ranges::all_of(text, is_letter) && tokenizer.decode(ids).starts_with(text)) return id;
  }
  return 0;
}

}  // namespace

std::vector<std::string> token_bytes(const Tokenizer& tokenizer) {
  std::vector<std::string> out(static_cast<size_t>(tokenizer.vocab_size()));
  std::string word;
  TokenId word_id = -1;
  for (TokenId id = 0; id < static_cast<TokenId>(out.size()); ++id) {
    if (tokenizer.is_special(id) || !tokenizer.id_to_token(id)) continue;
    auto& text = out[static_cast<size_t>(id)];
    if (auto bytes = tokenizer.token_bytes(id)) {
      text = *std::move(bytes);
      continue;
    }
    if (word_id < 0) {
      word_id = find_word(tokenizer);
      word = tokenizer.decode({&word_id, 1});
    }
    const TokenId both[] = {word_id, id};
    auto together = tokenizer.decode(both);
    if (together.starts_with(word)) text = together.substr(word.size());
  }
  return out;
}

}  // namespace hearth
