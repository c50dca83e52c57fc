// What a Tokenizer consists of: the parts in their order, and what is worked out once from them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "tokenizers/pipeline/added_tokens.h"
#include "tokenizers/pipeline/parts.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

struct Tokenizer::Parts final : tokenizers::TokenTexts {
  // Each but the model may be absent. A tokenizer with other tokens or another decoder shares what is as it was.
  std::shared_ptr<const tokenizers::Normalizer> normalizer;
  std::shared_ptr<tokenizers::PreTokenizer> pre_tokenizer;
  std::shared_ptr<tokenizers::Model> model;
  std::shared_ptr<const tokenizers::PostProcessor> post_processor;
  std::shared_ptr<const tokenizers::Decoder> decoder;
  tokenizers::AddedTokens added;
  SpecialTokens special_tokens;
  std::string chat_template;

  /// Buffers of one encode; they are handed from call to call, so that words stay cached and nothing is allocated.
  struct Scratch {
    std::unique_ptr<tokenizers::ModelScratch> model;
    tokenizers::PiecesView pieces;
    tokenizers::Tokens tokens;
    std::vector<tokenizers::Section> sections, inner;
    tokenizers::AlignedText normalized;
    int32_t word = 0;      // of the next piece
    bool aligned = false;  // offsets were asked for
    bool beyond = false;   // a token of this text has more bytes than its piece
  };
  mutable Guarded<std::vector<std::unique_ptr<Scratch>>> idle;

  /// How the model cuts a text by itself; nullptr: the pre-tokenizer does it.
  tokenizers::FindPieces find_pieces = nullptr;

  /// For a decoder whose text is the bytes of the tokens: those of each id, one after another; else empty.
  std::string token_bytes;
  std::vector<uint32_t> token_bytes_begin;

  /// Works out what follows from the parts: whether raw bytes go to the model, and `token_bytes`.
  void finish();
  /// The same for the pre-tokenizer and the model of another tokenizer, which have settled their spelling of bytes.
  void finish_with_words_of(const Parts& other);
  int64_t vocab_end() const;  ///< one more than the largest id
  /// The text of an id in an encoding: the model's first, where a vocabulary with gaps gives an added token the same.
  std::optional<std::string_view> token(TokenId id) const;
  /// The same as the decoder gets it: an added token that is normalized as the normalizer spells it.
  std::optional<std::string_view> decoded_token(TokenId id) const;
  /// Decoding without special tokens leaves it out.
  bool is_skipped(TokenId id) const;
  /// Empty for an id outside the vocabulary.
  std::string_view bytes_of(TokenId id) const {
    if (id < 0 || static_cast<size_t>(id) + 1 >= token_bytes_begin.size()) return {};
    const uint32_t begin = token_bytes_begin[static_cast<size_t>(id)];
    return std::string_view(token_bytes).substr(begin, token_bytes_begin[static_cast<size_t>(id) + 1] - begin);
  }

  /// The whole of Tokenizer::encode.
  Result<Encoding> encode(const EncodeInput& input, const EncodeOptions& options, Scratch& scratch) const;
  /// One text, without special tokens around it: cut on raw added tokens, then each part in turn.
  Status encode_text(std::string_view text, const EncodeOptions& options, Scratch& scratch, Encoding& out) const;
  /// A stretch of the input without raw added tokens: normalized, cut on normalized added tokens, encoded.
  Status encode_section(tokenizers::TextView text, const EncodeOptions& options, Scratch& scratch, Encoding& out) const;
  /// Text without any added token: pre-tokenizer and model.
  Status encode_plain(tokenizers::TextView text, Scratch& scratch, Encoding& out) const;
  /// An added token that stands for this text.
  void add_token(const AddedToken& token, tokenizers::TextView text, Scratch& scratch, Encoding& out) const;

  /// What follows when one or two texts are encoded: truncation, special tokens, and both become one.
  Result<Encoding> post_process(std::vector<Encoding> texts, const EncodeOptions& options) const;
  /// The second half of it, with any post-processor or none.
  Encoding join_texts(std::vector<Encoding> texts, bool add_special_tokens,
                      const tokenizers::PostProcessor* processor) const;

  /// Fills `token_bytes`, if the decoder has them.
  void find_token_bytes();
  std::unique_ptr<Scratch> take_scratch() const;
  void give_back(std::unique_ptr<Scratch> scratch) const;
  std::string_view text_of(const Encoding& encoding, size_t index) const override;
};

}  // namespace hearth
