// The five kinds of part that a tokenizer is put together from. Each kind is a registry folder, each `type` of
// tokenizer.json one file in it; a part is built once, then only read, by any number of threads.
//
//   text -> added tokens cut out -> Normalizer -> PreTokenizer -> Model -> PostProcessor -> ids
//   ids -> tokens -> Decoder -> text
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizers/pipeline/aligned_text.h"
#include "tokenizers/pipeline/config.h"
#include "tokenizers/pipeline/find_pieces.h"
#include "tokenizers/tokenizer.h"

namespace hearth::tokenizers {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// False when `normalize` would surely leave the text as it is: it is then not even copied.
  virtual bool may_change(std::string_view) const { return true; }
  virtual void normalize(AlignedText& text) const = 0;
};

/// The pieces of a text in order. A view: its owners are the text that was cut and, for pieces whose letters a
/// pre-tokenizer changed, `kept_`.
class PiecesView {
 public:
  /// `aligned`: where pieces come from is kept too.
  void clear(bool aligned) {
    texts_.clear();
    origins_.clear();
    kept_.clear();
    aligned_ = aligned;
  }
  void add(TextView piece) {
    if (piece.empty()) return;
    texts_.push_back(piece.text);
    if (aligned_) origins_.push_back(piece);
  }
  /// Takes back the pieces from the i-th on, to cut them further.
  std::vector<TextView> take_from(size_t i) {
    std::vector<TextView> out;
    for (size_t k = i; k < texts_.size(); ++k) out.push_back(aligned_ ? origins_[k] : TextView{.text = texts_[k]});
    texts_.resize(i);
    if (aligned_) origins_.resize(i);
    return out;
  }
  /// A text that the pieces may be cut from; it lives as long as they do.
  TextView keep(AlignedText text) { return kept_.emplace_back(std::move(text)).view(); }

  bool aligned() const { return aligned_; }
  size_t size() const { return texts_.size(); }
  std::span<const std::string_view> texts() const { return texts_; }
  /// Only if aligned: with its place in the input.
  const TextView& operator[](size_t i) const { return origins_[i]; }

 private:
  std::vector<std::string_view> texts_;
  std::vector<TextView> origins_;
  std::deque<AlignedText> kept_;
  bool aligned_ = false;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Cuts `text`, which is never empty, into pieces.
  virtual void split(TextView text, PiecesView& out) const = 0;
  /// Asks the last step, if it is ByteLevel, to hand on bytes as they are instead of spelling them in the byte
  /// alphabet, or to spell them again; false when the last step is another.
  virtual bool leave_bytes(bool) { return false; }
  /// The matcher that finds just the pieces that split() would, where no letter is changed: a model may then go through
  /// the text by itself. nullptr: there is none. Asked after leave_bytes().
  virtual FindPieces find_pieces() const { return nullptr; }
  /// Whether it asks at_start() of the text that it cuts, whose places must then be kept.
  virtual bool asks_start() const { return false; }
  /// Whether a later step of it asks that of the pieces of an earlier one: their places must then be kept, too.
  virtual bool asks_start_of_pieces() const { return false; }
  /// Each digit (unicode::numeric) is a piece, and what stands between digits is one.
  virtual bool isolates_digits() const { return false; }
  /// Hands each text on as the one piece that it is.
  virtual bool passes_on() const { return false; }
};

/// What a model keeps between words for one thread at a time: caches and buffers.
class ModelScratch {
 public:
  virtual ~ModelScratch() = default;
};

/// A token's place: bytes [begin, end) of a piece.
struct TokenPlace {
  uint32_t piece, begin, end;
};

/// What a model appends to.
struct Tokens {
  std::vector<TokenId> ids;
  bool aligned = false;            ///< offsets are wanted: each id gets its place
  std::vector<TokenPlace> places;  ///< one an id, if aligned; `piece` counts the pieces of one call
  std::vector<SpeltToken> spelt;   ///< if aligned: ids whose text is not the vocabulary's, by index in `ids`
};

class Model {
 public:
  virtual ~Model() = default;
  virtual std::unique_ptr<ModelScratch> scratch() const = 0;
  /// Appends the tokens of all pieces.
  virtual Status tokenize(std::span<const std::string_view> pieces, ModelScratch& scratch, Tokens& out) const = 0;
  /// Whether it has tokenize_text(). Asked after take_bytes().
  virtual bool takes_text() const { return false; }
  /// Appends the tokens of the pieces that `find_pieces` cuts `text` into, and returns how many pieces there were.
  /// Places are then bytes of the text, not of a piece.
  virtual Result<uint32_t> tokenize_text(std::string_view text, FindPieces find_pieces, ModelScratch& scratch,
                                         Tokens& out) const;
  /// True when it can take raw bytes in place of their spelling in the byte alphabet, and from here on does.
  virtual bool take_bytes() { return false; }
  virtual TokenId token_to_id(std::string_view token) const = 0;  ///< -1: none
  virtual std::optional<std::string_view> id_to_token(TokenId id) const = 0;
  /// The ids whose text another id has too, and is found under.
  virtual std::span<const TokenId> twins() const { return {}; }
  virtual int64_t size() const = 0;     ///< how many tokens it has
  virtual int64_t ids_end() const = 0;  ///< one more than the largest id
};

/// What a post-processor may ask of the tokenizer around it.
class TokenTexts {
 public:
  virtual ~TokenTexts() = default;
  /// The text of a token in an encoding, as Python's Encoding.tokens has it.
  virtual std::string_view text_of(const Encoding& encoding, size_t index) const = 0;
};

class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  /// How many special tokens it adds to one text, or to a pair.
  virtual size_t added_tokens(bool is_pair) const = 0;
  /// Changes the parts of the result, which are one or two texts at first and in the end are joined: adds the special
  /// tokens around them, if asked to, and gives type ids.
  virtual void process(std::vector<Encoding>& parts, bool add_special_tokens, const TokenTexts& texts) const = 0;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Changes the list of tokens; the text is what is left, joined.
  virtual void decode(std::vector<std::string>& tokens) const = 0;
  /// The bytes of one token, for a decoder whose text is just the bytes of all tokens, ill-formed ones as U+FFFD;
  /// nothing for other decoders.
  virtual std::optional<std::string> token_bytes(std::string_view) const { return std::nullopt; }
};

template <class Part>
using Built = Result<std::unique_ptr<Part>>;

/// A row of a registry folder.
template <class Part>
struct Kind {
  std::string_view type;  ///< as tokenizer.json names it
  Built<Part> (*build)(const ConfigView& config);
  /// Files older than tokenizers 0.9 may leave out the type: they are of the kind whose fields (names with a space
  /// between) they have, of several the one with the most. None: the type must be there.
  std::string_view fields = {};
};

Built<Normalizer> build_normalizer(const ConfigView& config);
Built<PreTokenizer> build_pretokenizer(const ConfigView& config);
Built<Model> build_model(const ConfigView& config);
Built<PostProcessor> build_postprocessor(const ConfigView& config);
Built<Decoder> build_decoder(const ConfigView& config);

}  // namespace hearth::tokenizers
