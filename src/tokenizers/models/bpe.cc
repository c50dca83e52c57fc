// BPE: byte-pair encoding with the original's options.
// Source: tokenizers models/bpe/model.rs, word.rs. `dropout`, which makes encoding random, is refused.
//
// Two ways to the same ids. In the general one a word is characters, each looked up with its prefix or suffix. After
// take_bytes() a word is raw bytes that stand for themselves in the byte alphabet: one table of 256 ids gives the first
// symbols, words are kept in a cache of one line each, and only a byte that the vocabulary lacks goes the general way.
#include <algorithm>
#include <array>

#include "tokenizers/models_registry.h"
#include "tokenizers/pipeline/bpe_source.h"
#include "tokenizers/pipeline/byte_alphabet.h"
#include "tokenizers/pipeline/merge_table.h"
#include "tokenizers/pipeline/word_cache.h"

namespace hearth::tokenizers {

namespace {

struct BpeScratch final : ModelScratch {
  explicit BpeScratch(std::shared_ptr<SharedWords> words) : cache(std::move(words)) {}

  WordCache cache;
  WordTokens found;  // of one word
  MergeBuffers buffers;
  std::string symbol;
  std::array<PieceSpan, kPiecesMax + 8> pieces;
};

class Bpe final : public Model {
 public:
  Bpe(Vocabulary vocabulary, MergeTable merges, BpeOptions options)
      : vocabulary_(std::move(vocabulary)), merges_(std::move(merges)), options_(std::move(options)) {
    unk_ = options_.unk_token.empty() ? -1 : vocabulary_.find(options_.unk_token);
  }

  std::unique_ptr<ModelScratch> scratch() const override { return std::make_unique<BpeScratch>(words_); }
  TokenId token_to_id(std::string_view token) const override { return vocabulary_.find(token); }
  std::optional<std::string_view> id_to_token(TokenId id) const override { return vocabulary_.text(id); }
  int64_t size() const override { return vocabulary_.size(); }
  int64_t ids_end() const override { return vocabulary_.ids_end(); }

  bool take_bytes() override {
    std::vector<std::string> spelt;
    std::vector<VocabularyRow> rows;
    spelt.reserve(static_cast<size_t>(vocabulary_.size()));
    for (TokenId id = 0; options_.ignore_merges && id < vocabulary_.ids_end(); ++id) {
      const auto text = vocabulary_.text(id);
      if (!text || vocabulary_.find(*text) != id) continue;
      if (auto bytes = unspell_bytes(*text)) rows.push_back({spelt.emplace_back(*std::move(bytes)), id});
    }
    auto whole = Vocabulary::make(rows);
    VERIFY(whole.ok(), "the vocabulary was checked when it was built");
    whole_words_ = *std::move(whole);
    for (size_t b = 0; b < 256; ++b) {
      const char byte = static_cast<char>(b);
      const std::string c = spell_bytes({&byte, 1});
      const std::string last = c + options_.end_of_word_suffix, inner = options_.continuing_subword_prefix + c;
      first_[b] = vocabulary_.find(c);
      inner_[b] = vocabulary_.find(inner);
      last_[b] = vocabulary_.find(inner + options_.end_of_word_suffix);
      only_[b] = vocabulary_.find(last);
    }
    plain_ = options_.continuing_subword_prefix.empty() && options_.end_of_word_suffix.empty();
    if (plain_) {
      byte_pairs_.resize(size_t{256} * 256);
      for (size_t i = 0; i < byte_pairs_.size(); ++i) byte_pairs_[i] = merges_.get(first_[i >> 8], first_[i & 255]);
    }
    const auto lacks = [](const auto& ids) { return std::find(ids.begin(), ids.end(), -1) != ids.end(); };
    lacks_bytes_ = (options_.unk_token.empty() || (options_.byte_fallback && !plain_)) &&
                   (lacks(first_) || lacks(inner_) || lacks(last_) || lacks(only_));
    bytes_ = true;
    return true;
  }

  bool takes_text() const override { return bytes_ && (plain_ || !lacks_bytes_); }
  Result<uint32_t> tokenize_text(std::string_view text, FindPieces find_pieces, ModelScratch& scratch,
                                 Tokens& out) const override {
    auto& s = static_cast<BpeScratch&>(scratch);
    const size_t before = out.places.size();
    const uint32_t count = TRY(s.cache.append_text(text, find_pieces, s.pieces, s.found, out,
                                                   [&](std::string_view word) { return encode_word(word, s); }));
    if (!out.aligned || !lacks_bytes_) return count;
    auto places = std::span(out.places).subspan(before);
    uint32_t number = 0;
    for (size_t from = 0; from < text.size();) {
      const size_t n = find_pieces(text, from, s.pieces.data());
      for (const auto& piece : std::span(s.pieces).first(n)) {
        const auto word = text.substr(piece.begin, piece.end - piece.begin);
        TRY(place_by_spelling(word, piece.begin, take_piece(places, number++), s));
      }
    }
    return count;
  }

  Status tokenize(std::span<const std::string_view> pieces, ModelScratch& scratch, Tokens& out) const override {
    auto& s = static_cast<BpeScratch&>(scratch);
    const size_t before = out.places.size();
    TRY(s.cache.append(pieces, s.found, out, [&](std::string_view word) { return encode_word(word, s); }));
    if (!out.aligned || !lacks_bytes_) return {};
    auto places = std::span(out.places).subspan(before);
    for (size_t i = 0; i < pieces.size(); ++i)
      TRY(place_by_spelling(pieces[i], 0, take_piece(places, static_cast<uint32_t>(i)), s));
    return {};
  }

 private:
  // The tokens of one word, in s.found.
  Status encode_word(std::string_view word, BpeScratch& s) const {
    if (options_.ignore_merges) {
      const TokenId whole = bytes_ ? whole_words_.find(word) : vocabulary_.find(word);
      if (whole >= 0) {
        add(s, whole, word.size());
        return {};
      }
    }
    if (bytes_ && first_symbols_of_bytes(word, s)) {
      merge_word(s.found, merges_, s.buffers, word, byte_pairs_);
      return {};
    }
    s.found.clear();
    TRY(bytes_ ? first_symbols(spell_bytes(word), Sizes::of_bytes, s) : first_symbols(word, Sizes::of_spelling, s));
    merge_word(s.found, merges_, s.buffers);
    return {};
  }

  // The places of a piece's tokens, cut off the front of `rest`.
  static std::span<TokenPlace> take_piece(std::span<TokenPlace>& rest, uint32_t piece) {
    size_t n = 0;
    while (n < rest.size() && rest[n].piece == piece) ++n;
    const auto out = rest.first(n);
    rest = rest.subspan(n);
    return out;
  }

  // The places of a word's tokens where the vocabulary lacks one of its bytes: as in the original, that byte then has
  // no length, and all behind it in the word comes too early by as many bytes as its spelling has. Source: tokenizers
  // 0.23 models/bpe/model.rs merge_word, word.rs get_offsets.
  Status place_by_spelling(std::string_view word, uint32_t begin, std::span<TokenPlace> places, BpeScratch& s) const {
    if (options_.ignore_merges && whole_words_.find(word) >= 0) return {};
    if (first_symbols_of_bytes(word, s)) return {};
    s.found.clear();
    std::vector<uint32_t> byte_at;  // of each byte of the spelling
    std::string spelt;
    for (uint32_t i = 0; i < word.size(); ++i) {
      utf8_append(spelt, kByteAlphabet.of_byte[static_cast<unsigned char>(word[i])]);
      byte_at.resize(spelt.size(), i);
    }
    TRY(first_symbols(spelt, Sizes::of_spelling, s));
    merge_word(s.found, merges_, s.buffers);
    uint32_t at = 0;
    for (size_t i = 0; i < places.size(); ++i) {
      const uint32_t end = at + s.found.sizes[i];
      const bool inside = end <= byte_at.size();  // not so where bytes spell a prefix, too
      places[i].begin = inside ? begin + byte_at[at] : at;
      places[i].end = inside ? begin + byte_at[end - 1] + 1 : end;
      at = end;
    }
    return {};
  }

  static void add(BpeScratch& s, TokenId id, size_t size) {
    s.found.ids.push_back(id);
    s.found.sizes.push_back(static_cast<uint32_t>(size));
  }

  bool first_symbols_of_bytes(std::string_view word, BpeScratch& s) const {
    const size_t n = word.size();
    auto& ids = s.found.ids;
    s.found.sizes.assign(n, 1);
    ids.resize(n);
    const auto at = [&](size_t i) { return static_cast<unsigned char>(word[i]); };
    if (n == 1) {
      ids[0] = only_[at(0)];
    } else {
      ids[0] = first_[at(0)];
      for (size_t i = 1; i + 1 < n; ++i) ids[i] = inner_[at(i)];
      ids[n - 1] = last_[at(n - 1)];
    }
    return std::find(ids.begin(), ids.end(), -1) == ids.end();
  }

  // What a symbol's size counts of a word in the byte alphabet: the byte that it spells, or those that spell it.
  enum class Sizes { of_bytes, of_spelling };

  Status first_symbols(std::string_view word, Sizes sizes, BpeScratch& s) const {
    bool unk_waits = false;  // as in the original, an unknown is added when the next known character comes
    size_t unk_size = 0;
    const auto add_unk = [&] { add(s, unk_, unk_size); };
    for (size_t i = 0; i < word.size();) {
      const size_t begin = i;
      utf8_next(word, i);
      const size_t size = sizes == Sizes::of_bytes ? 1 : i - begin;
      s.symbol.clear();
      if (begin > 0) s.symbol += options_.continuing_subword_prefix;
      s.symbol += word.substr(begin, i - begin);
      if (i == word.size()) s.symbol += options_.end_of_word_suffix;
      if (const TokenId id = vocabulary_.find(s.symbol); id >= 0) {
        if (unk_waits) add_unk();
        unk_waits = false;
        add(s, id, size);
        continue;
      }
      if (options_.byte_fallback && add_bytes(sizes, s)) continue;
      if (options_.unk_token.empty()) continue;
      if (unk_ < 0) {
        return Status(Code::bad_input, cat("model.unk_token '", options_.unk_token, "' is not in model.vocab"));
      }
      if (unk_waits && !options_.fuse_unk) {
        add_unk();
        unk_size = 0;
      }
      unk_size = (unk_waits ? unk_size : 0) + size;
      unk_waits = true;
    }
    if (unk_waits) add_unk();
    return {};
  }

  // The tokens <0x00> to <0xFF> of the symbol's bytes, if the vocabulary has all of them.
  bool add_bytes(Sizes sizes, BpeScratch& s) const {
    constexpr char kHex[] = "0123456789ABCDEF";
    const size_t before = s.found.ids.size();
    for (const char c : s.symbol) {
      const auto b = static_cast<unsigned char>(c);
      const char text[] = {'<', '0', 'x', kHex[b >> 4], kHex[b & 15], '>'};
      const TokenId id = vocabulary_.find({text, sizeof text});
      if (id < 0) {
        s.found.ids.resize(before);
        s.found.sizes.resize(before);
        return false;
      }
      add(s, id, sizes == Sizes::of_bytes && s.found.ids.size() > before ? 0 : 1);
    }
    return true;
  }

  std::shared_ptr<SharedWords> words_ = std::make_shared<SharedWords>();
  Vocabulary vocabulary_;
  MergeTable merges_;
  BpeOptions options_;
  TokenId unk_ = -1;
  bool bytes_ = false;
  bool plain_ = false;        // has no prefix and no suffix
  bool lacks_bytes_ = false;  // some, and what it lacks has no length or another
  BytePairs byte_pairs_;
  Vocabulary whole_words_;                                  // by raw bytes, for ignore_merges
  std::array<TokenId, 256> first_, inner_, last_, only_{};  // by raw byte and place in the word
};

// The two halves of a merge: "a b", or ["a", "b"].
Result<std::pair<std::string_view, std::string_view>> halves(const Json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge.array()[0].is_string() && merge.array()[1].is_string())
    return std::pair{merge.array()[0].as_string(), merge.array()[1].as_string()};
  const auto text = merge.as_string();
  const auto space = text.find(' ');
  if (!merge.is_string() || space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
    return Status(Code::bad_input, R"(must be "a b" or ["a", "b"])");
  return std::pair{text.substr(0, space), text.substr(space + 1)};
}

Built<Model> build(const ConfigView& config) {
  const auto dropout = config["dropout"].json().as_double();
  if (dropout != 0) return config["dropout"].bad("encoding with dropout is random and not offered: set it to null");
  BpeOptions options;
  options.unk_token = TRY(config.string("unk_token", ""));
  options.continuing_subword_prefix = TRY(config.string("continuing_subword_prefix", ""));
  options.end_of_word_suffix = TRY(config.string("end_of_word_suffix", ""));
  options.fuse_unk = TRY(config.boolean("fuse_unk", false));
  options.byte_fallback = TRY(config.boolean("byte_fallback", false));
  options.ignore_merges = TRY(config.boolean("ignore_merges", false));

  auto vocabulary = TRY(read_vocabulary(config["vocab"]));
  const auto list = config["merges"];
  if (!list.json().is_array()) return list.bad("must be an array");
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  merges.reserve(list.json().size());
  for (const auto& merge : list.json().array()) {
    if (merge.as_string().starts_with("#version")) continue;
    auto pair = halves(merge);
    if (!pair.ok()) return std::move(pair).status().with(cat(list.place(), "[", merges.size(), "]"));
    merges.push_back(*pair);
  }
  auto model = make_bpe(std::move(vocabulary), merges, std::move(options));
  if (!model.ok()) return std::move(model).status().with(config.place());
  return model;
}

}  // namespace

Built<Model> make_bpe(Vocabulary vocabulary, std::span<const std::pair<std::string_view, std::string_view>> merges,
                      BpeOptions options) {
  MergeTable table;
  table.reserve(merges.size());
  const auto& prefix = options.continuing_subword_prefix;
  std::string merged;
  for (const auto& [left, right] : merges) {
    merged.assign(left);
    merged += right.substr(std::min(prefix.size(), right.size()));  // as the original: whatever stands there
    const TokenId ids[] = {vocabulary.find(left), vocabulary.find(right), vocabulary.find(merged)};
    const std::string_view texts[] = {left, right, merged};
    for (size_t i = 0; i < 3; ++i) {
      if (ids[i] >= 0) continue;
      return Status(Code::bad_input,
                    cat("merges[", table.rank_end(), "] ('", left.substr(0, 80), "' '", right.substr(0, 80), "'): '",
                        texts[i].substr(0, 160), "' is not in the vocabulary"));
    }
    table.add(ids[0], ids[1], ids[2]);
  }
  table.finish();
  return std::unique_ptr<Model>(std::make_unique<Bpe>(std::move(vocabulary), std::move(table), std::move(options)));
}

namespace models {
extern constinit const Entry bpe_entry{"BPE", build, "vocab merges"};
}  // namespace models

}  // namespace hearth::tokenizers
