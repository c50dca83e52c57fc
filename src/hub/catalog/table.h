// The repositories of one kind in memory: columns, and the lists that answer a query without reading them all.
//
// 1. A repository has a slot, a number that stays its own while it is here; a slot that came free is used again.
// 2. Every condition is a term: a tag, or a hidden one ("\x01author:alice"). A posting set (postings.h) holds the slots
//    with a term, or with a trigram in their name. What is in all the sets of a query is found without a look at any
//    row.
// 3. Each sort key has an order of all slots. A query with many matches walks along it until its page is full; of few
//    matches the first are chosen by their keys.
// 4. No SQL and no locks here: catalog.cc has both.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/catalog.h"
#include "hub/catalog/ordered.h"
#include "hub/catalog/postings.h"

namespace hearth::hub::catalog {

/// May the caller know of this private or disabled repository?
using Visible = std::function<bool(const Repo&)>;

/// Where the page before ended.
struct Cursor {
  int64_t key = 0, id = 0;
};

struct Found {
  std::vector<CatalogEntry> entries;
  std::optional<Cursor> next;  ///< when others follow
};

class Table {
 public:
  explicit Table(RepoKind kind);

  /// Adds the repository, or replaces what is known of it.
  void put(const CatalogEntry& entry);
  void erase(int64_t id);
  bool has(int64_t id) const { return slot_of(id) != kNone; }
  /// Between these two only `put` is called, and is faster.
  void begin_load() { loading_ = true; }
  void end_load();

  /// `visible` is asked for private and disabled repositories alone; empty: the caller sees none. Words and terms in
  /// lower case.
  Found find(const RepoQuery& query, const std::optional<Cursor>& after, int64_t limit, const Visible& visible) const;
  int64_t count(const Visible& visible) const;
  int64_t count_tagged(std::string_view term) const;
  std::vector<TagCount> tags() const;
  size_t memory_bytes() const;

 private:
  using Slot = uint32_t;
  using Text = uint32_t;  // the number of an interned string
  static constexpr size_t kKeys = 5;
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  struct Row {
    int64_t id = 0;                     // 0: the slot is free
    std::array<int64_t, kKeys> keys{};  // by SortKey
    int64_t downloads_all_time = 0, parameters = 0, used_storage_bytes = 0, owner_id = 0;
    uint32_t name_at = 0;  // in names_: "owner/name" in lower case, then as spelt
    uint8_t name_size = 0, owner_size = 0;
    bool is_restricted = false, has_head = false;
    uint32_t terms_at = 0;  // in terms_: tags as spelt, then hidden ones
    uint16_t tag_count = 0, hidden_count = 0;
    Text pipeline_tag = 0, library_name = 0, gated = 0, sdk = 0;
    std::array<uint8_t, 20> head{};
  };

  // The conditions of a query, resolved.
  struct Plan {
    bool impossible = false;                // a condition that nothing here meets
    std::vector<const Postings*> sets;      // smallest first: every match is in each
    std::vector<std::vector<Text>> any_of;  // and has one term of each
    std::vector<std::string> words;         // and has each in its name
  };

  Text intern(std::string_view text);
  std::optional<Text> find_text(std::string_view text) const;
  Slot slot_of(int64_t id) const {
    return id > 0 && static_cast<size_t>(id) < slots_.size() ? slots_[static_cast<size_t>(id)] : kNone;
  }
  std::string_view lower_name(const Row& row) const { return {names_.data() + row.name_at, row.name_size}; }
  auto order_of(size_t key) const {
    return [this, key](Slot a, Slot b) {
      const auto &x = rows_[a], &y = rows_[b];
      return x.keys[key] != y.keys[key] ? x.keys[key] < y.keys[key] : x.id < y.id;
    };
  }
  void set_name(Row& row, Slot slot, const Repo& repo);
  void drop_name(const Row& row, Slot slot);
  void set_terms(Row& row, Slot slot, const CatalogEntry& entry);
  void drop_terms(const Row& row, Slot slot);
  void compact();

  Plan plan(const RepoQuery& query) const;
  bool matches(Slot slot, const Plan& plan, const RepoQuery& query, const Visible& visible) const;
  CatalogEntry entry(Slot slot) const;

  RepoKind kind_;
  std::vector<Row> rows_;
  std::vector<Slot> free_;
  std::vector<Slot> slots_;  // by repository number
  std::string names_;
  std::vector<Text> terms_;
  size_t names_garbage_ = 0, terms_garbage_ = 0;  // what no row uses any more
  std::deque<std::string> texts_;
  std::vector<Text> lower_;  // of a text: the number of its lower-case form, which is the term
  std::unordered_map<std::string_view, Text> numbers_;
  std::vector<Postings> by_term_;  // by the term's number
  std::vector<Postings> by_trigram_;
  Postings restricted_;                    // private or disabled
  std::unordered_map<Slot, Repo> hidden_;  // the whole rows of the restricted, for check_access
  std::array<Ordered, kKeys> orders_;
  bool loading_ = false;
};

}  // namespace hearth::hub::catalog
