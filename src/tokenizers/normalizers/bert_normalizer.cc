// BertNormalizer: controls go, white space becomes spaces, ideographs get spaces around them, accents go, capitals
// become small; each step on wish.
// Source: tokenizers normalizers/bert.rs.
//
// Two ways to the same text. With places kept, one step after another, as the original does it: that is the definition.
// Without, all steps at once: ASCII in blocks, other characters each from a table of what becomes of it. Only a
// character that NFD may move behind its neighbours (a mark that is no accent) waits for these.
#include <algorithm>
#include <cstring>

#include "base/unicode.h"
#include "tokenizers/normalizers_registry.h"

namespace hearth::tokenizers::normalizers {
namespace {

struct Options {
  bool clean_text, chinese, strip_accents, lowercase;
};

bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_space(char32_t c) {
  return unicode::is(c, unicode::space);
}
// Of white space only tab and line ends are not taken for controls.
bool is_control(char32_t c) {
  return unicode::is(c, unicode::bert_control);
}

// ASCII in blocks of this many bytes, which the compiler makes vectors of.
constexpr size_t kBlock = 32;

// A byte of ASCII; false when it goes.
template <bool clean, bool lower>
inline bool change(uint8_t& b) {
  if (clean) b = b == '\t' || b == '\n' || b == '\r' ? ' ' : b;
  const bool stays = !clean || (b >= 0x20 && b < 0x7F);
  if (lower) b = static_cast<uint8_t>(b + (static_cast<uint8_t>(b - 'A') < 26 ? 32 : 0));
  return stays;
}

// Changes ASCII where it stands and returns how much of it is left.
template <bool clean, bool lower>
size_t change_ascii(char* text, size_t size) {
  size_t kept = 0, at = 0;
  while (at < size) {
    if (at + kBlock <= size) {
      uint8_t block[kBlock];
      bool all = true;
      for (size_t i = 0; i < kBlock; ++i) {
        block[i] = static_cast<uint8_t>(text[at + i]);
        all &= change<clean, lower>(block[i]);
      }
      if (all) {
        std::memcpy(text + kept, block, kBlock);
        kept += kBlock;
        at += kBlock;
        continue;
      }
    }
    const size_t end = std::min(size, at + kBlock);
    for (; at < end; ++at) {
      auto b = static_cast<uint8_t>(text[at]);
      const bool stays = change<clean, lower>(b);
      text[kept] = static_cast<char>(b);
      kept += stays ? 1 : 0;
    }
  }
  return kept;
}

size_t ascii_end(std::string_view text, size_t at) {
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & 0x8080808080808080) != 0) break;
  }
  while (at < text.size() && (text[at] & 0x80) == 0) ++at;
  return at;
}

// What a character becomes in a text without marks to be ordered.
struct Becomes {
  static constexpr uint8_t kLong = 4;  // too long for here, or it must wait for its neighbours
  uint8_t size = kLong;
  char bytes[3] = {};
};

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(Options options) : options_(options), becomes_(kTable) {
    change_ascii_ = options.clean_text ? (options.lowercase ? change_ascii<true, true> : change_ascii<true, false>)
                                       : (options.lowercase ? change_ascii<false, true> : change_ascii<false, false>);
    for (char32_t c = 0; c < kTable; ++c) {
      std::string text;
      if (!append(text, c) || text.size() > 3) continue;
      becomes_[c].size = static_cast<uint8_t>(text.size());
      std::copy(text.begin(), text.end(), becomes_[c].bytes);
    }
  }

  void normalize(AlignedText& text) const override {
    const std::string_view before = text.text();
    const bool is_ascii = ascii_end(before, 0) == before.size();
    const bool stays = std::none_of(before.begin(), before.end(), [](char c) {
      return (c >= 0 && c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    });
    if (is_ascii && (stays || !options_.clean_text)) {
      change_ascii_(text.letters(), before.size());
    } else if (text.aligned()) {
      step_by_step(text);
    } else {
      at_once(text);
    }
  }

 private:
  static constexpr char32_t kTable = 0x3000;

  void step_by_step(AlignedText& text) const {
    if (options_.clean_text) {
      remove(text, is_control);
      each(text, [](Rewriter& to, size_t size, char32_t c) { is_space(c) ? to.replace(size, U' ') : to.keep(size); });
    }
    if (options_.chinese) {
      each(text, [](Rewriter& to, size_t size, char32_t c) {
        if (!is_chinese(c)) return to.keep(size);
        for (const char32_t written : {U' ', c, U' '}) to.put(written);
        to.skip(size);
      });
    }
    if (options_.strip_accents) {
      to_form(text, unicode::Form::nfd);
      remove(text, [](char32_t c) { return unicode::is(c, unicode::nonspacing); });
    }
    if (options_.lowercase) lowercase(text);
  }

  template <class Step>
  static void each(AlignedText& text, const Step& step) {
    Rewriter rewriter(text);
    while (!rewriter.done()) {
      size_t end = rewriter.position();
      const char32_t c = utf8_next(text.text(), end);
      step(rewriter, end - rewriter.position(), c);
    }
    rewriter.finish();
  }

  void at_once(AlignedText& aligned) const {
    const std::string_view text = aligned.text();
    std::string out, waiting;  // waiting: marks that are no accents and what they follow
    out.reserve(text.size() + text.size() / 8 + 32);
    for (size_t at = 0; at < text.size();) {
      if (const size_t end = ascii_end(text, at); end > at) {
        flush(waiting, out);
        const size_t before = out.size();
        out.append(text, at, end - at);
        out.resize(before + change_ascii_(out.data() + before, end - at));
        at = end;
        continue;
      }
      const size_t begin = at;
      const char32_t c = utf8_next(text, at);
      if (!waiting.empty()) {
        if ((options_.clean_text && is_control(c)) ||
            (unicode::is(c, unicode::nonspacing) && unicode::record(c) >> 24 > 0))
          continue;
        if (unicode::record(c) >> 24 == 0) flush(waiting, out);
      }
      if (c < kTable && becomes_[c].size != Becomes::kLong) {
        out.append(becomes_[c].bytes, becomes_[c].size);
      } else if (!append(out, c)) {
        waiting += text.substr(begin, at - begin);
        continue;
      }
    }
    flush(waiting, out);
    aligned.become(std::move(out));
  }

  // What a character becomes, if that does not depend on its neighbours; else false, and nothing is appended.
  bool append(std::string& out, char32_t c) const {
    if (options_.clean_text) {
      if (is_control(c)) return true;
      if (is_space(c)) c = U' ';
    }
    const bool chinese = options_.chinese && is_chinese(c);
    if (chinese) out += ' ';
    if (options_.strip_accents && unicode::is(c, unicode::nfd_moves | unicode::nonspacing)) {
      std::string one;
      utf8_append(one, c);
      one = unicode::normalize(one, unicode::Form::nfd);
      const auto waits = [](char32_t d) {
        return unicode::record(d) >> 24 > 0 && !unicode::is(d, unicode::nonspacing);
      };
      for (size_t i = 0; i < one.size();)
        if (waits(utf8_next(one, i))) return false;
      append_stripped(out, one);
    } else if (options_.lowercase && !chinese) {
      unicode::append_lower(out, c);
    } else {
      utf8_append(out, c);
    }
    if (chinese) out += ' ';
    return true;
  }

  void append_stripped(std::string& out, std::string_view decomposed) const {
    for (size_t i = 0; i < decomposed.size();) {
      const char32_t c = utf8_next(decomposed, i);
      if (unicode::is(c, unicode::nonspacing)) continue;
      options_.lowercase ? unicode::append_lower(out, c) : utf8_append(out, c);
    }
  }

  void flush(std::string& waiting, std::string& out) const {
    if (waiting.empty()) return;
    append_stripped(out, unicode::normalize(waiting, unicode::Form::nfd));
    waiting.clear();
  }

  Options options_;
  size_t (*change_ascii_)(char*, size_t);
  std::vector<Becomes> becomes_;
};

Built<Normalizer> build(const ConfigView& config) {
  Options options;
  options.clean_text = TRY(config.boolean("clean_text", true));
  options.chinese = TRY(config.boolean("handle_chinese_chars", true));
  options.lowercase = TRY(config.boolean("lowercase", true));
  options.strip_accents = TRY(config.boolean("strip_accents", options.lowercase));
  return std::unique_ptr<Normalizer>(std::make_unique<BertNormalizer>(options));
}

}  // namespace

extern constinit const Entry bert_normalizer_entry{"BertNormalizer", build,
                                                   "clean_text handle_chinese_chars lowercase"};

}  // namespace hearth::tokenizers::normalizers
