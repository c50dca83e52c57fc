// Tokenizer: text to token ids and back, as the Python package `tokenizers` does it from the same tokenizer.json, and
// from the vocabulary inside a GGUF file.
// Source: tokenizers 0.23 (huggingface/tokenizers), the classes Tokenizer, AddedVocabulary and DecodeStream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizers/encoding.h"

namespace hearth {

/// In what offsets are counted. Python counts characters (code points), Rust bytes.
enum class OffsetUnit : uint8_t { none, bytes, characters };

struct EncodeOptions {
  bool add_special_tokens = true;         ///< what the post-processor adds: <s> ... </s>
  bool split_special_tokens = false;      ///< true: text that spells a special token is text, not the token
  OffsetUnit offsets = OffsetUnit::none;  ///< other than none: Encoding::offsets and word_ids are filled
  std::optional<Truncation> truncation = {};
};

/// A text to encode: one string, or words that are already cut (each is encoded alone and is one word of the word_ids).
/// A view; the owner of the letters is the caller.
struct TextInput {
  std::string_view text = {};
  std::optional<std::span<const std::string_view>> words = {};  ///< in place of `text`
};

/// One text or a pair.
struct EncodeInput {
  TextInput text;
  std::optional<TextInput> pair = {};
};

struct DecodeOptions {
  bool skip_special_tokens = true;
};

/// The tokens that a model's surroundings ask for by role: from tokenizer_config.json or the GGUF metadata.
struct SpecialTokens {
  std::optional<TokenId> bos, eos, unk, pad;
};

/// A vocabulary as a GGUF file carries it, filled by who has read the file. The strings are views: into the mapped file
/// or its metadata; only the call of Tokenizer::from_gguf reads them.
struct GgufVocabularyView {
  /// tokenizer.ggml.model: "gpt2" is byte-level BPE, "llama" and "gemma4" SentencePiece BPE, "bert" WordPiece, "t5"
  /// Unigram.
  std::string_view model;
  std::string_view pre;                       ///< tokenizer.ggml.pre: which regular expression cuts the text
  std::vector<std::string_view> tokens;       ///< tokenizer.ggml.tokens
  std::vector<std::string_view> merges;       ///< tokenizer.ggml.merges: "a b"
  std::vector<int32_t> token_types;           ///< tokenizer.ggml.token_type: 1 normal, 3 control, 4 user defined, ...
  std::optional<int64_t> bos, eos, unk, pad;  ///< tokenizer.ggml.*_token_id
  std::optional<bool> add_bos, add_eos;       ///< tokenizer.ggml.add_*_token
  std::string_view chat_template;             ///< tokenizer.chat_template
  std::vector<float> scores = {};             ///< tokenizer.ggml.scores
  std::string precompiled_charsmap = {};      ///< tokenizer.ggml.precompiled_charsmap: bytes
  std::optional<bool> add_space_prefix = {};  ///< tokenizer.ggml.add_space_prefix
  std::optional<int64_t> sep = {}, cls = {}, mask = {};
};

class WeightFile;

/// Immutable and cheap to copy (one shared pointer); any number of threads may use one at once.
class Tokenizer {
 public:
  /// A tokenizer.json. bad_input names the place in the file ("pre_tokenizer.pretokenizers[1].type: ...").
  static Result<Tokenizer> from_file(const std::string& path);
  static Result<Tokenizer> from_json(std::string_view text);
  /// A model's folder: tokenizer.json, with the special tokens and the chat template of its neighbours
  /// (tokenizer_config.json, chat_template.jinja).
  static Result<Tokenizer> from_folder(const std::string& path);
  /// unsupported for a kind of vocabulary that is not known; bad_input names the metadata key.
  static Result<Tokenizer> from_gguf(const WeightFile& file);
  static Result<Tokenizer> from_gguf(const GgufVocabularyView& vocabulary);
  /// Whichever it is: a folder, a .gguf, a SentencePiece .model or .spm, a .tiktoken file (named as its encoding is:
  /// cl100k_base.tiktoken), Mistral's tekken.json, else a tokenizer.json.
  static Result<Tokenizer> from_path(const std::string& path);

  /// bad_input when a text is not well-formed UTF-8, or cannot be truncated as asked.
  Result<Encoding> encode(const EncodeInput& input, const EncodeOptions& options = {}) const;
  Result<Encoding> encode(std::string_view text, const EncodeOptions& options = {}) const {
    return encode(EncodeInput{{.text = text}}, options);
  }
  /// All inputs, in their order, on up to `threads` threads (0: as many as there are cores).
  Result<std::vector<Encoding>> encode_batch(std::span<const EncodeInput> inputs, const EncodeOptions& options = {},
                                             int threads = 0) const;
  /// The text of a token in an encoding that was asked for with offsets, as Python's Encoding.tokens has it.
  std::string_view token_text(const Encoding& encoding, size_t index) const;
  /// Ids outside the vocabulary are skipped, as the original does.
  std::string decode(std::span<const TokenId> ids, DecodeOptions options = {}) const;

  std::optional<TokenId> token_to_id(std::string_view token) const;
  /// The token as the vocabulary spells it ("Ġthe").
  std::optional<std::string_view> id_to_token(TokenId id) const;
  /// The bytes that a token stands for, where they may be a part of a character: a token of a byte-level vocabulary, or
  /// "<0xE2>". Nothing for others.
  std::optional<std::string> token_bytes(TokenId id) const;
  /// Model and added tokens together: one more than the largest id.
  int64_t vocab_size() const;
  bool is_special(TokenId id) const;
  const SpecialTokens& special_tokens() const;
  /// The Jinja source, empty when the files carry none.
  const std::string& chat_template() const;

  struct Parts;  ///< the pipeline; private to the room
  explicit Tokenizer(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  const Parts& parts() const { return *parts_; }
  const std::shared_ptr<const Parts>& shared_parts() const { return parts_; }

 private:
  std::shared_ptr<const Parts> parts_;
};

/// Decodes as the ids come, as Python's DecodeStream does: push() returns the text that is complete now, never half a
/// character and nothing while the text ends in U+FFFD; all that push() and flush() return, one after another, is the
/// text of all ids.
class DecodeStream {
 public:
  explicit DecodeStream(Tokenizer tokenizer, DecodeOptions options = {})
      : tokenizer_(std::move(tokenizer)), options_(options) {}
  std::string push(TokenId id);
  /// What was held back; the stream is then empty.
  std::string flush();

 private:
  size_t read_of(const std::string& text) const;

  Tokenizer tokenizer_;
  DecodeOptions options_;
  std::string pending_;  // bytes not handed out; for decoders that need a token's neighbours: the text of `window_`
                         // without what is new
  std::vector<TokenId> window_;
  size_t window_read_ = 0;  // so many ids of the window go when text is handed out
};

}  // namespace hearth
