// Grammar, TokenTrie and Constraint: what the rest of Hearth sees of grammars.
#include "transformers/grammar.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "transformers/grammar/matcher.h"

namespace hearth {

bool Grammar::accepts(std::string_view text) const {
  grammar::Matcher matcher(*automaton_);
  return matcher.accepts(matcher.read(grammar::Matcher::kStart, text));
}

std::optional<std::string> Grammar::sample(uint64_t seed, size_t max_bytes) const {
  std::mt19937_64 random(seed);
  grammar::Matcher matcher(*automaton_);
  auto state = grammar::Matcher::kStart;
  std::string out;
  while (out.size() <= max_bytes) {
    // A class of bytes each, so that a quote comes as often as all letters together.
    std::vector<uint8_t> classes;
    for (const auto byte : automaton_->examples)
      if (matcher.next(state, byte) != grammar::Matcher::kDead) classes.push_back(automaton_->class_of[byte]);
    if (matcher.accepts(state) && (classes.empty() || random() % 4 == 0)) return out;
    if (classes.empty()) return std::nullopt;
    const auto picked = classes[random() % classes.size()];
    std::vector<uint8_t> bytes;
    for (size_t byte = 0; byte < 256; ++byte)
      if (automaton_->class_of[byte] == picked) bytes.push_back(static_cast<uint8_t>(byte));
    const auto byte = bytes[random() % bytes.size()];
    out += static_cast<char>(byte);
    state = matcher.next(state, byte);
  }
  return std::nullopt;
}

TokenTrie::TokenTrie(std::vector<std::string> bytes) : bytes_(std::move(bytes)) {
  std::vector<int32_t> order(bytes_.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](int32_t id) {
    auto& text = bytes_[static_cast<size_t>(id)];
    if (text.size() > kDepthMax) text.clear();
    return text.empty();
  });
  std::ranges::stable_sort(order, {},
                           [&](int32_t id) -> const std::string& { return bytes_[static_cast<size_t>(id)]; });
  std::vector<uint32_t> path;  // the nodes of the last token
  std::string_view last;
  for (const auto id : order) {
    const std::string_view text = bytes_[static_cast<size_t>(id)];
    const auto common = static_cast<size_t>(std::ranges::mismatch(text, last).in1 - text.begin());
    for (size_t depth = common; depth < path.size(); ++depth)
      nodes_[path[depth]].skip = static_cast<uint32_t>(nodes_.size());
    path.resize(common);
    for (size_t depth = common; depth < text.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      const auto count = static_cast<uint32_t>(tokens_.size());
      nodes_.push_back({static_cast<uint8_t>(text[depth]), static_cast<uint8_t>(depth), 0, count, count});
    }
    tokens_.push_back(id);
    nodes_[path.back()].tokens_end = static_cast<uint32_t>(tokens_.size());
    last = text;
  }
  for (const auto node : path) nodes_[node].skip = static_cast<uint32_t>(nodes_.size());
}

Constraint::Constraint(Grammar grammar, std::shared_ptr<const TokenTrie> vocabulary, std::vector<int32_t> eos)
    : grammar_(std::move(grammar)),
      vocabulary_(std::move(vocabulary)),
      eos_(std::move(eos)),
      cache_(std::make_unique<grammar::MaskCache>(grammar_.automaton(), *vocabulary_)) {}

Constraint::~Constraint() = default;

void Constraint::apply(std::span<const int32_t> made, std::span<float> scores) const {
  std::lock_guard lock(mutex_);
  cache_->trim(grammar_.automaton());
  const auto state = cache_->state_of(made);
  const auto& mask = cache_->mask(state);
  const bool is_stuck = std::ranges::all_of(mask, [](uint64_t bits) { return bits == 0; });
  const bool may_end = is_stuck || cache_->matcher().accepts(state);
  std::vector<std::pair<size_t, float>> ends;
  for (const auto id : eos_)
    if (may_end && static_cast<size_t>(id) < scores.size())
      ends.emplace_back(static_cast<size_t>(id), scores[static_cast<size_t>(id)]);
  for (size_t begin = 0; begin < scores.size(); begin += 64) {
    const auto bits = begin / 64 < mask.size() ? mask[begin / 64] : 0;
    const auto count = std::min<size_t>(64, scores.size() - begin);
    for (size_t i = 0; bits != ~uint64_t{0} && i < count; ++i)
      if ((bits >> i & 1) == 0) scores[begin + i] = -std::numeric_limits<float>::infinity();
  }
  for (const auto& [id, score] : ends) scores[id] = score;
}

bool Constraint::is_complete(std::span<const int32_t> made) const {
  std::lock_guard lock(mutex_);
  cache_->trim(grammar_.automaton());
  const auto& mask = cache_->mask(cache_->state_of(made));
  return std::ranges::all_of(mask, [](uint64_t bits) { return bits == 0; });
}

}  // namespace hearth
