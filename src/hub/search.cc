// Lists and searches: the catalog finds the page, the database adds what is not in memory.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "hub/catalog.h"
#include "hub/index.h"
#include "hub/index_rows.h"

namespace hearth::hub {
namespace {

constexpr size_t kRowsAtOnce = 100;  // PostgreSQL and SQLite take far more parameters; a page is read in some steps

constexpr std::pair<SortKey, std::string_view> kSorts[] = {
    {SortKey::trending, "trendingScore"},
    {SortKey::last_modified, "lastModified"},
    {SortKey::created_at, "createdAt"},
    {SortKey::downloads, "downloads"},
    {SortKey::likes, "likes"},
    {SortKey::trending, "trending"},  // the site's spelling
    {SortKey::last_modified, "modified"},
    {SortKey::created_at, "created"},
    {SortKey::last_modified, "last_modified"},
    {SortKey::created_at, "created_at"},
    {SortKey::trending, "trending_score"},
};

// Replaces what the catalog knows by the whole rows.
Status add_details(const Hub& hub, std::vector<RepoItem>& items) {
  std::map<int64_t, RepoIndex> found;
  for (size_t at = 0; at < items.size(); at += kRowsAtOnce) {
    std::string places;
    std::vector<store::Value> ids;
    for (size_t i = at; i < std::min(at + kRowsAtOnce, items.size()); ++i) {
      ids.emplace_back(items[i].repo.id);
      places += cat(places.empty() ? "$" : ", $", ids.size());
    }
    for (const auto& row : TRY(hub.db().query(
             cat("SELECT ", kIndexColumns, ", repo_id FROM repo_index WHERE repo_id IN (", places, ")"), ids)))
      found[row.back().integer()] = index_of(row);
  }
  // A repository may have been deleted since the catalog was asked.
  std::erase_if(items, [&](const auto& item) { return found.count(item.repo.id) == 0; });
  for (auto& item : items) item.index = std::move(found[item.repo.id]);
  return {};
}

}  // namespace

Result<SortKey> parse_sort(std::string_view text) {
  for (const auto& [key, name] : kSorts)
    if (text == name) return key;
  return Status(Code::bad_input, cat("sort '", text.substr(0, 100),
                                     "' is not known (trendingScore, lastModified, createdAt, downloads, likes)"));
}

Result<RepoPage> list_repos(const Hub& hub, const Caller& caller, const RepoQuery& query) {
  auto page = TRY(hub.catalog().find(caller, query));
  RepoPage out;
  out.next = std::move(page.next);
  out.items.reserve(page.entries.size());
  for (auto& entry : page.entries) {
    RepoIndex index;
    index.head = std::move(entry.head);
    index.pipeline_tag = std::move(entry.pipeline_tag);
    index.library_name = std::move(entry.library_name);
    index.tags = std::move(entry.tags);
    index.links = std::move(entry.links);
    index.parameters = entry.parameters;
    index.used_storage_bytes = entry.used_storage_bytes;
    out.items.push_back({std::move(entry.repo), std::move(index)});
  }
  if (query.details) TRY(add_details(hub, out.items));
  return out;
}

Result<int64_t> count_repos(const Hub& hub, const Caller& caller, RepoKind kind) {
  return hub.catalog().count(caller, kind);
}

Result<std::vector<TagCount>> list_tags(const Hub& hub, RepoKind kind) {
  return hub.catalog().tags(kind);
}

}  // namespace hearth::hub
