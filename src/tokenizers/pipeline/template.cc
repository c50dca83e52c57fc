#include "tokenizers/pipeline/template.h"

#include <algorithm>

#include "base/unicode.h"
#include "tokenizers/pipeline/byte_alphabet.h"

namespace hearth::tokenizers {

size_t special_count(std::span<const TemplateItem> items) {
  return static_cast<size_t>(std::count_if(items.begin(), items.end(), [](const auto& item) { return item.id >= 0; }));
}

void apply_template(std::span<const TemplateItem> items, std::vector<Encoding>& parts, bool add_special_tokens,
                    const TokenTexts& texts) {
  Encoding out;
  for (const auto& item : items) {
    if (item.id >= 0) {
      if (!add_special_tokens) continue;
      Encoding token{.ids = {item.id}, .special_tokens_mask = {1}};
      if (item.type_id != 0) token.type_ids = {item.type_id};
      if (texts.text_of(token, 0) != item.spelling) token.spelt = {{0, item.spelling}};
      out.append(token);
      continue;
    }
    if (item.text >= parts.size()) continue;
    auto& text = parts[item.text];
    text.type_ids.clear();
    if (item.type_id != 0) text.type_ids.assign(text.size(), item.type_id);
    text.sequences[item.text] = TextSpan{0, static_cast<uint32_t>(text.size())};
    out.append(text);
  }
  parts.clear();
  parts.push_back(std::move(out));
}

void unmark(std::vector<Encoding>& parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto unmark_one = [&](Encoding& e) {
      e.special_tokens_mask.clear();
      e.attention_mask.clear();
      e.sequences = {};
      e.sequences[i] = TextSpan{0, static_cast<uint32_t>(e.size())};
    };
    unmark_one(parts[i]);
    for (auto& more : parts[i].overflowing) unmark_one(more);
  }
}

Result<ClsSep> read_cls_sep(const ConfigView& config) {
  TemplateItem items[2];
  for (const size_t i : {0, 1}) {
    const auto pair = config[i == 0 ? "cls" : "sep"];
    if (pair.json().size() != 2 || !pair.json().is_array() || !pair.json().array()[0].is_string() ||
        !pair.json().array()[1].is_int())
      return pair.bad(R"(must be ["token", id])");
    const auto id = pair.json().array()[1].as_int();
    if (id < 0 || id > INT32_MAX) return pair.bad(cat("the id ", id, " is outside 0 to 2147483647"));
    items[i] = {static_cast<TokenId>(id), 0, 0, std::string(pair.json().array()[0].as_string())};
  }
  return ClsSep{std::move(items[0]), std::move(items[1])};
}

void trim_offsets(Encoding& encoding, bool add_prefix_space, const TokenTexts& texts) {
  const char32_t kSpace = kByteAlphabet.of_byte[' '];
  const auto is_space = [&](char32_t c) { return c == kSpace || unicode::is(c, unicode::space); };
  for (size_t i = 0; i < encoding.offsets.size(); ++i) {
    auto& span = encoding.offsets[i];
    const auto text = texts.text_of(encoding, i);
    uint32_t leading = 0, trailing = 0;
    bool all_space = true;
    for (size_t at = 0; at < text.size();) {
      if (is_space(utf8_next(text, at))) {
        if (all_space) ++leading;
        ++trailing;
      } else {
        all_space = false;
        trailing = 0;
      }
    }
    if (leading > 0) {
      const bool added = (i == 0 || span.begin == 0) && add_prefix_space && leading == 1;
      span.begin = std::min(span.begin + (added ? 0 : leading), span.end);
    }
    if (trailing > 0 && span.end >= trailing) span.end = std::max(span.end - trailing, span.begin);
  }
}

}  // namespace hearth::tokenizers
