#include "tokenizers/pipeline/aligned_text.h"

#include "tokenizers/pipeline/byte_alphabet.h"

namespace hearth::tokenizers {

namespace {

bool inside_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

// A byte-level token may end inside a character; the input's own bytes are widened here, spans are whole already.
TextSpan TextView::origin(size_t begin, size_t end) const {
  if (begin >= end) return {static_cast<uint32_t>(at + begin), static_cast<uint32_t>(at + begin)};
  if (spans != nullptr) return {spans[begin].begin, spans[end - 1].end};
  // The view may itself begin or end inside a character only where a model cut it, never here: pieces are whole.
  while (begin > 0 && inside_character(text[begin])) --begin;
  while (end < text.size() && inside_character(text[end])) ++end;
  return {static_cast<uint32_t>(at + begin), static_cast<uint32_t>(at + end)};
}

void AlignedText::assign(TextView view, bool aligned) {
  text_.assign(view.text);
  aligned_ = aligned;
  spans_.clear();
  if (!aligned) return;
  if (view.spans != nullptr) {
    spans_.assign(view.spans, view.spans + view.size());
    return;
  }
  spans_.reserve(text_.size());
  for (size_t i = 0; i < text_.size();) {
    const size_t begin = i;
    utf8_next(text_, i);
    spans_.insert(spans_.end(), i - begin,
                  {static_cast<uint32_t>(view.at + begin), static_cast<uint32_t>(view.at + i)});
  }
}

void AlignedText::prepend(std::string_view content) {
  if (text_.empty()) return;
  if (aligned_) spans_.insert(spans_.begin(), content.size(), spans_.front());
  text_.insert(0, content);
}

void Rewriter::keep(size_t size) {
  out_.append(text_.text_, read_, size);
  if (text_.aligned_) {
    const auto from = text_.spans_.begin() + static_cast<ptrdiff_t>(read_);
    spans_.insert(spans_.end(), from, from + static_cast<ptrdiff_t>(size));
  }
  read_ += size;
}

void Rewriter::insert(std::string_view content) {
  for (size_t i = 0; i < content.size();) insert(utf8_next(content, i));
}

void Rewriter::write(char32_t c, size_t like) {
  const size_t before = out_.size();
  utf8_append(out_, c);
  if (!text_.aligned_) return;
  TextSpan span;
  if (like != kBefore) {
    span = text_.spans_[like];
  } else if (!text_.spans_.empty()) {
    span = {text_.spans_[0].begin, text_.spans_[0].begin};
  }
  spans_.insert(spans_.end(), out_.size() - before, span);
}

void Rewriter::finish() {
  if (read_ < text_.text_.size()) keep(text_.text_.size() - read_);
  text_.text_.swap(out_);
  text_.spans_.swap(spans_);
}

void transform(AlignedText& text, std::span<const unicode::Normalized> characters) {
  Rewriter rewriter(text);
  const auto pass = [&] {
    if (rewriter.done()) return;
    size_t end = rewriter.position();
    utf8_next(text.text(), end);
    rewriter.skip(end - rewriter.position());
  };
  for (const auto& point : characters) {
    if (point.change > 0 || rewriter.done()) {
      rewriter.insert(point.code_point);
      continue;
    }
    rewriter.put(point.code_point);
    for (int i = 0; i <= -point.change; ++i) pass();
  }
  while (!rewriter.done()) pass();
  rewriter.finish();
}

void to_form(AlignedText& text, unicode::Form form) {
  transform(text, unicode::normalize_aligned(text.text(), form));
}

void lowercase(AlignedText& text) {
  Rewriter rewriter(text);
  std::string lower;
  while (!rewriter.done()) {
    const size_t begin = rewriter.position();
    size_t end = begin;
    const char32_t c = utf8_next(text.text(), end);
    lower.clear();
    unicode::append_lower(lower, c);
    size_t i = 0;
    rewriter.replace(end - begin, utf8_next(lower, i));
    rewriter.insert(std::string_view(lower).substr(i));
  }
  rewriter.finish();
}

void spell_bytes(AlignedText& text) {
  Rewriter rewriter(text);
  while (!rewriter.done())
    rewriter.replace(1, kByteAlphabet.of_byte[static_cast<unsigned char>(text.text()[rewriter.position()])]);
  rewriter.finish();
}

}  // namespace hearth::tokenizers
