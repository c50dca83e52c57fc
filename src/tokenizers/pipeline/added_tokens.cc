#include "tokenizers/pipeline/added_tokens.h"

#include <algorithm>
#include <map>

#include "base/unicode.h"

namespace hearth::tokenizers {

namespace {

// The code point that ends at `end` > 0.
char32_t character_before(std::string_view text, size_t end, size_t& begin) {
  begin = end - 1;
  while (begin > 0 && (text[begin] & 0xC0) == 0x80) --begin;
  size_t at = begin;
  return utf8_next(text, at);
}

bool touches_word(std::string_view text, size_t begin, size_t end) {
  size_t at = 0;
  if (begin > 0 && unicode::is(character_before(text, begin, at), unicode::token_word)) return true;
  return end < text.size() && unicode::is(utf8_next(text, at = end), unicode::token_word);
}

size_t space_begin(std::string_view text, size_t end) {
  for (size_t begin = 0; end > 0 && unicode::is(character_before(text, end, begin), unicode::space);) end = begin;
  return end;
}

size_t space_end(std::string_view text, size_t begin) {
  for (size_t at = begin; at < text.size(); begin = at)
    if (!unicode::is(utf8_next(text, at), unicode::space)) break;
  return begin;
}

}  // namespace

void Matcher::add(std::string text, const AddedToken* token) {
  if (text.empty()) {
    if (empty_ == nullptr) empty_ = token;
    return;
  }
  begins_[static_cast<unsigned char>(text[0])] = true;
  rows_.push_back({std::move(text), token});
}

void Matcher::finish() {
  std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.text < b.text; });
  // Of equal texts the first one counts.
  const auto equal = [](const Row& a, const Row& b) { return a.text == b.text; };
  rows_.erase(std::unique(rows_.begin(), rows_.end(), equal), rows_.end());
  if (std::count(begins_.begin(), begins_.end(), true) == 1)
    only_begin_ = static_cast<int>(std::find(begins_.begin(), begins_.end(), true) - begins_.begin());
}

// Narrows the sorted rows byte by byte; a row that is used up is the shortest of those left, and stands first.
const Matcher::Row* Matcher::longest_at(std::string_view text, size_t at) const {
  const Row* found = nullptr;
  const Row* low = rows_.data();
  const Row* high = low + rows_.size();
  for (size_t depth = 0; at + depth < text.size(); ++depth) {
    const auto byte = static_cast<unsigned char>(text[at + depth]);
    const auto byte_of = [depth](const Row& row) { return static_cast<unsigned char>(row.text[depth]); };
    low = std::partition_point(low, high, [&](const Row& row) { return byte_of(row) < byte; });
    high = std::partition_point(low, high, [&](const Row& row) { return byte_of(row) == byte; });
    if (low == high) break;
    if (low->text.size() == depth + 1) found = low++;
    if (low == high) break;
  }
  return found;
}

// Where a token could begin, from `at` on.
size_t Matcher::next_begin(std::string_view text, size_t at) const {
  if (only_begin_ >= 0) return std::min(text.find(static_cast<char>(only_begin_), at), text.size());
  while (at < text.size() && !begins_[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}

void Matcher::cut(std::string_view text, bool split_special_tokens, std::vector<Section>& out) const {
  size_t covered = 0;
  const auto found = [&](const AddedToken& token, size_t begin, size_t end) {
    if (split_special_tokens && token.special) return;
    if (token.single_word && touches_word(text, begin, end)) return;
    if (token.lstrip) begin = std::max(space_begin(text, begin), covered);
    if (token.rstrip) end = space_end(text, end);
    if (begin > covered) out.push_back({covered, begin, nullptr});
    if (end > begin) out.push_back({begin, end, &token});
    covered = end;
  };
  size_t last_end = SIZE_MAX;
  for (size_t at = 0; !empty() && at <= text.size();) {
    if (empty_ == nullptr) at = next_begin(text, at);
    if (const Row* row = longest_at(text, at); row != nullptr) {
      const size_t begin = at;
      at = last_end = begin + row->text.size();  // the next may begin here, even in white space that this one takes
      found(*row->token, begin, at);
      continue;
    }
    if (empty_ != nullptr && at != last_end) found(*empty_, at, at);
    if (at == text.size()) break;
    if (empty_ == nullptr) {
      ++at;
    } else {
      utf8_next(text, at);
    }
  }
  if (covered < text.size()) out.push_back({covered, text.size(), nullptr});
}

// A text given twice keeps its id and gets the later flags, but once special it stays so; two texts under one id (a
// vocabulary with gaps makes that possible): the later one has it.
AddedTokens AddedTokens::make(std::vector<AddedToken> tokens, const Model& model, const Normalizer* normalizer) {
  AddedTokens out;
  int64_t next_id = model.size();
  std::map<TokenId, AddedToken> by_id;
  std::unordered_map<std::string, AddedToken> by_content;
  for (auto& token : tokens) {
    if (token.content.empty()) continue;
    if (const auto before = by_content.find(token.content); before != by_content.end()) {
      token.id = before->second.id;
      token.special |= before->second.special;
    } else {
      token.id = model.token_to_id(token.content);
      if (token.id < 0) token.id = static_cast<TokenId>(next_id++);
    }
    by_content[token.content] = token;
    by_id[token.id] = std::move(token);
  }
  for (auto& [id, token] : by_id) {
    const auto& kept = *out.tokens_.emplace_back(std::make_unique<KnownToken>(KnownToken{std::move(token)}));
    out.by_id_[id] = &kept;
    out.by_content_[kept.content] = &kept;
    out.ids_end_ = id + int64_t{1};
  }
  for (const auto& token : out.tokens_) {
    if (token->normalized && normalizer != nullptr) {
      AlignedText text({.text = token->content}, /*aligned=*/false);
      normalizer->normalize(text);
      token->decoded = text.text();
    } else {
      token->decoded = token->content;
    }
    const auto same = by_content.find(token->decoded);
    token->skipped = same != by_content.end() && same->second.special;
  }
  for (const TokenId id : model.twins()) {
    const auto same = by_content.find(std::string(*model.id_to_token(id)));
    if (same != by_content.end() && same->second.special) out.skipped_twins_.insert(id);
  }
  for (const bool special : {true, false}) {
    for (const auto& token : out.tokens_) {
      if (token->special == special) (token->normalized ? out.normalized_ : out.raw_).add(token->decoded, token.get());
    }
  }
  out.raw_.finish();
  out.normalized_.finish();
  return out;
}

bool AddedTokens::skips(TokenId id) const {
  const auto* token = find(id);
  return token != nullptr ? token->skipped : skipped_twins_.contains(id);
}

const KnownToken* AddedTokens::find(TokenId id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

const KnownToken* AddedTokens::find(std::string_view content) const {
  const auto it = by_content_.find(content);
  return it == by_content_.end() ? nullptr : it->second;
}

Result<AddedToken> read_added_token(const ConfigView& config) {
  AddedToken token{.content = TRY(config.string("content"))};
  token.special = TRY(config.boolean("special", false));
  token.single_word = TRY(config.boolean("single_word", false));
  token.lstrip = TRY(config.boolean("lstrip", false));
  token.rstrip = TRY(config.boolean("rstrip", false));
  token.normalized = TRY(config.boolean("normalized", !token.special));
  return token;
}

}  // namespace hearth::tokenizers

namespace hearth {

bool same_token(const AddedToken& a, const AddedToken& b) {
  return a.content == b.content && a.special == b.special && a.single_word == b.single_word && a.lstrip == b.lstrip &&
         a.rstrip == b.rstrip && a.normalized == b.normalized;
}

Result<AddedToken> added_token_of(const Json& json, std::string_view place) {
  if (json.is_string()) return AddedToken{.content = std::string(json.as_string())};
  return tokenizers::read_added_token({json, std::string(place)});
}

Json added_token_json(const AddedToken& token) {
  return Json::Object{{"content", token.content}, {"single_word", token.single_word}, {"lstrip", token.lstrip},
                      {"rstrip", token.rstrip},   {"normalized", token.normalized},   {"special", token.special}};
}

}  // namespace hearth
