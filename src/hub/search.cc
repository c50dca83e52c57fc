// Lists and searches over the index: one SQL statement a page.
#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "hub/index.h"
#include "hub/index_rows.h"
#include "hub/rows.h"

namespace hearth::hub {
namespace {

constexpr int64_t kPageMax = 1000;
constexpr size_t kWordsMax = 20, kTagsMax = 50;

struct Sort {
  SortKey key;
  std::string_view name, expression;
};
constexpr Sort kSorts[] = {
    {SortKey::trending, "trendingScore", "(repos.downloads + 10 * repos.likes)"},
    {SortKey::last_modified, "lastModified", "repos.modified_ms"},
    {SortKey::created_at, "createdAt", "repos.created_ms"},
    {SortKey::downloads, "downloads", "repos.downloads"},
    {SortKey::likes, "likes", "repos.likes"},
};

std::string_view expression_of(SortKey key) {
  for (const auto& sort : kSorts)
    if (sort.key == key) return sort.expression;
  return kSorts[0].expression;
}

// Conditions joined by AND, each with the parameters it uses.
class Where {
 public:
  template <class V>
  std::string add_parameter(V&& value) {
    parameters_.emplace_back(std::forward<V>(value));
    return cat("$", parameters_.size());
  }
  void add(std::string condition) { conditions_.push_back(std::move(condition)); }
  std::string text() const { return join(conditions_, " AND "); }
  std::span<const store::Value> parameters() const { return parameters_; }

 private:
  std::vector<std::string> conditions_;
  std::vector<store::Value> parameters_;
};

// Every word is somewhere in `owner/name`, in any letter case.
void add_search(Where& where, const std::vector<std::string>& texts) {
  size_t words = 0;
  for (const auto& text : texts) {
    for (const auto word : split(text, ' ')) {
      if (word.empty() || ++words > kWordsMax) continue;
      const auto lower = to_lower_ascii(word);  // names are ASCII
      const auto quoted = replace_all(replace_all(replace_all(lower, "\\", "\\\\"), "%", "\\%"), "_", "\\_");
      where.add(cat("lower(owners.name || '/' || repos.name) LIKE ", where.add_parameter(cat("%", quoted, "%")),
                    " ESCAPE '\\'"));
    }
  }
}

// A cursor is the last row's sort value and number.
std::string format_cursor(int64_t value, int64_t id) {
  return to_base64(cat(value, ":", id));
}

Status add_cursor(Where& where, const RepoQuery& query) {
  const auto text = from_base64(query.cursor).value_or("");
  const auto colon = text.find(':');
  const auto value = parse_int(std::string_view(text).substr(0, colon));
  const auto id = colon == std::string::npos ? std::nullopt : parse_int(std::string_view(text).substr(colon + 1));
  if (!value || !id) return Status(Code::bad_input, "the cursor is not one of this listing");
  where.add(cat("(", expression_of(query.sort), ", repos.id) ", query.ascending ? ">" : "<", " (",
                where.add_parameter(*value), ", ", where.add_parameter(*id), ")"));
  return {};
}

// Those of a kind that the caller may know of: the rule of check_access, for lists.
void add_visible(Where& where, const Caller& caller, RepoKind kind) {
  where.add(cat("repos.kind = ", where.add_parameter(kind_name(kind))));
  where.add(visible_condition(caller));
}

}  // namespace

Result<SortKey> parse_sort(std::string_view text) {
  for (const auto& sort : kSorts)
    if (text == sort.name) return sort.key;
  return Status(Code::bad_input, cat("sort '", text.substr(0, 100),
                                     "' is not known (trendingScore, lastModified, createdAt, downloads, likes)"));
}

Result<RepoPage> list_repos(const Hub& hub, const Caller& caller, const RepoQuery& query) {
  for (const auto& text : query.search)
    if (!is_utf8(text) || text.size() > 1000) return Status(Code::bad_input, "the search is not UTF-8 or too long");
  if (query.tags.size() > kTagsMax) return Status(Code::bad_input, cat("at most ", kTagsMax, " filters"));
  Where where;
  add_visible(where, caller, query.kind);
  if (!query.author.empty()) where.add(cat("owners.name = ", where.add_parameter(query.author)));
  if (!query.pipeline_tag.empty())
    where.add(cat("repo_index.pipeline_tag = ", where.add_parameter(query.pipeline_tag)));
  if (query.gated) where.add(*query.gated ? "repos.gated <> ''" : "repos.gated = ''");
  auto tags = query.tags;
  if (!query.library.empty()) tags.push_back(query.library);
  for (const auto& tag : tags)
    where.add(cat("repos.id IN (SELECT repo_id FROM repo_tags WHERE tag = ", where.add_parameter(tag), ")"));
  add_search(where, query.search);
  if (!query.cursor.empty()) TRY(add_cursor(where, query));

  const auto limit = std::clamp<int64_t>(query.limit, 1, kPageMax);
  const auto key = expression_of(query.sort);
  const std::string_view direction = query.ascending ? " ASC" : " DESC";
  const auto rows =
      TRY(hub.db().query(cat("SELECT ", kRepoColumns, ", ", kIndexColumns, ", ", key, " FROM ", kReposWithOwners,
                             " JOIN repo_index ON repo_index.repo_id = repos.id WHERE ", where.text(), " ORDER BY ",
                             key, direction, ", repos.id", direction, " LIMIT ", limit + 1),
                         where.parameters()));
  RepoPage out;
  for (size_t i = 0; i < rows.size() && i < static_cast<size_t>(limit); ++i)
    out.items.push_back({repo_of(rows[i]), index_of(std::span(rows[i]).subspan(kRepoColumnCount))});
  if (rows.size() > static_cast<size_t>(limit))
    out.next = format_cursor(rows[static_cast<size_t>(limit) - 1].back().integer(), out.items.back().repo.id);
  return out;
}

Result<int64_t> count_repos(const Hub& hub, const Caller& caller, RepoKind kind) {
  Where where;
  add_visible(where, caller, kind);
  const auto rows = TRY(hub.db().query(cat("SELECT count(*) FROM repos WHERE ", where.text()), where.parameters()));
  return rows[0][0].integer();
}

Result<std::vector<TagCount>> list_tags(const Hub& hub, RepoKind kind) {
  std::vector<TagCount> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT tag, count(*) FROM repo_tags JOIN repos ON repos.id = repo_tags.repo_id WHERE repos.kind = $1 AND "
           "repos.private = 0 GROUP BY tag ORDER BY count(*) DESC, tag LIMIT 10000",
           {store::Value(kind_name(kind))})))
    out.push_back({row[0].text(), row[1].integer()});
  return out;
}

}  // namespace hearth::hub
