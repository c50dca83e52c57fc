#include "transformers/grammar/matcher.h"

#include <algorithm>
#include <memory>
#include <unordered_set>

namespace hearth::grammar {
namespace {

constexpr size_t kMemoryMax = size_t{64} << 20;  // of states and masks
constexpr size_t kSeenMax = size_t{1} << 20;     // tokens of answers that are remembered

}  // namespace

Matcher::Matcher(const Automaton& automaton) : automaton_(automaton), classes_(automaton.examples.size()), stacks_(1) {
  rows_.emplace_back();  // kDead
  steps_.assign(classes_, kDead);
  // The start is a state of its own even where it can read nothing.
  ids_.clear();
  known({static_cast<Place>(static_cast<uint32_t>(automaton.starts[static_cast<size_t>(automaton.root)]))});
}

uint32_t Matcher::push(uint32_t below, StateId back) {
  const auto key = static_cast<uint64_t>(below) << 32 | static_cast<uint32_t>(back);
  const auto [found, is_new] = stack_ids_.try_emplace(key, static_cast<uint32_t>(stacks_.size()));
  if (is_new) {
    stacks_.push_back({below, back});
    bytes_ += sizeof(StackNode) + 48;
  }
  return found->second;
}

Matcher::State Matcher::known(std::vector<Place> begun) {
  using Kind = Automaton::Kind;
  std::pair<std::vector<Place>, bool> out;
  std::unordered_set<Place> seen;
  const auto visit = [&](uint32_t stack, StateId state, std::vector<Place>& todo) {
    const auto place = static_cast<Place>(stack) << 32 | static_cast<uint32_t>(state);
    if (seen.insert(place).second) todo.push_back(place);
  };
  std::vector<Place> todo;
  for (const auto place : begun) visit(static_cast<uint32_t>(place >> 32), static_cast<StateId>(place), todo);
  while (!todo.empty() && out.first.size() < kPlacesMax && seen.size() < 16 * kPlacesMax) {
    const auto place = todo.back();
    todo.pop_back();
    const auto stack = static_cast<uint32_t>(place >> 32);
    const auto& state = automaton_.states[static_cast<uint32_t>(place)];
    switch (state.kind) {
      case Kind::bytes:
        out.first.push_back(place);
        break;
      case Kind::split:
        for (auto i = state.what; i < state.next; ++i) visit(stack, automaton_.branches[static_cast<size_t>(i)], todo);
        break;
      case Kind::call: {
        const bool is_last = automaton_.states[static_cast<size_t>(state.next)].kind == Kind::end;
        visit(is_last ? stack : push(stack, state.next), automaton_.starts[static_cast<size_t>(state.what)], todo);
        break;
      }
      case Kind::end:
        if (stack == 0)
          out.second = true;
        else
          visit(stacks_[stack].below, stacks_[stack].back, todo);
        break;
    }
  }
  if (out.first.empty() && !out.second && rows_.size() > 1) return kDead;
  std::ranges::sort(out.first);
  const auto [found, is_new] = ids_.try_emplace(out, static_cast<State>(rows_.size()));
  if (is_new) {
    bytes_ += 2 * out.first.size() * sizeof(Place) + classes_ * sizeof(State) + 96;
    rows_.push_back({std::move(out.first), out.second});
    steps_.resize(rows_.size() * classes_, kUnknown);
  }
  return found->second;
}

Matcher::State Matcher::work_out(State from, uint8_t byte) {
  std::vector<Place> begun;
  for (const auto place : rows_[static_cast<size_t>(from)].places) {
    const auto& state = automaton_.states[static_cast<uint32_t>(place)];
    if (automaton_.sets[static_cast<size_t>(state.what)][byte])
      begun.push_back((place >> 32 << 32) | static_cast<uint32_t>(state.next));
  }
  const auto to = begun.empty() ? kDead : known(std::move(begun));
  steps_[static_cast<size_t>(from) * classes_ + automaton_.class_of[byte]] = to;
  return to;
}

Matcher::State MaskCache::state_of(std::span<const int32_t> made) {
  std::vector<int32_t> ids(made.begin(), made.end());
  if (const auto found = seen_.find(ids); found != seen_.end()) return found->second;
  auto state = Matcher::kStart;
  if (!ids.empty()) {
    const auto last = ids.back();
    ids.pop_back();
    const auto before = seen_.find(ids);
    // A token without text was forced (<s>, an end): it leads nowhere else.
    const auto step = [&](int32_t id) { state = matcher_.read(state, vocabulary_.bytes(id)); };
    if (before != seen_.end())
      state = before->second;
    else
      for (const auto id : ids) step(id);
    step(last);
    ids.push_back(last);
  }
  if (seen_ids_ + ids.size() > kSeenMax) {
    seen_.clear();
    seen_ids_ = 0;
  }
  seen_ids_ += ids.size() + 16;
  seen_.emplace(std::move(ids), state);
  return state;
}

const std::vector<uint64_t>& MaskCache::mask(Matcher::State state) {
  const auto [found, is_new] = masks_.try_emplace(state);
  auto& out = found->second;
  if (!is_new) return out;
  out.resize((vocabulary_.size() + 63) / 64);
  const auto nodes = vocabulary_.nodes();
  path_[0] = state;
  for (size_t i = 0; i < nodes.size();) {
    const auto& node = nodes[i];
    const auto to = matcher_.next(path_[node.depth], node.byte);
    if (to == Matcher::kDead) {
      i = node.skip;
      continue;
    }
    path_[node.depth + 1u] = to;
    for (const auto id : vocabulary_.tokens(node)) out[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
    ++i;
  }
  return out;
}

void MaskCache::trim(const Automaton& automaton) {
  if (matcher_.memory_bytes() + masks_.size() * vocabulary_.size() / 8 <= kMemoryMax) return;
  masks_.clear();
  seen_.clear();
  seen_ids_ = 0;
  std::destroy_at(&matcher_);
  std::construct_at(&matcher_, automaton);
}

}  // namespace hearth::grammar
