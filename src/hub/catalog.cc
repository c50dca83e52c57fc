#include "hub/catalog.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "hub/catalog/table.h"
#include "hub/rows.h"

namespace hearth::hub {
namespace {

constexpr int64_t kLoadPage = 2000, kNotesPage = 1000;
constexpr int64_t kPageMax = 1000;
// Notes are kept for a day (forget_changes); a reader that has not looked for half of one reads everything again.
constexpr int64_t kNotesGoodMs = 12 * 3600 * 1000, kNotesKeptMs = 24 * 3600 * 1000;
constexpr size_t kWordsMax = 20, kTagsMax = 50;

std::string entry_query(std::string_view condition) {
  return cat("SELECT ", kRepoColumns,
             ", repo_index.head, repo_index.pipeline_tag, repo_index.library_name, repo_index.tags, repo_index.links, "
             "repo_index.parameters, repo_index.used_storage FROM ",
             kReposWithOwners, " JOIN repo_index ON repo_index.repo_id = repos.id WHERE ", condition);
}

// A JSON list of strings; without escapes, as nearly all are, no parser is needed.
std::vector<std::string> read_strings(std::string_view json) {
  std::vector<std::string> out;
  if (contains(json, "\\")) {
    const auto parsed = Json::parse(json).value_or(Json());
    for (const auto& item : parsed.array()) out.emplace_back(item.as_string());
    return out;
  }
  for (size_t at = json.find('"'); at != std::string_view::npos; at = json.find('"', at)) {
    const auto end = json.find('"', at + 1);
    if (end == std::string_view::npos) break;
    out.emplace_back(json.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return out;
}

CatalogEntry entry_of(const store::Row& row) {
  size_t at = kRepoColumnCount;
  CatalogEntry out;
  out.repo = repo_of(row);
  out.head = row[at++].text();
  out.pipeline_tag = row[at++].text();
  out.library_name = row[at++].text();
  out.tags = read_strings(row[at++].text());
  out.links = read_strings(row[at++].text());
  out.parameters = row[at++].integer();
  out.used_storage_bytes = row[at].integer();
  return out;
}

// A cursor is the last item's sort value and number, so that what is added before it shifts no page.
std::string format_cursor(const catalog::Cursor& cursor) {
  return to_base64(cat(cursor.key, ":", cursor.id));
}

Result<std::optional<catalog::Cursor>> parse_cursor(std::string_view cursor) {
  if (cursor.empty()) return std::optional<catalog::Cursor>();
  const auto text = from_base64(cursor).value_or("");
  const auto colon = text.find(':');
  const auto key = parse_int(std::string_view(text).substr(0, colon));
  const auto id = colon == std::string::npos ? std::nullopt : parse_int(std::string_view(text).substr(colon + 1));
  if (!key || !id) return Status(Code::bad_input, "the cursor is not one of this listing");
  return std::optional(catalog::Cursor{*key, *id});
}

Status check_query(const RepoQuery& query) {
  size_t words = 0;
  for (const auto& text : query.search) {
    if (!is_utf8(text) || text.size() > 1000) return Status(Code::bad_input, "the search is not UTF-8 or too long");
    words += split(text, ' ').size();
  }
  if (words > kWordsMax) return Status(Code::bad_input, cat("at most ", kWordsMax, " words to search for"));
  if (query.tags.size() + query.links.size() + query.any_of.size() > kTagsMax)
    return Status(Code::bad_input, cat("at most ", kTagsMax, " filters"));
  return {};
}

catalog::Visible visible_to(const Caller& caller) {
  if (caller.anonymous()) return {};  // check_access hides every private and disabled repository from them
  return [&caller](const Repo& repo) { return check_access(caller, repo, Right::metadata).ok(); };
}

}  // namespace

struct Catalog::State {
  using Tables = std::vector<std::unique_ptr<catalog::Table>>;
  explicit State(store::Db& database) : db(database) {}

  store::Db& db;
  std::mutex syncing;  // who changes the tables; taken before `mutex`
  std::shared_mutex mutex;
  Tables tables;  // behind `mutex`
  // Written by who holds `syncing`.
  std::atomic<int64_t> last_note = -1;  // -1: nothing was read yet
  std::atomic<int64_t> looked_ms = 0;

  static catalog::Table& table(Tables& tables, RepoKind kind, bool loading) {
    const auto at = static_cast<size_t>(kind);
    while (tables.size() <= at) {
      tables.push_back(std::make_unique<catalog::Table>(static_cast<RepoKind>(tables.size())));
      if (loading) tables.back()->begin_load();
    }
    return *tables[at];
  }

  Status load() {
    const auto row = TRY(db.query_one("SELECT coalesce(max(id), 0) FROM repo_changes"));
    Tables fresh;
    for (int64_t after = 0;;) {
      const auto rows =
          TRY(db.query(entry_query(cat("repos.id > $1 ORDER BY repos.id LIMIT ", kLoadPage)), {store::Value(after)}));
      for (const auto& one : rows) {
        const auto entry = entry_of(one);
        table(fresh, entry.repo.kind, /*loading=*/true).put(entry);
        after = entry.repo.id;
      }
      if (static_cast<int64_t>(rows.size()) < kLoadPage) break;
    }
    for (auto& one : fresh) one->end_load();
    std::unique_lock lock(mutex);
    std::swap(tables, fresh);
    last_note = (*row)[0].integer();  // what changed while the rows were read is noted after it
    return {};
  }

  Status apply(int64_t repo_id) {
    const auto row = TRY(db.query_one(entry_query("repos.id = $1"), {repo_id}));
    std::unique_lock lock(mutex);
    if (row) {
      const auto entry = entry_of(*row);
      table(tables, entry.repo.kind, /*loading=*/false).put(entry);
    } else {
      for (auto& one : tables) one->erase(repo_id);
    }
    return {};
  }

  Result<std::vector<store::Row>> notes_after(int64_t note) {
    return db.query(cat("SELECT id, repo_id FROM repo_changes WHERE id > $1 ORDER BY id LIMIT ", kNotesPage),
                    {store::Value(note)});
  }

  // What a private row says of who may know of it is read again: a change that somebody forgot to note shows nothing.
  Status check_private(const Caller& caller, std::vector<CatalogEntry>& entries) {
    for (auto& entry : entries) {
      if (!entry.repo.is_private && !entry.repo.is_disabled) continue;
      const auto row = TRY(db.query_one(
          cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners, " WHERE repos.id = $1"), {entry.repo.id}));
      if (!row || !check_access(caller, repo_of(*row), Right::metadata).ok()) entry.repo.id = 0;
    }
    std::erase_if(entries, [](const auto& entry) { return entry.repo.id == 0; });
    return {};
  }

  // Brings the tables up to what is committed at this moment.
  Status sync() {
    const auto now = monotonic_ms();
    const auto good = [&] { return last_note >= 0 && now - looked_ms < kNotesGoodMs; };
    if (good() && TRY(notes_after(last_note)).empty()) {
      looked_ms = now;
      return {};
    }
    std::lock_guard one(syncing);
    if (!good()) TRY(load());
    looked_ms = now;
    for (;;) {
      const auto notes = TRY(notes_after(last_note));
      std::set<int64_t> repos;
      for (const auto& row : notes) repos.insert(row[1].integer());
      for (const auto repo_id : repos) TRY(apply(repo_id));
      if (!notes.empty()) last_note = notes.back()[0].integer();
      if (static_cast<int64_t>(notes.size()) < kNotesPage) return {};
    }
  }
};

Catalog::Catalog(store::Db& db) : state_(std::make_unique<State>(db)) {}
Catalog::~Catalog() = default;

Status Catalog::load() {
  return state_->sync();
}

Result<CatalogPage> Catalog::find(const Caller& caller, const RepoQuery& query) {
  TRY(check_query(query));
  const auto after = TRY(parse_cursor(query.cursor));
  TRY(state_->sync());
  CatalogPage out;
  catalog::Found found;
  {
    std::shared_lock lock(state_->mutex);
    const auto kind = static_cast<size_t>(query.kind);
    if (kind >= state_->tables.size()) return out;
    const auto limit = std::clamp<int64_t>(query.limit, 0, kPageMax);
    found = state_->tables[kind]->find(query, after, limit, visible_to(caller));
  }
  TRY(state_->check_private(caller, found.entries));
  out.entries = std::move(found.entries);
  if (found.next) out.next = format_cursor(*found.next);
  return out;
}

Result<int64_t> Catalog::count(const Caller& caller, RepoKind kind) {
  TRY(state_->sync());
  std::shared_lock lock(state_->mutex);
  const auto at = static_cast<size_t>(kind);
  return at < state_->tables.size() ? state_->tables[at]->count(visible_to(caller)) : 0;
}

Result<int64_t> Catalog::count_tagged(RepoKind kind, std::string_view tag) {
  TRY(state_->sync());
  std::shared_lock lock(state_->mutex);
  const auto at = static_cast<size_t>(kind);
  return at < state_->tables.size() ? state_->tables[at]->count_tagged(tag) : 0;
}

Result<std::vector<TagCount>> Catalog::tags(RepoKind kind) {
  TRY(state_->sync());
  std::shared_lock lock(state_->mutex);
  const auto at = static_cast<size_t>(kind);
  return at < state_->tables.size() ? state_->tables[at]->tags() : std::vector<TagCount>();
}

size_t Catalog::memory_bytes() const {
  std::shared_lock lock(state_->mutex);
  size_t out = 0;
  for (const auto& table : state_->tables) out += table->memory_bytes();
  return out;
}

Status note_change(store::Transaction& transaction, int64_t repo_id) {
  TRY(transaction.execute("INSERT INTO repo_changes (repo_id, at_ms) VALUES ($1, $2)", {repo_id, now_ms()}));
  return {};
}

Status forget_changes(store::Db& db) {
  TRY(db.execute("DELETE FROM repo_changes WHERE at_ms < $1", {now_ms() - kNotesKeptMs}));
  return {};
}

}  // namespace hearth::hub
