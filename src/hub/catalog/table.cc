#include "hub/catalog/table.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace hearth::hub::catalog {
namespace {

constexpr size_t kSymbols = 40;  // of names: letters, digits, -_./
constexpr size_t kTermsMax = 4000;
constexpr double kLookCost = 10;  // a look at a row misses the caches; a step along an order does not

int symbol(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '0' && c <= '9') return 26 + (c - '0');
  switch (c) {
    case '-':
      return 36;
    case '_':
      return 37;
    case '.':
      return 38;
    case '/':
      return 39;
    default:
      return -1;
  }
}

// The distinct trigrams of a text as numbers; -1 stands for one that no name can have.
std::vector<int> trigrams(std::string_view text) {
  std::vector<int> out;
  for (size_t i = 0; i + 3 <= text.size(); ++i) {
    const int a = symbol(text[i]), b = symbol(text[i + 1]), c = symbol(text[i + 2]);
    out.push_back(a < 0 || b < 0 || c < 0 ? -1 : (a * static_cast<int>(kSymbols) + b) * static_cast<int>(kSymbols) + c);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

Table::Table(RepoKind kind) : kind_(kind) {
  intern("");
}

Table::Text Table::intern(std::string_view text) {
  if (const auto found = numbers_.find(text); found != numbers_.end()) return found->second;
  const auto number = static_cast<Text>(texts_.size());
  texts_.emplace_back(text);
  numbers_.emplace(texts_.back(), number);
  lower_.push_back(number);
  by_term_.emplace_back();
  if (auto lower = to_lower_ascii(text); lower != text) {
    const auto term = intern(lower);
    lower_[number] = term;
  }
  return number;
}

std::optional<Table::Text> Table::find_text(std::string_view text) const {
  const auto found = numbers_.find(text);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

void Table::set_name(Row& row, Slot slot, const Repo& repo) {
  const auto spelt = repo.full_name();
  if (row.name_size != 0 && std::string_view(names_).substr(row.name_at + row.name_size, row.name_size) == spelt &&
      row.owner_size == repo.owner.size())
    return;
  drop_name(row, slot);
  row.name_at = static_cast<uint32_t>(names_.size());
  row.name_size = static_cast<uint8_t>(std::min<size_t>(spelt.size(), 255));
  row.owner_size = static_cast<uint8_t>(std::min<size_t>(repo.owner.size(), 255));
  const auto lower = to_lower_ascii(spelt);
  names_ += std::string_view(lower).substr(0, row.name_size);
  names_ += std::string_view(spelt).substr(0, row.name_size);
  if (by_trigram_.empty()) by_trigram_.resize(kSymbols * kSymbols * kSymbols);
  for (const int trigram : trigrams(lower_name(row)))
    if (trigram >= 0) by_trigram_[static_cast<size_t>(trigram)].add(slot);
}

void Table::drop_name(const Row& row, Slot slot) {
  if (row.name_size == 0) return;
  for (const int trigram : trigrams(lower_name(row)))
    if (trigram >= 0) by_trigram_[static_cast<size_t>(trigram)].erase(slot);
  names_garbage_ += 2u * row.name_size;
}

void Table::set_terms(Row& row, Slot slot, const CatalogEntry& entry) {
  std::vector<Text> terms;
  for (const auto& tag : entry.tags)
    if (terms.size() < kTermsMax) terms.push_back(intern(tag));
  const auto tag_count = terms.size();
  terms.push_back(
      intern(cat("\x01"
                 "author:",
                 to_lower_ascii(entry.repo.owner))));
  if (!entry.pipeline_tag.empty())
    terms.push_back(
        intern(cat("\x01"
                   "pipeline:",
                   to_lower_ascii(entry.pipeline_tag))));
  for (const auto& link : entry.links)
    if (terms.size() < 2 * kTermsMax) terms.push_back(intern(cat("\x01", to_lower_ascii(link))));
  const auto before = terms_.begin() + row.terms_at;
  if (row.hidden_count != 0 && row.tag_count == tag_count &&
      std::equal(before, before + row.tag_count + row.hidden_count, terms.begin(), terms.end()))
    return;
  drop_terms(row, slot);
  row.terms_at = static_cast<uint32_t>(terms_.size());
  row.tag_count = static_cast<uint16_t>(tag_count);
  row.hidden_count = static_cast<uint16_t>(terms.size() - tag_count);
  terms_.insert(terms_.end(), terms.begin(), terms.end());
  for (const auto term : terms) by_term_[lower_[term]].add(slot);
}

void Table::drop_terms(const Row& row, Slot slot) {
  const auto count = static_cast<size_t>(row.tag_count) + row.hidden_count;
  for (size_t i = 0; i < count; ++i) by_term_[lower_[terms_[row.terms_at + i]]].erase(slot);
  terms_garbage_ += count;
}

void Table::put(const CatalogEntry& entry) {
  const auto& repo = entry.repo;
  if (repo.id <= 0) return;
  auto slot = slot_of(repo.id);
  const bool is_new = slot == kNone;
  if (is_new) {
    if (free_.empty()) {
      slot = static_cast<Slot>(rows_.size());
      rows_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    if (slots_.size() <= static_cast<size_t>(repo.id)) slots_.resize(static_cast<size_t>(repo.id) + 1, kNone);
    slots_[static_cast<size_t>(repo.id)] = slot;
    rows_[slot] = Row{};
  }
  std::array<int64_t, kKeys> keys{};
  keys[static_cast<size_t>(SortKey::trending)] = repo.trending;
  keys[static_cast<size_t>(SortKey::last_modified)] = repo.modified_ms;
  keys[static_cast<size_t>(SortKey::created_at)] = repo.created_ms;
  keys[static_cast<size_t>(SortKey::downloads)] = repo.downloads;
  keys[static_cast<size_t>(SortKey::likes)] = repo.likes;
  std::array<bool, kKeys> moved{};
  for (size_t key = 0; key < kKeys; ++key) {
    moved[key] = !loading_ && (is_new || rows_[slot].keys[key] != keys[key]);
    if (moved[key] && !is_new) orders_[key].erase(slot, order_of(key));
  }
  auto& row = rows_[slot];
  row.id = repo.id;
  row.keys = keys;
  for (size_t key = 0; key < kKeys; ++key)
    if (moved[key]) orders_[key].insert(slot, order_of(key));
  row.downloads_all_time = repo.downloads_all_time;
  row.parameters = entry.parameters;
  row.used_storage_bytes = entry.used_storage_bytes;
  row.owner_id = repo.owner_id;
  row.pipeline_tag = intern(entry.pipeline_tag);
  row.library_name = intern(entry.library_name);
  row.gated = intern(repo.gated);
  row.sdk = intern(repo.sdk);
  const auto head = from_hex(entry.head);
  row.has_head = head.ok() && head->size() == row.head.size();
  if (row.has_head) std::copy(head->begin(), head->end(), row.head.begin());
  set_name(row, slot, repo);
  set_terms(row, slot, entry);
  const bool restricted = repo.is_private || repo.is_disabled;
  if (restricted) {
    restricted_.add(slot);
    hidden_[slot] = repo;
  } else if (row.is_restricted) {
    restricted_.erase(slot);
    hidden_.erase(slot);
  }
  row.is_restricted = restricted;
  if (!loading_) compact();
}

void Table::erase(int64_t id) {
  const auto slot = slot_of(id);
  if (slot == kNone) return;
  auto& row = rows_[slot];
  for (size_t key = 0; key < kKeys; ++key) orders_[key].erase(slot, order_of(key));
  drop_name(row, slot);
  drop_terms(row, slot);
  if (row.is_restricted) {
    restricted_.erase(slot);
    hidden_.erase(slot);
  }
  row = Row{};
  slots_[static_cast<size_t>(id)] = kNone;
  free_.push_back(slot);
}

void Table::end_load() {
  loading_ = false;
  std::vector<Slot> all;
  for (Slot slot = 0; slot < rows_.size(); ++slot)
    if (rows_[slot].id != 0) all.push_back(slot);
  for (size_t key = 0; key < kKeys; ++key) orders_[key].assign(all, order_of(key));
  for (auto* lists : {&by_term_, &by_trigram_})
    for (auto& list : *lists) list.shrink_to_fit();
  rows_.shrink_to_fit();
  slots_.shrink_to_fit();
  names_.shrink_to_fit();
  terms_.shrink_to_fit();
}

void Table::compact() {
  if (names_garbage_ > (1u << 16) && names_garbage_ > names_.size() / 2) {
    std::string names;
    for (auto& row : rows_) {
      if (row.id == 0) continue;
      const auto at = static_cast<uint32_t>(names.size());
      names.append(names_, row.name_at, 2u * row.name_size);
      row.name_at = at;
    }
    names_ = std::move(names);
    names_garbage_ = 0;
  }
  if (terms_garbage_ > (1u << 16) && terms_garbage_ > terms_.size() / 2) {
    std::vector<Text> terms;
    for (auto& row : rows_) {
      if (row.id == 0) continue;
      const auto from = terms_.begin() + row.terms_at;
      row.terms_at = static_cast<uint32_t>(terms.size());
      terms.insert(terms.end(), from, from + row.tag_count + row.hidden_count);
    }
    terms_ = std::move(terms);
    terms_garbage_ = 0;
  }
}

// ---- questions ----

Table::Plan Table::plan(const RepoQuery& query) const {
  Plan out;
  const auto require = [&](std::string_view term) {
    const auto number = find_text(to_lower_ascii(term));
    if (!number || by_term_[*number].empty()) {
      out.impossible = true;
      return;
    }
    out.sets.push_back(&by_term_[*number]);
  };
  for (const auto& tag : query.tags) require(tag);
  for (const auto& link : query.links) require(cat("\x01", link));
  if (!query.library.empty()) require(query.library);
  if (!query.author.empty())
    require(
        cat("\x01"
            "author:",
            query.author));
  if (!query.pipeline_tag.empty())
    require(
        cat("\x01"
            "pipeline:",
            query.pipeline_tag));
  const auto require_any = [&](const std::vector<std::string>& choices, std::string_view prefix) {
    std::vector<Text> numbers;
    for (const auto& choice : choices)
      if (const auto number = find_text(to_lower_ascii(cat(prefix, choice)))) numbers.push_back(*number);
    if (numbers.empty()) out.impossible = true;
    out.any_of.push_back(std::move(numbers));
  };
  for (const auto& choices : query.any_of) require_any(choices, "");
  for (const auto& choices : query.any_links) require_any(choices, "\x01");
  for (const auto& text : query.search) {
    for (const auto word : split(text, ' ')) {
      if (word.empty()) continue;
      out.words.push_back(to_lower_ascii(word));
      for (const char c : out.words.back()) out.impossible |= symbol(c) < 0;
      if (out.impossible) return out;
      for (const int trigram : trigrams(out.words.back())) {
        if (by_trigram_.empty()) return out.impossible = true, out;
        out.sets.push_back(&by_trigram_[static_cast<size_t>(trigram)]);
      }
    }
  }
  // Equal sizes by address, so that a set asked for twice stands beside itself.
  std::sort(out.sets.begin(), out.sets.end(), [](const auto* a, const auto* b) {
    return a->size() != b->size() ? a->size() < b->size() : std::less<>()(a, b);
  });
  out.sets.erase(std::unique(out.sets.begin(), out.sets.end()), out.sets.end());
  return out;
}

// Is a slot of all the plan's sets a match?
bool Table::matches(Slot slot, const Plan& plan, const RepoQuery& query, const Visible& visible) const {
  const auto& row = rows_[slot];
  if (query.gated && *query.gated == texts_[row.gated].empty()) return false;
  if (query.parameters_min && row.parameters < *query.parameters_min) return false;
  if (query.parameters_max && (row.parameters == 0 || row.parameters > *query.parameters_max)) return false;
  for (const auto& choices : plan.any_of)
    if (std::none_of(choices.begin(), choices.end(), [&](Text term) { return by_term_[term].has(slot); })) return false;
  for (const auto& word : plan.words)
    if (!contains(lower_name(row), word)) return false;
  return !row.is_restricted || (visible && visible(hidden_.at(slot)));
}

Found Table::find(const RepoQuery& query, const std::optional<Cursor>& after, int64_t limit,
                  const Visible& visible) const {
  Found out;
  const auto plan = this->plan(query);
  if (plan.impossible || limit <= 0) return out;
  const auto key = static_cast<size_t>(query.sort);
  const auto wanted = static_cast<size_t>(limit) + 1;  // one more tells whether others follow
  const bool up = query.ascending;
  const auto beyond = [&](Slot slot) {  // past the cursor, in the direction of the list
    if (!after) return true;
    const auto& row = rows_[slot];
    const auto value = row.keys[key];
    if (value != after->key) return (value > after->key) == up;
    return row.id != after->id && (row.id > after->id) == up;
  };

  std::vector<Slot> chosen;
  std::optional<Postings> among;
  if (!plan.sets.empty()) among = Postings::intersection(plan.sets);
  const auto total = static_cast<double>(rows_.size());
  const auto count = among ? static_cast<double>(among->size()) : total;
  if (count == 0) return out;
  if (static_cast<double>(wanted) * total / count < count * kLookCost) {
    if (among) among = std::move(*among).as_bitmap();
    const auto visit = [&](Slot slot) {
      if ((!among || among->has(slot)) && matches(slot, plan, query, visible)) chosen.push_back(slot);
      return chosen.size() < wanted;
    };
    if (up)
      orders_[key].walk_up([&](Slot slot) { return after && !beyond(slot); }, visit);
    else
      orders_[key].walk_down([&](Slot slot) { return !after || beyond(slot); }, visit);
  } else {
    // A heap gives them in the list's order, so that only those before the page's end are looked at closely.
    std::vector<Slot> heap;
    if (among) {
      heap = among->slots();
    } else {
      for (Slot slot = 0; slot < rows_.size(); ++slot)
        if (rows_[slot].id != 0) heap.push_back(slot);
    }
    if (after) std::erase_if(heap, [&](Slot slot) { return !beyond(slot); });
    const auto later = [&, less = order_of(key)](Slot a, Slot b) { return up ? less(b, a) : less(a, b); };
    std::make_heap(heap.begin(), heap.end(), later);
    while (!heap.empty() && chosen.size() < wanted) {
      std::pop_heap(heap.begin(), heap.end(), later);
      if (matches(heap.back(), plan, query, visible)) chosen.push_back(heap.back());
      heap.pop_back();
    }
  }
  if (chosen.size() == wanted) {
    chosen.pop_back();
    const auto& last = rows_[chosen.back()];
    out.next = Cursor{last.keys[key], last.id};
  }
  out.entries.reserve(chosen.size());
  for (const auto slot : chosen) out.entries.push_back(entry(slot));
  return out;
}

CatalogEntry Table::entry(Slot slot) const {
  const auto& row = rows_[slot];
  CatalogEntry out;
  const std::string_view spelt(names_.data() + row.name_at + row.name_size, row.name_size);
  out.repo = row.is_restricted ? hidden_.at(slot) : Repo{};
  out.repo.id = row.id;
  out.repo.kind = kind_;
  out.repo.owner = spelt.substr(0, row.owner_size);
  out.repo.name = spelt.substr(row.owner_size + 1u);
  out.repo.owner_id = row.owner_id;
  out.repo.gated = texts_[row.gated];
  out.repo.sdk = texts_[row.sdk];
  out.repo.trending = row.keys[static_cast<size_t>(SortKey::trending)];
  out.repo.modified_ms = row.keys[static_cast<size_t>(SortKey::last_modified)];
  out.repo.created_ms = row.keys[static_cast<size_t>(SortKey::created_at)];
  out.repo.downloads = row.keys[static_cast<size_t>(SortKey::downloads)];
  out.repo.likes = row.keys[static_cast<size_t>(SortKey::likes)];
  out.repo.downloads_all_time = row.downloads_all_time;
  if (row.has_head)
    out.head = to_hex(std::string_view(reinterpret_cast<const char*>(row.head.data()), row.head.size()));
  out.pipeline_tag = texts_[row.pipeline_tag];
  out.library_name = texts_[row.library_name];
  out.tags.reserve(row.tag_count);
  for (size_t i = 0; i < row.tag_count; ++i) out.tags.push_back(texts_[terms_[row.terms_at + i]]);
  out.parameters = row.parameters;
  out.used_storage_bytes = row.used_storage_bytes;
  return out;
}

int64_t Table::count(const Visible& visible) const {
  auto out = static_cast<int64_t>(rows_.size() - free_.size() - restricted_.size());
  if (visible)
    for (const auto slot : restricted_.slots()) out += visible(hidden_.at(slot)) ? 1 : 0;
  return out;
}

int64_t Table::count_tagged(std::string_view term) const {
  const auto number = find_text(to_lower_ascii(term));
  if (!number) return 0;
  const Postings* both[] = {&by_term_[*number], &restricted_};
  return static_cast<int64_t>(both[0]->size() - Postings::intersection(both).size());
}

std::vector<TagCount> Table::tags() const {
  // A term is shown as it is most often spelt; that is nearly always the only way.
  std::vector<int64_t> counts(texts_.size());
  for (const auto& row : rows_)
    for (size_t i = 0; !row.is_restricted && i < row.tag_count; ++i) ++counts[terms_[row.terms_at + i]];
  std::vector<Text> best(texts_.size(), kNone);
  std::vector<int64_t> sums(texts_.size());
  for (Text text = 0; text < counts.size(); ++text) {
    const auto term = lower_[text];
    sums[term] += counts[text];
    if (counts[text] > 0 && (best[term] == kNone || counts[text] > counts[best[term]])) best[term] = text;
  }
  std::vector<TagCount> out;
  for (Text term = 0; term < best.size(); ++term)
    if (best[term] != kNone) out.push_back({texts_[best[term]], sums[term]});
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.count != b.count ? a.count > b.count : a.tag < b.tag; });
  return out;
}

size_t Table::memory_bytes() const {
  size_t out = rows_.capacity() * sizeof(Row) + slots_.capacity() * sizeof(Slot) + names_.capacity() +
               terms_.capacity() * sizeof(Text) + lower_.capacity() * sizeof(Text) +
               by_term_.capacity() * sizeof(Postings) + by_trigram_.capacity() * sizeof(Postings) +
               hidden_.size() * (sizeof(Repo) + 32) + texts_.size() * (sizeof(std::string) + 48);
  for (const auto& text : texts_) out += text.capacity() > 15 ? text.capacity() + 1 : 0;
  for (const auto* lists : {&by_term_, &by_trigram_})
    for (const auto& list : *lists) out += list.memory_bytes();
  for (const auto& order : orders_) out += order.memory_bytes();
  return out;
}

}  // namespace hearth::hub::catalog
