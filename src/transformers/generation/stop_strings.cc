#include "transformers/generation/stop_strings.h"

#include <algorithm>

#include "transformers/token_bytes.h"

namespace hearth::generation {

StopStrings::StopStrings(const Tokenizer& tokenizer, std::vector<std::string> stops)
    : texts_(token_bytes(tokenizer)), stops_(std::move(stops)) {
  std::erase(stops_, "");
  for (const auto& stop : stops_) longest_ = std::max(longest_, stop.size());
  // Where the answer's tokens end is text too: "</s>" may be a stop.
  for (TokenId id = 0; id < static_cast<TokenId>(texts_.size()); ++id)
    if (tokenizer.is_special(id)) texts_[static_cast<size_t>(id)] = tokenizer.id_to_token(id).value_or("");
}

bool StopStrings::end_with(std::span<const int32_t> ids, int32_t next) const {
  const auto last = text_of(next);
  std::string text(last);
  for (auto id = ids.rbegin(); id != ids.rend() && text.size() < last.size() + longest_; ++id)
    text.insert(0, text_of(*id));
  const auto before = text.size() - last.size();
  return std::ranges::any_of(stops_, [&](const std::string& stop) {
    const auto first = before + 1 > stop.size() ? before + 1 - stop.size() : 0;  // ends inside the last token
    return text.find(stop, first) != std::string::npos;
  });
}

}  // namespace hearth::generation
