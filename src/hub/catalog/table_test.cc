#include "hub/catalog/table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/clock.h"
#include "base/text.h"

namespace hearth::hub::catalog {
namespace {

// The naive catalog: every repository is looked at.
class Naive {
 public:
  void put(CatalogEntry entry) { entries_[entry.repo.id] = std::move(entry); }
  void erase(int64_t id) { entries_.erase(id); }
  static int64_t key(const CatalogEntry& e, SortKey sort) {
    switch (sort) {
      case SortKey::trending:
        return e.repo.trending;
      case SortKey::last_modified:
        return e.repo.modified_ms;
      case SortKey::created_at:
        return e.repo.created_ms;
      case SortKey::downloads:
        return e.repo.downloads;
      default:
        return e.repo.likes;
    }
  }
  static bool has(const CatalogEntry& e, const std::string& tag) {
    return std::any_of(e.tags.begin(), e.tags.end(), [&](const auto& own) { return equals_ignore_case(own, tag); });
  }
  std::vector<int64_t> find(const RepoQuery& q, const Visible& visible) const {
    std::vector<const CatalogEntry*> out;
    for (const auto& [id, e] : entries_) {
      bool good = !e.repo.is_private || (visible && visible(e.repo));
      for (const auto& text : q.search)
        for (const auto word : split(text, ' '))
          good &= contains(to_lower_ascii(e.repo.full_name()), to_lower_ascii(word));
      good &= q.author.empty() || equals_ignore_case(q.author, e.repo.owner);
      for (const auto& tag : q.tags) good &= has(e, tag);
      for (const auto& group : q.any_of)
        good &= std::any_of(group.begin(), group.end(), [&](const auto& tag) { return has(e, tag); });
      for (const auto& link : q.links) good &= std::find(e.links.begin(), e.links.end(), link) != e.links.end();
      good &= q.pipeline_tag.empty() || q.pipeline_tag == e.pipeline_tag;
      good &= !q.gated || *q.gated == !e.repo.gated.empty();
      good &= !q.parameters_min || e.parameters >= *q.parameters_min;
      good &= !q.parameters_max || (e.parameters > 0 && e.parameters <= *q.parameters_max);
      if (good) out.push_back(&e);
    }
    std::sort(out.begin(), out.end(), [&](const auto* a, const auto* b) {
      const auto x = std::pair(key(*a, q.sort), a->repo.id), y = std::pair(key(*b, q.sort), b->repo.id);
      return q.ascending ? x < y : y < x;
    });
    std::vector<int64_t> ids;
    for (const auto* e : out) ids.push_back(e->repo.id);
    return ids;
  }

 private:
  std::map<int64_t, CatalogEntry> entries_;
};

struct Random {
  std::mt19937_64 engine{20260101};
  int64_t below(int64_t n) { return static_cast<int64_t>(engine() % static_cast<uint64_t>(n)); }
  bool once_in(int64_t n) { return below(n) == 0; }

  CatalogEntry entry(int64_t id) {
    constexpr std::string_view words[] = {"bert", "llama", "Tiny", "chat", "base", "large", "x", "uncased", "v2", "q4"};
    constexpr std::string_view tasks[] = {"", "text-generation", "fill-mask", "translation"};
    CatalogEntry out;
    out.repo.id = id;
    out.repo.owner = cat("Owner", below(20));
    out.repo.owner_id = 100 + below(20);
    out.repo.name = cat(words[below(10)], "-", words[below(10)], "_", id);
    out.repo.is_private = once_in(7);
    out.repo.gated = once_in(5) ? "auto" : "";
    out.repo.created_ms = 1000 + below(500);
    out.repo.modified_ms = 2000 + below(500);
    out.repo.downloads = below(4) * below(300);
    out.repo.likes = below(10);
    out.repo.trending = below(50);
    out.repo.downloads_all_time = below(10000);
    out.head = std::string(40, "0123456789abcdef"[below(16)]);
    out.pipeline_tag = tasks[below(4)];
    for (int64_t i = below(6); i > 0; --i) out.tags.push_back(cat(once_in(3) ? "Tag" : "tag", below(12)));
    if (once_in(2)) out.tags.emplace_back("common");
    std::sort(out.tags.begin(), out.tags.end());
    out.tags.erase(std::unique(out.tags.begin(), out.tags.end()), out.tags.end());
    if (once_in(4)) out.links.push_back(cat("models:a/m", below(5)));
    out.parameters = once_in(2) ? 0 : below(1000);
    return out;
  }
  RepoQuery query() {
    RepoQuery out;
    constexpr std::string_view searches[] = {"bert", "LLAMA",     "ow",      "owner1/", "er2/t",
                                             "x",    "tiny chat", "nothing", "é",       "q4_1"};
    if (once_in(2)) out.search.emplace_back(searches[below(10)]);
    if (once_in(8)) out.search.emplace_back(searches[below(10)]);
    if (once_in(5)) out.author = cat("OWNER", below(22));
    for (int64_t i = below(3); i > 0; --i) out.tags.push_back(cat("TAG", below(13)));
    if (once_in(2)) out.tags.emplace_back("common");
    if (once_in(6)) out.any_of.push_back({"tag1", "tag2", "absent"});
    if (once_in(6)) out.links.push_back(cat("models:a/m", below(6)));
    if (once_in(4)) out.pipeline_tag = "fill-mask";
    if (once_in(5)) out.gated = once_in(2);
    if (once_in(5)) out.parameters_min = below(500);
    if (once_in(5)) out.parameters_max = 500 + below(500);
    out.sort = static_cast<SortKey>(below(5));
    out.ascending = once_in(3);
    return out;
  }
};

// All pages of a query, `limit` at a time.
std::vector<int64_t> all_pages(const Table& table, const RepoQuery& query, int64_t limit, const Visible& visible) {
  std::vector<int64_t> out;
  std::optional<Cursor> after;
  do {
    const auto page = table.find(query, after, limit, visible);
    for (const auto& entry : page.entries) out.push_back(entry.repo.id);
    after = page.next;
    if (after) REQUIRE(page.entries.size() == static_cast<size_t>(limit));
  } while (after && out.size() < 10'000);
  return out;
}

}  // namespace

TEST_CASE("catalog: every query finds what looking at each repository finds, through changes and deletions") {
  Random random;
  Table table(RepoKind::model);
  Naive naive;
  table.begin_load();
  for (int64_t id = 1; id <= 1500; ++id) {
    auto entry = random.entry(id);
    table.put(entry);
    naive.put(std::move(entry));
  }
  table.end_load();
  const Visible some = [](const Repo& repo) { return repo.owner_id % 3 == 0; };
  const Visible all = [](const Repo&) { return true; };
  size_t matched = 0;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 150; ++i) {
      const auto query = random.query();
      const Visible* who[] = {nullptr, &some, &all};
      const auto* visible = who[random.below(3)];
      const auto expected = naive.find(query, visible ? *visible : Visible());
      CHECK(all_pages(table, query, 1 + random.below(60), visible ? *visible : Visible()) == expected);
      matched += expected.size();
    }
    for (int i = 0; i < 200; ++i) {
      const auto id = 1 + random.below(1800);
      if (random.once_in(3)) {
        table.erase(id);
        naive.erase(id);
      } else {
        auto entry = random.entry(id);
        table.put(entry);
        naive.put(std::move(entry));
      }
    }
  }
  CHECK(matched > 5000);  // the queries are no strangers to the data
}

TEST_CASE("catalog: what was put in comes out, private rows as they are") {
  Table table(RepoKind::dataset);
  Random random;
  auto entry = random.entry(7);
  entry.repo.kind = RepoKind::dataset;
  entry.repo.is_private = true;
  entry.tags = {"Mixed-Case", "zeta", "alpha"};
  table.put(entry);
  CHECK(table.find({}, {}, 10, {}).entries.empty());
  const auto found = table.find({}, {}, 10, [](const Repo& repo) { return repo.id == 7; });
  REQUIRE(found.entries.size() == 1);
  const auto& out = found.entries[0];
  CHECK(out.repo.full_name() == entry.repo.full_name());
  CHECK(out.repo.kind == RepoKind::dataset);
  CHECK(out.tags == entry.tags);
  CHECK(out.head == entry.head);
  CHECK(out.repo.downloads_all_time == entry.repo.downloads_all_time);
  CHECK(table.tags().empty());  // of a private repository nobody is told
  CHECK(table.count_tagged("zeta") == 0);
  entry.repo.is_private = false;
  table.put(entry);
  CHECK(table.count_tagged("ZETA") == 1);
  CHECK(table.tags().size() == 3);
}

TEST_CASE("catalog: a page goes on where the last ended, whatever was added before it") {
  Table table(RepoKind::model);
  Random random;
  for (int64_t id = 1; id <= 100; ++id) table.put(random.entry(id));
  const Visible all = [](const Repo&) { return true; };
  const RepoQuery newest{.sort = SortKey::created_at};
  const auto first = table.find(newest, {}, 10, all);
  REQUIRE(first.next);
  const auto before = table.find(newest, first.next, 10, all);
  for (int64_t id = 101; id <= 150; ++id) {
    auto entry = random.entry(id);
    entry.repo.created_ms = 9000 + id;
    table.put(entry);
  }
  const auto after = table.find(newest, first.next, 10, all);
  REQUIRE(after.entries.size() == 10);
  for (size_t i = 0; i < 10; ++i) CHECK(after.entries[i].repo.id == before.entries[i].repo.id);
}

TEST_CASE("catalog: a repository takes at most 600 bytes of memory") {
  Table table(RepoKind::model);
  Random random;
  constexpr int64_t kCount = 20'000;
  table.begin_load();
  for (int64_t id = 1; id <= kCount; ++id) {
    auto entry = random.entry(id);
    entry.repo.is_private = false;
    entry.tags.clear();
    for (int i = 0; i < 10; ++i) entry.tags.push_back(cat("tag", random.below(2000)));
    table.put(entry);
  }
  table.end_load();
  const auto each = table.memory_bytes() / kCount;
  INFO(each, " bytes");
  CHECK(each < 600);
}

}  // namespace hearth::hub::catalog
