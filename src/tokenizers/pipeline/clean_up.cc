#include "tokenizers/pipeline/clean_up.h"

#include <utility>

#include "base/text.h"

namespace hearth::tokenizers {

std::string replace_each(std::string_view text, std::string_view from, std::string_view to) {
  if (!from.empty()) return replace_all(text, from, to);
  std::string out(to);
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    utf8_next(text, at);
    out += text.substr(begin, at - begin);
    out += to;
  }
  return out;
}

std::string clean_up(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kSteps[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  std::string out(text);
  for (const auto& [from, to] : kSteps) out = replace_all(out, from, to);
  return out;
}

}  // namespace hearth::tokenizers
