// Text on its way through the pipeline: its letters may change, and where in the input each came from is kept, if
// anybody asked for offsets.
// Source: tokenizers tokenizer/normalizer.rs NormalizedString.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "base/unicode.h"
#include "tokenizers/encoding.h"

namespace hearth::tokenizers {

/// A part of the input, or of a text made from it. Owners: the input, or the AlignedText it was cut from.
struct TextView {
  std::string_view text;
  const TextSpan* spans = nullptr;  ///< one a byte, in bytes of the input; null: the bytes are the input's own
  uint32_t at = 0;                  ///< where in the input they begin, if `spans` is null

  bool empty() const { return text.empty(); }
  size_t size() const { return text.size(); }
  /// Bytes [begin, end).
  TextView sub(size_t begin, size_t end) const {
    return {text.substr(begin, end - begin), spans == nullptr ? nullptr : spans + begin,
            at + static_cast<uint32_t>(begin)};
  }
  TextView sub(size_t begin) const { return sub(begin, text.size()); }
  /// Whether its first letter came from where the input begins. Not empty, and its places are kept.
  bool at_start() const { return (spans == nullptr ? at : spans->begin) == 0; }
  /// The stretch of the input that bytes [begin, end) came from: whole characters.
  TextSpan origin(size_t begin, size_t end) const;
};

/// A text of one's own that began as a part of the input.
class AlignedText {
 public:
  /// `aligned`: keep the spans.
  AlignedText(TextView view, bool aligned) { assign(view, aligned); }
  AlignedText() = default;
  void assign(TextView view, bool aligned);

  const std::string& text() const { return text_; }
  bool aligned() const { return aligned_; }
  TextView view() const { return {text_, aligned_ ? spans_.data() : nullptr, 0}; }
  operator TextView() const { return view(); }  // NOLINT(google-explicit-constructor): it is one

  /// The letters, for changes byte for byte: the places in the input stay.
  char* letters() { return text_.data(); }
  /// Another text in the place of this one, which is not aligned.
  void become(std::string text) {
    DVERIFY(!aligned_, "the places are not kept");
    text_ = std::move(text);
  }
  /// Puts `content` before the text, if there is any: what is put there counts as a part of the first character.
  void prepend(std::string_view content);

 private:
  friend class Rewriter;
  std::string text_;
  std::vector<TextSpan> spans_;  // one a byte, if aligned
  bool aligned_ = false;
};

/// Each of these changes a text as the normalizer of its name does.
void to_form(AlignedText& text, unicode::Form form);
void lowercase(AlignedText& text);
/// Every byte in GPT-2's byte alphabet.
void spell_bytes(AlignedText& text);

/// The text becomes these characters, each with what became of the text at it.
void transform(AlignedText& text, std::span<const unicode::Normalized> characters);

/// Reads a text once from its begin to its end and writes what shall stand in its place.
class Rewriter {
 public:
  explicit Rewriter(AlignedText& text) : text_(text) {
    out_.reserve(text.text_.size() + 16);
    if (text.aligned_) spans_.reserve(text.text_.size() + 16);
  }

  size_t position() const { return read_; }
  bool done() const { return read_ == text_.text_.size(); }
  /// The next `size` bytes stay.
  void keep(size_t size);
  /// The next `size` bytes go.
  void skip(size_t size) { read_ += size; }
  /// `c` is written where the character being read stands, as that one's successor; it is not passed yet.
  void put(char32_t c) { write(c, read_); }
  /// `c` is written as a part of what was passed last.
  void insert(char32_t c) { write(c, read_ == 0 ? kBefore : read_ - 1); }
  void insert(std::string_view content);
  /// The next character, `size` bytes, becomes `c`.
  void replace(size_t size, char32_t c) {
    put(c);
    skip(size);
  }
  /// What is left stays, and the text becomes what was written.
  void finish();

 private:
  static constexpr size_t kBefore = SIZE_MAX;  // before the first character: an empty span
  void write(char32_t c, size_t like);

  AlignedText& text_;
  std::string out_;
  std::vector<TextSpan> spans_;
  size_t read_ = 0;
};

/// Without the characters for which `goes` is true.
template <class Goes>
void remove(AlignedText& text, const Goes& goes) {
  Rewriter rewriter(text);
  while (!rewriter.done()) {
    size_t end = rewriter.position();
    const char32_t c = utf8_next(text.text(), end);
    const size_t size = end - rewriter.position();
    goes(c) ? rewriter.skip(size) : rewriter.keep(size);
  }
  rewriter.finish();
}

}  // namespace hearth::tokenizers
