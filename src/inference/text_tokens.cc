#include "inference/text_tokens.h"

namespace hearth::inference {

std::vector<wire::TextToken> text_tokens(const Encoding& encoding, std::string_view text) {
  std::vector<size_t> begins;  // of each character, and the end
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] & 0xC0) != 0x80) begins.push_back(i);
  begins.push_back(text.size());
  std::vector<wire::TextToken> out;
  for (size_t i = 0; i < encoding.size(); ++i) {
    const auto place = encoding.offsets[i];
    const auto begin = begins[place.begin], end = begins[place.end];
    out.push_back({.id = encoding.ids[i],
                   .text = std::string(text.substr(begin, end - begin)),
                   .start = place.begin,
                   .stop = place.end,
                   .special = encoding.special_tokens_mask[i] != 0});
  }
  return out;
}

}  // namespace hearth::inference
