// DecodeStream: after each id all that came since the last text handed out is decoded twice, without and with what is
// new, and the difference is handed out, unless it ends in U+FFFD: then it may be half a character.
// Source: tokenizers tokenizer/mod.rs step_decode_stream.
//
// Where the decoder's text is just the bytes of the tokens, the same comes of keeping the bytes that are not handed
// out.
#include <algorithm>

#include "base/text.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

namespace {

constexpr std::string_view kReplacement = "\uFFFD";

// Whether the text that these bytes become ends in U+FFFD.
bool ends_unfinished(std::string_view bytes) {
  const std::string_view end = bytes.substr(bytes.size() - std::min<size_t>(bytes.size(), 4));
  size_t at = end.size();
  while (at > 0 && (end[at - 1] & 0xC0) == 0x80) --at;
  if (at > 0) --at;  // the byte that the last character begins with
  return !is_utf8(end.substr(at)) || end.ends_with(kReplacement);
}

}  // namespace

std::string DecodeStream::push(TokenId id) {
  const auto& parts = tokenizer_.parts();
  if (!parts.token_bytes_begin.empty()) {
    if (!options_.skip_special_tokens || !parts.is_skipped(id)) pending_ += parts.bytes_of(id);
    if (pending_.empty() || ends_unfinished(pending_)) return {};
    std::string out = utf8_replace_errors(pending_);
    pending_.clear();
    return out;
  }
  const auto decode = [&] { return tokenizer_.decode(window_, options_); };
  if (pending_.empty() && !window_.empty()) {
    if (auto text = decode(); !text.ends_with(kReplacement)) {
      pending_ = std::move(text);
      window_read_ = window_.size();
    }
  }
  window_.push_back(id);
  const std::string text = decode();
  if (text.size() <= pending_.size() || text.ends_with(kReplacement)) return {};
  std::string out = text.substr(read_of(text));
  const size_t read = window_.size() - window_read_;
  window_.erase(window_.begin(), window_.begin() + static_cast<ptrdiff_t>(window_read_));
  pending_ = decode();
  window_read_ = read;
  return out;
}

std::string DecodeStream::flush() {
  std::string out;
  if (!tokenizer_.parts().token_bytes_begin.empty()) {
    out = utf8_replace_errors(pending_);
  } else {
    const std::string text = tokenizer_.decode(window_, options_);
    out = text.substr(read_of(text));
  }
  pending_.clear();
  window_.clear();
  window_read_ = 0;
  return out;
}

// Differs: where a later token changes earlier text the original fails; here what is the same counts as read.
size_t DecodeStream::read_of(const std::string& text) const {
  const size_t end = std::min(text.size(), pending_.size());
  auto at = static_cast<size_t>(
      std::mismatch(text.begin(), text.begin() + static_cast<ptrdiff_t>(end), pending_.begin()).first - text.begin());
  while (at > 0 && at < text.size() && (text[at] & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace hearth
