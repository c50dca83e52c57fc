#include "tokenizers/encoding.h"

#include <algorithm>

#include "base/text.h"

namespace hearth {

namespace {

template <class T>
std::vector<T> part_of(const std::vector<T>& all, size_t begin, size_t end) {
  if (all.empty()) return {};
  return {all.begin() + static_cast<ptrdiff_t>(begin), all.begin() + static_cast<ptrdiff_t>(end)};
}

// Ids [begin, end) of an encoding, alone. Which text they are of is lost, as in the original.
Encoding slice(const Encoding& whole, size_t begin, size_t end) {
  Encoding out{.ids = part_of(whole.ids, begin, end),
               .type_ids = part_of(whole.type_ids, begin, end),
               .special_tokens_mask = part_of(whole.special_tokens_mask, begin, end),
               .attention_mask = part_of(whole.attention_mask, begin, end),
               .offsets = part_of(whole.offsets, begin, end),
               .word_ids = part_of(whole.word_ids, begin, end)};
  for (const auto& token : whole.spelt)
    if (token.index >= begin && token.index < end)
      out.spelt.push_back({static_cast<uint32_t>(token.index - begin), token.text});
  return out;
}

// Appends `more`, where an empty vector stands for `size` times `value`.
template <class T>
void append_or_fill(std::vector<T>& to, size_t to_size, const std::vector<T>& more, size_t more_size, T value) {
  if (to.empty() && more.empty()) return;
  to.resize(to_size, value);
  if (more.empty()) {
    to.resize(to_size + more_size, value);
  } else {
    to.insert(to.end(), more.begin(), more.end());
  }
}

template <class T>
void add_on(Side side, std::vector<T>& to, size_t count, T value) {
  to.insert(side == Side::left ? to.begin() : to.end(), count, value);
}

}  // namespace

int Encoding::sequence_of(size_t index) const {
  if (!sequences[0]) return 0;  // as in the original, even if there is a second
  for (const int i : {0, 1}) {
    const auto& range = sequences[static_cast<size_t>(i)];
    if (range && index >= range->begin && index < range->end) return i;
  }
  return -1;
}

void Encoding::truncate(size_t max_length, size_t stride, Side from) {
  const size_t n = size();
  if (max_length >= n) return;
  Encoding whole = std::move(*this);
  *this = {};
  if (max_length == 0) {
    overflowing.push_back(std::move(whole));
    return;
  }
  VERIFY(stride < max_length, "a stride is below the length");
  const size_t step = max_length - stride;
  std::vector<Encoding> parts;
  for (size_t i = 0;; i += step) {
    const size_t begin = from == Side::right ? i : n - std::min(n, i + max_length);
    const size_t end = from == Side::right ? std::min(n, i + max_length) : n - i;
    parts.push_back(slice(whole, begin, end));
    if (from == Side::right ? end == n : begin == 0) break;
  }
  *this = std::move(parts.front());
  overflowing.assign(std::make_move_iterator(parts.begin() + 1), std::make_move_iterator(parts.end()));
}

void Encoding::append(const Encoding& other) {
  std::vector<Encoding> combined;
  const auto combine = [&](const Encoding& left, const Encoding& right) {
    Encoding pair = left;
    pair.append(right);
    combined.push_back(std::move(pair));
  };
  for (const auto& mine : overflowing) {
    combine(mine, other);
    for (const auto& theirs : other.overflowing) combine(mine, theirs);
  }
  for (const auto& theirs : other.overflowing) combine(*this, theirs);
  const size_t n = size(), m = other.size();
  const bool has_words = !word_ids.empty() || !other.word_ids.empty();
  for (size_t i = 0; i < 2; ++i) {
    if (!other.sequences[i]) continue;
    sequences[i] = TextSpan{static_cast<uint32_t>(other.sequences[i]->begin + n),
                            static_cast<uint32_t>(other.sequences[i]->end + n)};
  }
  append_or_fill(type_ids, n, other.type_ids, m, 0);
  append_or_fill(special_tokens_mask, n, other.special_tokens_mask, m, uint8_t{0});
  append_or_fill(attention_mask, n, other.attention_mask, m, uint8_t{1});
  append_or_fill(offsets, n, other.offsets, m, TextSpan{});
  if (has_words) append_or_fill(word_ids, n, other.word_ids, m, -1);
  for (const auto& token : other.spelt) spelt.push_back({static_cast<uint32_t>(token.index + n), token.text});
  ids.insert(ids.end(), other.ids.begin(), other.ids.end());
  overflowing = std::move(combined);
}

void Encoding::pad(size_t length, TokenId pad_id, int32_t pad_type_id, Side side) {
  for (auto& more : overflowing) more.pad(length, pad_id, pad_type_id, side);
  const size_t n = size();
  if (n >= length) return;
  const size_t count = length - n;
  if (!type_ids.empty() || pad_type_id != 0) {
    type_ids.resize(n, 0);
    add_on(side, type_ids, count, pad_type_id);
  }
  special_tokens_mask.resize(n, 0);
  add_on(side, special_tokens_mask, count, uint8_t{1});
  attention_mask.resize(n, 1);
  add_on(side, attention_mask, count, uint8_t{0});
  if (!offsets.empty()) add_on(side, offsets, count, TextSpan{});
  if (!word_ids.empty()) add_on(side, word_ids, count, -1);
  add_on(side, ids, count, pad_id);
  if (side == Side::right) return;
  for (auto& token : spelt) token.index += static_cast<uint32_t>(count);
  for (auto& range : sequences) {
    if (!range) continue;
    range->begin += static_cast<uint32_t>(count);
    range->end += static_cast<uint32_t>(count);
  }
}

namespace {

// Source: transformers 5.23.0 tokenization_python.py truncate_sequences.
void truncate_leniently(std::span<Encoding> encodings, const Truncation& t, size_t total) {
  const auto cut = [&](Encoding& e, size_t length) {
    e.truncate(length, /*stride=*/0, t.side);
    e.overflowing.clear();
  };
  const size_t to_remove = total - t.max_length;
  if (t.strategy == TruncationStrategy::longest_first && encodings.size() == 2) {
    const size_t a = encodings[0].size(), b = encodings[1].size(), shorter = std::min(a, b);
    if (t.max_length >= 2 * shorter) return cut(encodings[a > b ? 0 : 1], t.max_length - shorter);
    cut(encodings[0], t.max_length - t.max_length / 2);
    cut(encodings[1], t.max_length / 2);
    return;
  }
  const size_t which = t.strategy == TruncationStrategy::only_second ? 1 : 0;
  if (which >= encodings.size()) return;
  const size_t size = encodings[which].size();
  cut(encodings[which], size - std::min(size, to_remove));
}

}  // namespace

Status truncate(std::span<Encoding> encodings, const Truncation& t) {
  size_t total = 0;
  for (const auto& e : encodings) total += e.size();
  if (t.is_lenient) {
    if (total > t.max_length) truncate_leniently(encodings, t, total);
    return {};
  }
  const auto cut = [&](Encoding& e, size_t length) -> Status {
    if (length > 0 && length < e.size() && t.stride >= length) {
      return Status(Code::bad_input, cat("truncation: the stride of ", t.stride, " must be below the ", length,
                                         " ids that are left of a text"));
    }
    e.truncate(length, t.stride, t.side);
    return {};
  };
  if (t.max_length == 0) {
    for (auto& e : encodings) TRY(cut(e, 0));
    return {};
  }
  if (total <= t.max_length) return {};
  const size_t to_remove = total - t.max_length;
  if (t.strategy == TruncationStrategy::longest_first) {
    if (encodings.size() == 1) return cut(encodings[0], t.max_length);
    auto& shorter = encodings[encodings[0].size() > encodings[1].size() ? 1 : 0];
    auto& longer = encodings[encodings[0].size() > encodings[1].size() ? 0 : 1];
    size_t n1 = shorter.size();
    size_t n2 = n1 > t.max_length ? n1 : std::max(n1, t.max_length - n1);
    if (n1 + n2 > t.max_length) {
      n1 = t.max_length / 2;
      n2 = n1 + t.max_length % 2;
    }
    TRY(cut(shorter, n1));
    return cut(longer, n2);
  }
  const size_t which = t.strategy == TruncationStrategy::only_first ? 0 : 1;
  if (which >= encodings.size()) return Status(Code::bad_input, "truncation 'only_second': there is no second text");
  auto& target = encodings[which];
  if (target.size() <= to_remove) {
    return Status(Code::bad_input, cat("truncation: the text to cut has ", target.size(), " ids, but ", to_remove,
                                       " must go to keep within max_length ", t.max_length));
  }
  return cut(target, target.size() - to_remove);
}

void pad(std::span<Encoding> batch, const Padding& p) {
  size_t length = p.length.value_or(0);
  if (!p.length)
    for (const auto& e : batch) length = std::max(length, e.size());
  if (p.to_multiple_of > 0 && length % p.to_multiple_of > 0) length += p.to_multiple_of - length % p.to_multiple_of;
  for (auto& e : batch) e.pad(length, p.pad_id, p.pad_type_id, p.side);
}

}  // namespace hearth
