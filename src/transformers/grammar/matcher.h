// Matcher: an automaton made deterministic where texts lead; MaskCache: which tokens each of its states allows.
//
// 1. A matcher's state is the set of all places (automaton state and stack) that a text can have led to, and is known
// by
//    a number. Stacks are shared: a node knows what is below it, and equal nodes are one.
// 2. Steps are worked out once and kept, a class of bytes each.
// 3. A text that can be read in very many ways keeps kPlacesMax of them: what is written then still is of the grammar.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "transformers/grammar/automaton.h"

namespace hearth::grammar {

/// One thread at a time.
class Matcher {
 public:
  using State = int32_t;
  static constexpr State kDead = 0, kStart = 1;
  static constexpr size_t kPlacesMax = 4096;

  /// `automaton` is the caller's.
  explicit Matcher(const Automaton& automaton);
  State next(State from, uint8_t byte) {
    const auto at = static_cast<size_t>(from) * classes_ + automaton_.class_of[byte];
    return steps_[at] != kUnknown ? steps_[at] : work_out(from, byte);
  }
  State read(State from, std::string_view text) {
    for (size_t i = 0; i < text.size() && from != kDead; ++i) from = next(from, static_cast<uint8_t>(text[i]));
    return from;
  }
  /// The text so far is one of the grammar.
  bool accepts(State state) const { return rows_[static_cast<size_t>(state)].accepts; }
  /// Whether any byte can follow.
  bool goes_on(State state) const { return !rows_[static_cast<size_t>(state)].places.empty(); }
  size_t size() const { return rows_.size(); }
  /// Of what was worked out.
  size_t memory_bytes() const { return bytes_; }

 private:
  static constexpr State kUnknown = -1;
  // An automaton state that reads a byte, and the stack below it: stack << 32 | state.
  using Place = uint64_t;
  struct Row {
    std::vector<Place> places;
    bool accepts = false;
  };
  struct PlacesHash {
    size_t operator()(const std::pair<std::vector<Place>, bool>& key) const {
      uint64_t hash = key.second;
      for (const auto place : key.first) hash = (hash ^ place) * 0x9E3779B97F4A7C15u ^ hash >> 29;
      return hash;
    }
  };
  State work_out(State from, uint8_t byte);
  State known(std::vector<Place> begun);
  uint32_t push(uint32_t below, StateId back);

  const Automaton& automaton_;
  const size_t classes_;
  std::vector<Row> rows_;
  std::vector<State> steps_;  // [rows, classes]
  std::unordered_map<std::pair<std::vector<Place>, bool>, State, PlacesHash> ids_;
  struct StackNode {
    uint32_t below = 0;
    StateId back = 0;
  };
  std::vector<StackNode> stacks_;  // 0: nothing on it
  std::unordered_map<uint64_t, uint32_t> stack_ids_;
  size_t bytes_ = 0;
};

/// One thread at a time.
class MaskCache {
 public:
  MaskCache(const Automaton& automaton, const TokenTrie& vocabulary) : matcher_(automaton), vocabulary_(vocabulary) {}
  /// Where the tokens `made` lead.
  Matcher::State state_of(std::span<const int32_t> made);
  /// A bit for each token that may follow; valid until the next call.
  const std::vector<uint64_t>& mask(Matcher::State state);
  Matcher& matcher() { return matcher_; }
  /// Forgets everything when it has become too much. States are of no use then.
  void trim(const Automaton& automaton);

 private:
  struct IdsHash {
    size_t operator()(const std::vector<int32_t>& ids) const {
      uint64_t hash = ids.size();
      for (const auto id : ids) hash = (hash ^ static_cast<uint32_t>(id)) * 0x9E3779B97F4A7C15u ^ hash >> 29;
      return hash;
    }
  };
  Matcher matcher_;
  const TokenTrie& vocabulary_;
  std::unordered_map<std::vector<int32_t>, Matcher::State, IdsHash> seen_;  // answers, and where they led
  size_t seen_ids_ = 0;
  std::unordered_map<Matcher::State, std::vector<uint64_t>> masks_;
  std::array<Matcher::State, TokenTrie::kDepthMax + 1> path_{};  // of the walk
};

}  // namespace hearth::grammar
