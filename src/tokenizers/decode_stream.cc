// DecodeStream. Where the decoder's text is just the bytes of the tokens, a stream is those bytes without an unfinished
// character at the end. Other decoders need a token's neighbours: there the ids since the last text that was handed out
// are decoded twice, without and with the new ones, and the difference is the new text (as tokenizers does it).
#include "base/text.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

std::string DecodeStream::push(TokenId id) {
  const auto& parts = tokenizer_.parts();
  if (!parts.token_bytes_begin.empty()) {
    if (options_.skip_special_tokens && tokenizer_.is_special(id)) return {};
    pending_ += parts.bytes_of(id);
    const size_t ready = pending_.size() - utf8_incomplete_tail(pending_);
    std::string out = utf8_replace_errors(std::string_view(pending_).substr(0, ready));
    pending_.erase(0, ready);
    return out;
  }
  window_.push_back(id);
  const std::string before = tokenizer_.decode(std::span(window_).first(window_read_), options_);
  std::string text = tokenizer_.decode(window_, options_);
  if (text.size() <= before.size() || text.ends_with("\uFFFD")) return {};
  window_.erase(window_.begin(), window_.begin() + static_cast<ptrdiff_t>(window_read_));
  window_read_ = window_.size();
  return text.substr(before.size());
}

std::string DecodeStream::flush() {
  std::string out = utf8_replace_errors(pending_);
  pending_.clear();
  const std::string before = tokenizer_.decode(std::span(window_).first(window_read_), options_);
  const std::string text = tokenizer_.decode(window_, options_);
  if (text.size() > before.size()) out += text.substr(before.size());
  window_.clear();
  window_read_ = 0;
  return out;
}

}  // namespace hearth
