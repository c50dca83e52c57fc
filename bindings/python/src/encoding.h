// Encoding as Python sees it. Ids, type ids and masks are there at once; where tokens come from in the text is worked
// out when somebody asks, by encoding the text again: most callers want ids alone, and those cost half. Source:
// tokenizers 0.23 tokenizer/encoding.rs and its Python class.
#pragma once

#include <memory>

#include "python.h"

namespace hearth::python {

/// A text or pair that stays alive as long as somebody may look at it: str, or tuples of str.
struct HeldInput {
  nb::object text, pair;
};

class PyEncoding {
 public:
  PyEncoding() = default;
  /// Whole: aligned, or empty.
  PyEncoding(Encoding encoding, std::optional<Tokenizer> tokenizer)
      : encoding_(std::move(encoding)), tokenizer_(std::move(tokenizer)) {}
  /// Without offsets. `padding`: what it was padded with afterwards, null for nothing.
  PyEncoding(Encoding encoding, Tokenizer tokenizer, HeldInput input, const EncodeOptions& options,
             std::shared_ptr<const Padding> padding)
      : encoding_(std::move(encoding)),
        tokenizer_(std::move(tokenizer)),
        input_(std::move(input)),
        options_(options),
        padding_(std::move(padding)) {}

  /// As it is.
  const Encoding& ids() const { return encoding_; }
  /// With offsets, word ids and the spelling of tokens.
  Encoding& aligned();
  const std::optional<Tokenizer>& tokenizer() const { return tokenizer_; }
  nb::object token(size_t index);
  /// Spells every token itself, so that no tokenizer is asked.
  void spell_all();
  void pad(size_t length, Side side, TokenId pad_id, int32_t pad_type_id, std::string_view pad_token);
  std::string state();
  void set_state(std::string_view json);
  static PyEncoding merge(std::vector<PyEncoding*> encodings, bool growing_offsets);

 private:
  Encoding encoding_;
  std::optional<Tokenizer> tokenizer_;
  HeldInput input_;  // no text: it is aligned already
  EncodeOptions options_;
  std::shared_ptr<const Padding> padding_;
};

/// Reads what encode() takes. The strings stay in `held`; `words` gets the room for their views.
struct InputReader {
  HeldInput held;
  std::vector<std::string_view> words[2];

  /// TypeError as the original's for what is no text, or no list or tuple of str if `is_pretokenized`.
  void read_sequence(nb::handle sequence, bool is_pretokenized, int which);
  /// One entry of encode_batch(): a sequence or two of them.
  void read_entry(nb::handle entry, bool is_pretokenized);
  EncodeInput input() const;
};

/// encode() with padding, and the offsets at once or later.
nb::object wrap(Encoding encoding, const Tokenizer& tokenizer, HeldInput held, const EncodeOptions& options,
                std::shared_ptr<const Padding> padding);
/// Pads, each text at its place, and spells the padding as its token.
void pad_and_spell(std::span<Encoding> batch, const Padding& padding, const Tokenizer* tokenizer);

void bind_encoding(nb::module_& m);
void bind_tokenizer(nb::module_& m);
void bind_training(nb::module_& m);

}  // namespace hearth::python
