#include "tokenizers/pipeline/word_cache.h"

#include <sys/mman.h>

#include <algorithm>

namespace hearth::tokenizers {

WordTable::WordTable(int bits) : bits_(bits) {
  constexpr size_t kHugePage = size_t{2} << 20;
  const size_t size = sizeof(Set) << bits;
  sets_.reset(static_cast<Set*>(std::aligned_alloc(size < kHugePage ? alignof(Set) : kHugePage, size)));
  VERIFY(sets_ != nullptr, "there is memory for the words");
  if (size >= kHugePage) ::madvise(sets_.get(), size, MADV_HUGEPAGE);
  std::memset(static_cast<void*>(sets_.get()), 0, size);
}

// Other threads may still fill lines of this one: those that are not full yet are lost.
std::shared_ptr<WordTable> WordTable::next() const {
  auto out = std::make_shared<WordTable>(std::min(bits_ + 2, kBitsMax));
  const bool is_last = bits_ == kBitsMax || records_.with([](const auto& r) { return r.total > kRecordsMax; });
  if (is_last) return out;
  size_t lines = 0;
  for (size_t i = 0; i <= mask(); ++i) {
    for (auto& line : sets_[i].lines) {
      const Key key = line.key();
      if (key.high <= kClaimed) continue;
      ++lines;
      auto& to = out->claim(hash_of(key));
      std::memcpy(to.ids, line.ids, sizeof line - offsetof(Line, ids));
      to.publish(key);
    }
  }
  out->count(lines);
  // After the lines, so that it has the records of all of them. The rest of the last chunk stays this one's: threads
  // that have not heard of the new one still write there.
  auto records = records_.with([](const auto& r) { return r; });
  records.used = records.size;
  out->records_.with([&](auto& r) { r = std::move(records); });
  return out;
}

WordTable::Line& WordTable::claim(uint64_t hash) {
  for (size_t i = hash >> shift();; i = (i + 1) & mask()) {
    for (auto& line : sets_[i].lines) {
      std::atomic_ref high(line.high);
      uint64_t empty = 0;
      if (high.load(std::memory_order_relaxed) != empty) continue;
      if (high.compare_exchange_strong(empty, kClaimed, std::memory_order_relaxed)) return line;
    }
  }
}

void WordTable::count(size_t lines) {
  if (count_.fetch_add(lines, std::memory_order_relaxed) + lines > mask())
    is_full_.store(true, std::memory_order_relaxed);
}

std::span<uint32_t> WordTable::room(size_t size) {
  size = std::max(size, kSlice);
  return records_.with([&](auto& r) {
    if (r.size - r.used < size) {
      r.size = std::max(size, kChunk);
      r.used = 0;
      r.total += r.size;
      r.chunks.push_back(std::make_shared_for_overwrite<uint32_t[]>(r.size));
      if (r.total > kRecordsMax) is_full_.store(true, std::memory_order_relaxed);
    }
    r.used += size;
    return std::span(r.chunks.back().get() + r.used - size, size);
  });
}

std::shared_ptr<WordTable> SharedWords::table() const {
  return table_.with([](const auto& table) { return table; });
}

std::shared_ptr<WordTable> SharedWords::after(const WordTable* full) {
  return table_.with([&](auto& table) {
    if (table.get() == full) {
      table = full->next();
      newest_.store(table.get(), std::memory_order_release);
    }
    return table;
  });
}

void WordCache::use(std::shared_ptr<WordTable> table) {
  room_ = {};
  uncounted_ = 0;
  table_ = std::move(table);
  sets_ = table_->sets();
  mask_ = table_->mask();
  shift_ = table_->shift();
}

uint32_t* WordCache::record(size_t size) {
  if (room_.size() < size) room_ = table_->room(size);
  uint32_t* const out = room_.data();
  room_ = room_.subspan(size);
  return out;
}

bool WordCache::recorded(const Line& line, std::string_view word, std::span<const TokenId>& ids,
                         std::span<const uint32_t>& sizes) {
  const uint32_t* const record = line.record();
  const size_t count = record[0];
  static_assert(sizeof(TokenId) == sizeof(uint32_t));
  ids = {reinterpret_cast<const TokenId*>(record + 1), count};
  sizes = {record + 1 + count, count};
  return word.size() <= kShort || std::memcmp(record + 1 + 2 * count, word.data(), word.size()) == 0;
}

void WordCache::keep(const Asked& asked, std::string_view word, const WordTokens& tokens) {
  if (word.size() > kWordMax) return;
  if (table_->is_full()) use(words_->after(table_.get()));
  const size_t n = tokens.ids.size();
  const bool is_long = word.size() > kShort;
  uint32_t* record = nullptr;
  if (is_long || n > kInLine) {
    record = this->record(1 + 2 * n + (is_long ? (word.size() + 3) / 4 : 0));
    record[0] = static_cast<uint32_t>(n);
    std::copy(tokens.ids.begin(), tokens.ids.end(), record + 1);
    std::copy(tokens.sizes.begin(), tokens.sizes.end(), record + 1 + n);
    if (is_long) std::memcpy(record + 1 + 2 * n, word.data(), word.size());
  }
  if (++uncounted_ >= table_->count_step()) {
    table_->count(uncounted_);
    uncounted_ = 0;
  }
  Line& line = table_->claim(asked.hash);
  if (record != nullptr) {
    line.count = WordTable::kElsewhere;
    std::memcpy(line.ids, &record, sizeof record);
  } else {
    line.count = static_cast<uint8_t>(n);
    for (size_t i = 0; i < n; ++i) {
      line.ids[i] = tokens.ids[i];
      line.sizes[i] = static_cast<uint8_t>(tokens.sizes[i]);
    }
  }
  line.publish(asked.key);
}

}  // namespace hearth::tokenizers
