// Unigram: of all ways to cut a piece into tokens the one with the highest sum of scores. A character that is no token
// costs ten more than the worst token; neighbours of that kind become one unknown token, or the tokens of their bytes.
// Source: tokenizers models/unigram/model.rs; Kudo, arXiv:1804.10959. Its settings for sampling, alpha and nbest_size,
// are no part of tokenizer.json.
#include <algorithm>
#include <array>
#include <limits>

#include "tokenizers/models_registry.h"
#include "tokenizers/pipeline/trie.h"
#include "tokenizers/pipeline/unigram_source.h"
#include "tokenizers/pipeline/word_cache.h"

namespace hearth::tokenizers {

namespace {

constexpr double kUnknownPenalty = 10;

// The best way to cut the bytes before a place.
struct Best {
  double score;
  uint32_t begin;  // of its last token
  TokenId id;
};
constexpr uint32_t kUnreached = UINT32_MAX;

// A token and its bytes of the word.
struct Cut {
  TokenId id;
  uint32_t begin, end;
};

struct Scratch final : ModelScratch {
  explicit Scratch(std::shared_ptr<SharedWords> words) : cache(std::move(words)) {}

  WordCache cache;
  std::vector<Best> best;  // by place
  WordTokens found;        // of one word
  std::vector<Cut> cuts;   // from the end of the word to its begin
};

class Unigram final : public Model {
 public:
  Unigram(Vocabulary vocabulary, std::vector<double> scores, Trie trie, std::optional<TokenId> unk, bool byte_fallback)
      : vocabulary_(std::move(vocabulary)), scores_(std::move(scores)), trie_(std::move(trie)), unk_(unk) {
    const double lowest =
        scores_.empty() ? std::numeric_limits<double>::infinity() : *std::min_element(scores_.begin(), scores_.end());
    unknown_score_ = lowest - kUnknownPenalty;
    constexpr char kHex[] = "0123456789ABCDEF";
    for (size_t b = 0; b < 256; ++b) {
      const char text[] = {'<', '0', 'x', kHex[b >> 4], kHex[b & 15], '>'};
      bytes_[b] = byte_fallback ? vocabulary_.find({text, sizeof text}) : -1;
    }
  }

  std::unique_ptr<ModelScratch> scratch() const override { return std::make_unique<Scratch>(words_); }
  TokenId token_to_id(std::string_view token) const override { return vocabulary_.find(token); }
  std::optional<std::string_view> id_to_token(TokenId id) const override { return vocabulary_.text(id); }
  std::span<const TokenId> twins() const override { return vocabulary_.twins(); }
  int64_t size() const override { return vocabulary_.size(); }
  int64_t ids_end() const override { return vocabulary_.ids_end(); }

  Status tokenize(std::span<const std::string_view> pieces, ModelScratch& scratch, Tokens& out) const override {
    auto& s = static_cast<Scratch&>(scratch);
    if (!out.aligned) {
      return s.cache.append(pieces, s.found, out, [&](std::string_view word) -> Status {
        TRY(cut(word, s));
        for (auto it = s.cuts.rbegin(); it != s.cuts.rend(); ++it) add(word, *it, s.found.ids);
        s.found.sizes.assign(s.found.ids.size(), 0);  // nobody asks where they are
        return {};
      });
    }
    for (uint32_t i = 0; i < pieces.size(); ++i) {
      TRY(cut(pieces[i], s));
      for (auto it = s.cuts.rbegin(); it != s.cuts.rend(); ++it) {
        const size_t before = out.ids.size();
        const bool is_unknown = add(pieces[i], *it, out.ids);
        if (is_unknown) {
          out.spelt.push_back(
              {static_cast<uint32_t>(before), std::string(pieces[i].substr(it->begin, it->end - it->begin))});
        }
        out.places.resize(out.places.size() + out.ids.size() - before, {i, it->begin, it->end});
      }
    }
    return {};
  }

 private:
  // The tokens of a word, in s.cuts, the last one first.
  Status cut(std::string_view word, Scratch& s) const {
    auto& best = s.best;
    best.assign(word.size() + 1, {0, kUnreached, -1});
    const auto offer = [&](size_t end, double score, size_t begin, TokenId id) {
      if (best[end].begin == kUnreached || score > best[end].score)
        best[end] = {score, static_cast<uint32_t>(begin), id};
    };
    for (size_t begin = 0; begin < word.size();) {
      const double before = best[begin].score;
      size_t next = begin;
      utf8_next(word, next);
      bool has_single = false;
      Trie::Node node = Trie::kRoot;
      for (size_t i = begin; i < word.size() && trie_.step(node, word[i]);) {
        const TokenId id = trie_.value(node);
        ++i;
        if (id < 0) continue;
        offer(i, scores_[static_cast<size_t>(id)] + before, begin, id);
        has_single |= i == next;
      }
      if (!has_single) {
        const double score = unknown_score_ + before;
        if (best[next].begin == kUnreached || score > best[next].score) {
          if (!unk_) return Status(Code::bad_input, "model.unk_id is not set, and the text has an unknown character");
          best[next] = {score, static_cast<uint32_t>(begin), *unk_};
        }
      }
      begin = next;
    }
    s.cuts.clear();
    for (auto end = static_cast<uint32_t>(word.size()); end > 0;) {
      const auto [score, begin, id] = best[end];
      if (unk_ && id == *unk_ && !s.cuts.empty() && s.cuts.back().id == id) {
        s.cuts.back().begin = begin;
      } else {
        s.cuts.push_back({id, begin, end});
      }
      end = begin;
    }
    return {};
  }

  // Appends the ids of one place; true when it is the unknown token. What was unknown character by character may be a
  // token as a whole.
  bool add(std::string_view word, const Cut& place, std::vector<TokenId>& ids) const {
    if (!unk_ || place.id != *unk_) return ids.push_back(place.id), false;
    const auto text = word.substr(place.begin, place.end - place.begin);
    if (const TokenId whole = vocabulary_.find(text); whole >= 0) return ids.push_back(whole), false;
    const auto byte = [&](char c) { return bytes_[static_cast<unsigned char>(c)]; };
    if (std::all_of(text.begin(), text.end(), [&](char c) { return byte(c) >= 0; })) {
      for (const char c : text) ids.push_back(byte(c));
      return false;
    }
    ids.push_back(place.id);
    return true;
  }

  std::shared_ptr<SharedWords> words_ = std::make_shared<SharedWords>();
  Vocabulary vocabulary_;
  std::vector<double> scores_;
  Trie trie_;
  std::optional<TokenId> unk_;
  double unknown_score_;
  std::array<TokenId, 256> bytes_{};  // of the tokens <0x00> to <0xFF>, -1 where there is none or they are not wanted
};

Built<Model> build(const ConfigView& config) {
  const auto list = config["vocab"];
  if (!list.json().is_array()) return list.bad(R"(must be an array of ["token", score])");
  std::vector<UnigramPiece> pieces;
  pieces.reserve(list.json().size());
  for (const auto& row : list.json().array()) {
    const auto& pair = row.array();
    if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_number())
      return Status(Code::bad_input, cat(list.place(), "[", pieces.size(), R"(]: must be ["token", score])"));
    pieces.push_back(
        {pair[0].as_string(), pair[1].is_int() ? static_cast<double>(pair[1].as_int()) : pair[1].as_double()});
  }
  std::optional<TokenId> unk;
  if (config.has("unk_id")) unk = static_cast<TokenId>(TRY(config.integer("unk_id", 0, INT32_MAX)));
  if (unk && static_cast<size_t>(*unk) >= pieces.size()) {
    return config["unk_id"].bad(cat(*unk, " is not among the ", pieces.size(), " tokens of ", list.place()));
  }
  auto model = make_unigram(pieces, unk, TRY(config.boolean("byte_fallback", false)));
  if (!model.ok()) return std::move(model).status().with(list.place());
  return model;
}

}  // namespace

Built<Model> make_unigram(std::span<const UnigramPiece> pieces, std::optional<TokenId> unk, bool byte_fallback) {
  std::vector<VocabularyRow> rows;
  std::vector<Trie::Key> keys;
  std::vector<double> scores;
  rows.reserve(pieces.size());
  keys.reserve(pieces.size());
  scores.reserve(pieces.size());
  for (const auto& piece : pieces) {
    const auto id = static_cast<TokenId>(rows.size());
    rows.push_back({piece.text, id});
    keys.push_back({piece.text, id});
    scores.push_back(piece.score);
  }
  auto vocabulary = TRY(Vocabulary::make(rows, OneText::both_ids_keep_it));
  auto trie = TRY(Trie::build(std::move(keys)));
  return std::unique_ptr<Model>(
      std::make_unique<Unigram>(std::move(vocabulary), std::move(scores), std::move(trie), unk, byte_fallback));
}

namespace models {
extern constinit const Entry unigram_entry{"Unigram", build, "vocab"};
}  // namespace models

}  // namespace hearth::tokenizers
