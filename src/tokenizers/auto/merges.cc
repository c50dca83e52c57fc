#include "tokenizers/auto/merges.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace hearth::tokenizers {

namespace {

using Ids = std::unordered_map<std::string_view, int64_t>;

struct Merge {
  std::string_view left, right;
  int64_t left_id, right_id;
  double key;  // what it is sorted by first, rising
};

bool begins_character(char c) {
  return (c & 0xC0) != 0x80;
}

// All ways to cut `token` in two known ones, in the order of their ids.
template <class Known>
void cut(std::string_view token, double key, bool by_character, const Known& known, std::vector<Merge>& out) {
  const size_t first = out.size();
  for (size_t i = 1; i < token.size(); ++i) {
    if (by_character && !begins_character(token[i])) continue;
    const int64_t left = known(token.substr(0, i));
    if (left < 0) continue;
    const int64_t right = known(token.substr(i));
    if (right >= 0) out.push_back({token.substr(0, i), token.substr(i), left, right, key});
  }
  std::stable_sort(out.begin() + static_cast<ptrdiff_t>(first), out.end(), [](const Merge& a, const Merge& b) {
    return std::pair(a.left_id, a.right_id) < std::pair(b.left_id, b.right_id);
  });
}

std::vector<std::pair<std::string_view, std::string_view>> texts(const std::vector<Merge>& merges) {
  std::vector<std::pair<std::string_view, std::string_view>> out;
  out.reserve(merges.size());
  for (const auto& merge : merges) out.emplace_back(merge.left, merge.right);
  return out;
}

}  // namespace

std::vector<std::pair<std::string_view, std::string_view>> merges_of_scores(std::span<const std::string_view> tokens,
                                                                            std::span<const float> scores) {
  Ids ids;
  for (size_t i = 0; i < tokens.size(); ++i) ids[tokens[i]] = static_cast<int64_t>(i);
  const auto known = [&](std::string_view text) {
    const auto it = ids.find(text);
    return it == ids.end() ? -1 : it->second;
  };
  std::vector<Merge> merges;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (known(tokens[i]) == static_cast<int64_t>(i)) cut(tokens[i], -double{scores[i]}, true, known, merges);
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) { return a.key < b.key; });
  return texts(merges);
}

std::vector<std::pair<std::string_view, std::string_view>> merges_of_ids(std::span<const std::string_view> tokens,
                                                                         std::span<const std::string_view> skip) {
  const std::unordered_set<std::string_view> skipped(skip.begin(), skip.end());
  Ids ids;
  for (size_t i = 0; i < tokens.size(); ++i) ids[tokens[i]] = static_cast<int64_t>(i);
  const auto known = [&](std::string_view text) {
    const auto it = ids.find(text);
    return it == ids.end() || skipped.contains(text) ? -1 : it->second;
  };
  std::vector<Merge> merges;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (known(tokens[i]) == static_cast<int64_t>(i)) cut(tokens[i], static_cast<double>(i), true, known, merges);
  // One token's merges: the shorter left part first, and then those with shorter right parts, which there are none of.
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
    if (a.key != b.key) return a.key < b.key;
    return utf8_length(a.left) < utf8_length(b.left);
  });
  return texts(merges);
}

std::vector<std::pair<std::string_view, std::string_view>> merges_of_ranks(
    std::span<const std::pair<std::string_view, int64_t>> tokens) {
  Ids ranks;
  for (const auto& [text, rank] : tokens) ranks[text] = rank;
  const auto known = [&](std::string_view text) {
    const auto it = ranks.find(text);
    return it == ranks.end() ? -1 : it->second;
  };
  std::vector<Merge> merges;
  for (const auto& [text, rank] : tokens)
    if (known(text) == rank) cut(text, static_cast<double>(rank), false, known, merges);
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) { return a.key < b.key; });
  return texts(merges);
}

}  // namespace hearth::tokenizers
