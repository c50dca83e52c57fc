#include "tokenizers/python/sentencepiece_processor.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <unordered_map>

#include "base/encoding.h"
#include "base/text.h"

namespace hearth::tokenizers {

namespace {

constexpr std::string_view kSpace = "▁";
constexpr float kUnknownPenalty = 10;

size_t character_size(std::string_view text) {
  size_t at = 0;
  utf8_next(text, at);
  return at;
}

// "<0x41>" is 'A'.
std::optional<char> byte_of(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || !piece.ends_with('>')) return std::nullopt;
  const auto byte = from_hex(piece.substr(3, 2));
  return byte.ok() ? std::optional((*byte)[0]) : std::nullopt;
}

std::string piece_of(char byte) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto b = static_cast<unsigned char>(byte);
  return {'<', '0', 'x', kHex[b >> 4], kHex[b & 15], '>'};
}

}  // namespace

Result<SentencePieceProcessor> SentencePieceProcessor::make(SentencePieceModel model) {
  SentencePieceProcessor out;
  out.model_ = std::move(model);
  const auto& m = out.model_;
  if (m.model_type != 1 && m.model_type != 2 && m.model_type != 4) {
    return Status(Code::unsupported,
                  cat("the SentencePiece model is of type ", m.model_type, " (read are 1 unigram, 2 bpe, 4 char)"));
  }
  if (!m.precompiled_charsmap.empty()) out.map_ = TRY(CharsMap::parse(m.precompiled_charsmap));
  if (!m.denormalizer_charsmap.empty()) out.denormalizer_ = TRY(CharsMap::parse(m.denormalizer_charsmap));
  out.score_min_ = std::numeric_limits<float>::max();
  out.score_max_ = std::numeric_limits<float>::lowest();
  bool has_unknown = false;
  std::vector<Trie::Key> keys, user_defined;
  for (const auto& piece : m.pieces) {
    const auto id = static_cast<TokenId>(&piece - m.pieces.data());
    if (piece.text.empty()) return Status(Code::bad_input, cat("pieces[", id, "] is empty"));
    const bool is_cut =
        piece.type == PieceType::normal || piece.type == PieceType::user_defined || piece.type == PieceType::unused;
    if (!(is_cut ? out.ids_ : out.reserved_).emplace(piece.text, id).second)
      return Status(Code::bad_input, cat("pieces[", id, "]: '", piece.text, "' is there twice"));
    if (is_cut) keys.push_back({piece.text, id});
    if (piece.type == PieceType::user_defined) user_defined.push_back({piece.text, id});
    if (piece.type == PieceType::normal) {
      out.score_min_ = std::min(out.score_min_, piece.score);
      out.score_max_ = std::max(out.score_max_, piece.score);
    }
    if (piece.type == PieceType::unknown) {
      if (has_unknown) return Status(Code::bad_input, cat("pieces[", id, "] is a second unknown piece"));
      has_unknown = true;
      out.unk_ = id;
    }
  }
  if (!has_unknown) return Status(Code::bad_input, "the SentencePiece model has no unknown piece");
  out.has_user_defined_ = !user_defined.empty();
  out.user_defined_ = TRY(Trie::build(std::move(user_defined)));
  if (m.model_type == 1) out.trie_ = TRY(Trie::build(std::move(keys)));
  return out;
}

// The size of the longest user-defined piece that the text begins with; 0: none.
size_t SentencePieceProcessor::user_defined_at(std::string_view text) const {
  size_t out = 0;
  Trie::Node node = Trie::kRoot;
  for (size_t i = 0; has_user_defined_ && i < text.size() && user_defined_.step(node, text[i]); ++i)
    if (user_defined_.value(node) >= 0) out = i + 1;
  return out;
}

// The next part of the input, and what it is normalized to.
CharsMap::Match SentencePieceProcessor::next_part(std::string_view text) const {
  if (const size_t size = user_defined_at(text); size > 0) return {size, text.substr(0, size)};
  if (map_)
    if (const auto match = map_->find_longest(text); match.size > 0) return match;
  const size_t size = character_size(text);
  return {size, text.substr(0, size)};
}

SentencePieceProcessor::Normalized SentencePieceProcessor::normalize(std::string_view text) const {
  Normalized out;
  uint32_t consumed = 0;
  const auto consume = [&](size_t size) {
    text.remove_prefix(size);
    consumed += static_cast<uint32_t>(size);
  };
  const auto put = [&](std::string_view bytes) {
    out.text += bytes;
    out.origins.resize(out.text.size(), consumed);
  };
  const std::string_view space = model_.escape_whitespaces ? kSpace : " ";
  while (model_.remove_extra_whitespaces && !text.empty()) {
    const auto part = next_part(text);
    if (part.by != " ") break;
    consume(part.size);
  }
  if (!text.empty()) {
    if (model_.add_dummy_prefix && !model_.treat_whitespace_as_suffix) put(space);
    bool after_space = model_.remove_extra_whitespaces;
    while (!text.empty()) {
      auto [size, by] = next_part(text);
      while (after_space && by.starts_with(' ')) by.remove_prefix(1);
      for (const char& c : by) put(c == ' ' ? space : std::string_view(&c, 1));
      if (!by.empty()) after_space = by.ends_with(' ');
      consume(size);
      after_space &= model_.remove_extra_whitespaces;
    }
    while (model_.remove_extra_whitespaces && out.text.ends_with(space)) {
      const size_t size = out.text.size() - space.size();
      consumed = out.origins[size];
      out.text.resize(size);
      out.origins.resize(size);
    }
    if (model_.add_dummy_prefix && model_.treat_whitespace_as_suffix) put(space);
  }
  out.origins.push_back(consumed);
  return out;
}

// Sums are float, as the library's: where they are equal in it, the way found first is kept.
std::vector<SentencePieceProcessor::Cut> SentencePieceProcessor::cut_unigram(std::string_view text) const {
  struct Best {
    TokenId id = -1;
    float score = 0;
    int64_t begin = -1;
  };
  std::vector<Best> best(text.size() + 1);
  const float unknown_score = score_min_ - kUnknownPenalty;
  for (size_t begin = 0; begin < text.size();) {
    const float before = best[begin].score;
    const size_t single = begin + character_size(text.substr(begin));
    bool has_single = false;
    const auto offer = [&](size_t end, float score, TokenId id) {
      auto& target = best[end];
      if (target.begin == -1 || score > target.score) target = {id, score, static_cast<int64_t>(begin)};
    };
    Trie::Node node = Trie::kRoot;
    for (size_t end = begin; end < text.size() && trie_->step(node, text[end]);) {
      const TokenId id = trie_->value(node);
      ++end;
      if (id < 0 || piece(id).type == PieceType::unused) continue;
      const float score = piece(id).type == PieceType::user_defined
                              ? static_cast<float>(end - begin) * score_max_ - 0.1F
                              : piece(id).score;
      offer(end, score + before, id);
      has_single |= end == single;
    }
    if (!has_single) offer(single, unknown_score + before, unk_);
    begin = single;
  }
  std::vector<Cut> out;
  for (auto end = static_cast<int64_t>(text.size()); end > 0; end = best[static_cast<size_t>(end)].begin) {
    const auto& b = best[static_cast<size_t>(end)];
    out.push_back({static_cast<uint32_t>(b.begin), static_cast<uint32_t>(end), b.id});
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// Neighbours become one as long as together they are a piece, the best score first, of equal ones the leftmost. An
// unused piece may be a step on the way, and is taken apart in the end.
std::vector<SentencePieceProcessor::Cut> SentencePieceProcessor::cut_bpe(std::string_view text) const {
  struct Symbol {
    uint32_t begin, end;
    int32_t before, after;
    bool is_frozen;
  };
  struct Pair {
    float score;
    int32_t left, right;
    uint32_t size;
    bool operator<(const Pair& o) const { return score < o.score || (score == o.score && left > o.left); }
  };
  std::vector<Symbol> symbols;
  for (uint32_t at = 0; at < text.size();) {
    const size_t frozen = user_defined_at(text.substr(at));
    const auto size = static_cast<uint32_t>(frozen > 0 ? frozen : character_size(text.substr(at)));
    const auto index = static_cast<int32_t>(symbols.size());
    symbols.push_back({at, at + size, index - 1, index + 1, frozen > 0});
    at += size;
  }
  if (symbols.empty()) return {};
  symbols.back().after = -1;
  const auto symbol = [&](int32_t i) -> Symbol& { return symbols[static_cast<size_t>(i)]; };
  std::priority_queue<Pair> agenda;
  std::unordered_map<std::string_view, size_t> unused;  // an unused piece: the size of its left part
  const auto offer = [&](int32_t left, int32_t right) {
    if (left < 0 || right < 0 || symbol(left).is_frozen || symbol(right).is_frozen) return;
    const auto together = text.substr(symbol(left).begin, symbol(right).end - symbol(left).begin);
    const auto it = ids_.find(std::string(together));
    if (it == ids_.end()) return;
    agenda.push({piece(it->second).score, left, right, static_cast<uint32_t>(together.size())});
    if (piece(it->second).type == PieceType::unused) unused[together] = symbol(left).end - symbol(left).begin;
  };
  for (int32_t i = 1; i < static_cast<int32_t>(symbols.size()); ++i) offer(i - 1, i);
  while (!agenda.empty()) {
    const Pair top = agenda.top();
    agenda.pop();
    auto &left = symbol(top.left), &right = symbol(top.right);
    const bool is_stale = left.begin == left.end || right.begin == right.end || right.begin != left.end ||
                          right.end - left.begin != top.size;
    if (is_stale) continue;
    left.end = right.end;
    left.after = right.after;
    right.begin = right.end;
    if (left.after >= 0) symbol(left.after).before = top.left;
    offer(left.before, top.left);
    offer(top.left, left.after);
  }
  std::vector<Cut> out;
  const auto add = [&](const auto& self, uint32_t begin, uint32_t end) -> void {
    const auto part = text.substr(begin, end - begin);
    const TokenId id = piece_to_id(part);
    const auto parts = unused.find(part);
    if (piece(id).type != PieceType::unused || parts == unused.end()) return out.push_back({begin, end, id});
    self(self, begin, begin + static_cast<uint32_t>(parts->second));
    self(self, begin + static_cast<uint32_t>(parts->second), end);
  };
  for (int32_t i = 0; i >= 0; i = symbol(i).after) add(add, symbol(i).begin, symbol(i).end);
  return out;
}

std::vector<SentencePieceProcessor::Cut> SentencePieceProcessor::cut_characters(std::string_view text) const {
  std::vector<Cut> out;
  for (uint32_t at = 0; at < text.size();) {
    const size_t whole = user_defined_at(text.substr(at));
    const auto end = at + static_cast<uint32_t>(whole > 0 ? whole : character_size(text.substr(at)));
    out.push_back({at, end, piece_to_id(text.substr(at, end - at))});
    at = end;
  }
  return out;
}

std::vector<SentencePieceProcessor::Token> SentencePieceProcessor::encode(std::string_view text) const {
  const auto normalized = normalize(text);
  const auto cuts = model_.model_type == 1   ? cut_unigram(normalized.text)
                    : model_.model_type == 2 ? cut_bpe(normalized.text)
                                             : cut_characters(normalized.text);
  std::vector<Token> out;
  bool after_unknown = false;
  for (const auto& cut : cuts) {
    const auto part = std::string_view(normalized.text).substr(cut.begin, cut.end - cut.begin);
    const TextSpan place{normalized.origins[cut.begin], normalized.origins[cut.end]};
    const bool is_unknown = cut.id == unk_;
    if (is_unknown && model_.byte_fallback) {
      for (const char byte : part) {
        auto name = piece_of(byte);
        const TokenId id = piece_to_id(name);
        out.push_back({std::move(name), id, place});
      }
    } else if (is_unknown && after_unknown) {
      out.back().text += part;
      out.back().place.end = place.end;
    } else {
      out.push_back({std::string(part), cut.id, place});
    }
    after_unknown = is_unknown;
  }
  return out;
}

std::string SentencePieceProcessor::decode(std::span<const std::string_view> pieces) const {
  std::string out, bytes;
  const auto end_bytes = [&] {
    // Each byte that begins no character is one U+FFFD.
    for (std::string_view rest = bytes; !rest.empty();) {
      const size_t bad = utf8_error(rest);
      out += rest.substr(0, bad);
      if (bad == rest.npos) break;
      out += "\uFFFD";
      rest.remove_prefix(bad + 1);
    }
    bytes.clear();
  };
  bool at_begin = true, saw_space = false;
  for (const auto text : pieces) {
    const TokenId id = piece_to_id(text);
    if (piece(id).type == PieceType::byte) {
      if (const auto byte = byte_of(text)) bytes += *byte;
      continue;
    }
    end_bytes();
    if (saw_space || !out.empty()) at_begin = false;
    saw_space = false;
    if (piece(id).type == PieceType::control) continue;
    if (id == unk_) {
      out += piece(id).text == text ? std::string_view(model_.unk_surface) : text;
      continue;
    }
    auto rest = text;
    if (at_begin && (model_.add_dummy_prefix || model_.remove_extra_whitespaces) && rest.starts_with(kSpace)) {
      rest.remove_prefix(kSpace.size());
      saw_space = !model_.remove_extra_whitespaces;
    }
    out += replace_all(std::string(rest), kSpace, " ");
  }
  end_bytes();
  if (!denormalizer_) return out;
  std::string plain;
  for (std::string_view rest = out; !rest.empty();) {
    auto match = denormalizer_->find_longest(rest);
    if (match.size == 0) match = {character_size(rest), rest.substr(0, character_size(rest))};
    plain += match.by;
    rest.remove_prefix(match.size);
  }
  return plain;
}

TokenId SentencePieceProcessor::piece_to_id(std::string_view piece) const {
  const std::string key(piece);
  if (const auto it = reserved_.find(key); it != reserved_.end()) return it->second;
  const auto it = ids_.find(key);
  return it == ids_.end() ? unk_ : it->second;
}

std::optional<std::string_view> SentencePieceProcessor::id_to_piece(TokenId id) const {
  if (id < 0 || id >= size()) return std::nullopt;
  return piece(id).text;
}

}  // namespace hearth::tokenizers
