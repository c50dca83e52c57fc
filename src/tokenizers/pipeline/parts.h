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
#include "tokenizers/pipeline/config.h"
#include "tokenizers/tokenizer.h"

namespace hearth::tokenizers {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// False when `normalize` would surely leave the text as it is: it is then not even copied.
  virtual bool may_change(std::string_view) const { return true; }
  virtual void normalize(std::string& text) const = 0;
};

/// Pieces of a text in order. Owners of what the views show: the text that was cut, and `kept` for pieces whose letters
/// a pre-tokenizer changed.
struct PiecesView {
  std::vector<std::string_view> pieces;
  std::deque<std::string> kept;

  void add(std::string_view piece) {
    if (!piece.empty()) pieces.push_back(piece);
  }
  void keep(std::string piece) {
    if (!piece.empty()) pieces.push_back(kept.emplace_back(std::move(piece)));
  }
  void clear() {
    pieces.clear();
    kept.clear();
  }
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Cuts `text`, which is never empty, into pieces. `at_start`: it begins the whole input.
  virtual void split(std::string_view text, bool at_start, PiecesView& out) const = 0;
  /// Asks the last step, if it is ByteLevel, to hand on bytes as they are instead of spelling them in the byte
  /// alphabet; false when the last step is another.
  virtual bool leave_bytes() { return false; }
};

/// What a model keeps between words for one thread at a time: caches and buffers.
class ModelScratch {
 public:
  virtual ~ModelScratch() = default;
};

class Model {
 public:
  virtual ~Model() = default;
  virtual std::unique_ptr<ModelScratch> scratch() const = 0;
  /// Appends the ids of all pieces.
  virtual Status tokenize(std::span<const std::string_view> pieces, ModelScratch& scratch,
                          std::vector<TokenId>& ids) const = 0;
  /// True when it can take raw bytes in place of their spelling in the byte alphabet, and from here on does.
  virtual bool take_bytes() { return false; }
  virtual TokenId token_to_id(std::string_view token) const = 0;  ///< -1: none
  virtual std::optional<std::string_view> id_to_token(TokenId id) const = 0;
  virtual int64_t size() const = 0;     ///< how many tokens it has
  virtual int64_t ids_end() const = 0;  ///< one more than the largest id
};

class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  /// Adds the special tokens around one sequence, if asked to, and gives the sequence its type id.
  virtual void process(Encoding& encoding, bool add_special_tokens) const = 0;
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
};

Built<Normalizer> build_normalizer(const ConfigView& config);
Built<PreTokenizer> build_pretokenizer(const ConfigView& config);
Built<Model> build_model(const ConfigView& config);
Built<PostProcessor> build_postprocessor(const ConfigView& config);
Built<Decoder> build_decoder(const ConfigView& config);

}  // namespace hearth::tokenizers
