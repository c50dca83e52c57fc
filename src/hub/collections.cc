#include "hub/collections.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/object_id.h"
#include "hub/parameters.h"

namespace hearth::hub {
namespace {

constexpr size_t kTitleMax = 120, kDescriptionMax = 600, kNoteMax = 500, kItemsMax = 1000;
constexpr std::string_view kThemes[] = {"orange", "blue", "green", "purple", "pink", "indigo"};

constexpr std::string_view kColumns =
    "c.id, c.object_id, o.id, o.kind, o.name, o.fullname, c.title, c.description, c.private, c.theme, c.position, "
    "c.upvotes, c.updated_ms, coalesce(c.resource_group_id, 0)";
constexpr std::string_view kWithOwners = "collections c JOIN owners o ON o.id = c.owner_id";

constexpr std::pair<ItemType, std::string_view> kTypes[] = {
    {ItemType::model, "model"},   {ItemType::dataset, "dataset"}, {ItemType::space, "space"},
    {ItemType::bucket, "bucket"}, {ItemType::paper, "paper"},     {ItemType::collection, "collection"}};

Collection collection_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .object_id = row[1].text(),
          .owner = {.id = row[2].integer(),
                    .kind = row[3].text() == "org" ? OwnerKind::org : OwnerKind::user,
                    .name = row[4].text(),
                    .fullname = row[5].text()},
          .title = row[6].text(),
          .description = row[7].text(),
          .is_private = row[8].boolean(),
          .theme = row[9].text(),
          .position = row[10].integer(),
          .upvotes = row[11].integer(),
          .updated_ms = row[12].integer(),
          .resource_group_id = row[13].integer()};
}

// Is it the caller's own, or of an organisation in which they have this role? In a resource group the role there
// counts.
bool belongs(const Caller& caller, int64_t owner_id, int64_t group_id, OrgRole role) {
  if (!caller.user) return false;
  if (caller.user->id == owner_id || caller.user->is_admin) return true;
  const auto in_org = caller.role_in(owner_id);
  if (group_id == 0 || in_org == OrgRole::admin) return in_org >= role;
  for (const auto& group : caller.groups)
    if (group.group_id == group_id) return group.role >= role;
  return false;
}
bool belongs(const Caller& caller, const Collection& collection, OrgRole role) {
  return belongs(caller, collection.owner.id, collection.resource_group_id, role);
}

Subject subject_of(const Collection& collection) {
  return {.owner_id = collection.owner.id,
          .type = "collection",
          .id = collection.id,
          .group_id = collection.resource_group_id};
}

bool may_see(const Caller& caller, const Collection& collection) {
  return !collection.is_private || (belongs(caller, collection, OrgRole::read) &&
                                    check_token(caller, "collection.read", subject_of(collection)).ok());
}

// may_see as a condition on `collections c`: numbers alone, no text from outside.
std::string visible(const Caller& caller) {
  if (!caller.user) return "c.private = 0";
  if (caller.user->is_admin && !caller.scopes) return "1 = 1";
  const auto read = [&](const Subject& subject) { return check_token(caller, "collection.read", subject).ok(); };
  std::string mine;
  if (read({.owner_id = caller.user->id})) mine += cat(" OR c.owner_id = ", caller.user->id);
  for (const auto& membership : caller.memberships)
    if (membership.role >= OrgRole::read && read({.owner_id = membership.org_id}))
      mine += cat(" OR (c.owner_id = ", membership.org_id,
                  membership.role == OrgRole::admin ? ")" : " AND c.resource_group_id IS NULL)");
  for (const auto& group : caller.groups)
    if (group.role >= OrgRole::read && read({.owner_id = group.org_id, .group_id = group.group_id}))
      mine += cat(" OR c.resource_group_id = ", group.group_id);
  return cat("(c.private = 0", mine, ")");
}

Status unknown(std::string_view slug) {
  return Status(Code::not_found, cat("there is no collection '", slug.substr(0, 200), "'"));
}

Result<std::string> check_text(std::string_view what, std::string_view text, size_t min, size_t max) {
  const auto clean = trim(text);
  if (!is_utf8(clean) || clean.find('\0') != std::string_view::npos)
    return Status(Code::bad_input, cat("the ", what, " is not text"));
  if (const auto length = utf8_length(clean); length < min || length > max)
    return Status(Code::bad_input, cat("the ", what, " has ", min, " to ", max, " characters, this one has ", length));
  return std::string(clean);
}

Result<std::optional<Collection>> find(const Hub& hub, std::string_view slug) {
  const auto id = to_lower_ascii(slug.substr(slug.size() < 24 ? 0 : slug.size() - 24));
  if (!is_object_id(id)) return std::optional<Collection>();
  const auto row =
      TRY(hub.db().query_one(cat("SELECT ", kColumns, " FROM ", kWithOwners, " WHERE c.object_id = $1"), {id}));
  return row ? std::optional(collection_of(*row)) : std::nullopt;
}

// What an item points to, in the words of the table.
struct Target {
  std::string key;
  std::optional<int64_t> repo_id, nested_id;
  std::string paper;
};

Result<Target> target_of(const Hub& hub, const Caller& caller, ItemType type, std::string_view id) {
  Target out;
  if (type == ItemType::paper) {
    if (!is_arxiv_id(id)) return Status(Code::bad_input, cat("'", id.substr(0, 60), "' is no arXiv id"));
    out.paper = id;
    out.key = cat("paper:", id);
  } else if (type == ItemType::collection) {
    out.nested_id = TRY(get_collection(hub, caller, id)).id;
    out.key = cat("collection:", *out.nested_id);
  } else {
    const auto kind = TRY(parse_kind(type_name(type)));
    const auto repo = TRY(hub.repo(TRY(parse_repo_id(kind, id))));
    TRY(check_access(caller, repo, Right::metadata));
    out.repo_id = repo.id;
    out.key = cat("repo:", repo.id);
  }
  return out;
}

// "models/ns/name": as the list's `item` names it. Empty when there is no such thing that the caller may know of.
std::string target_key(const Hub& hub, const Caller& caller, std::string_view item) {
  const auto slash = item.find('/');
  if (slash == std::string_view::npos || slash < 2) return {};
  const auto type = parse_item_type(item.substr(0, slash - (item[slash - 1] == 's' ? 1 : 0)));
  if (!type.ok()) return {};
  auto target = target_of(hub, caller, *type, item.substr(slash + 1));
  return target.ok() ? target->key : std::string();
}

Status touch(store::Transaction& transaction, const Collection& collection) {
  TRY(transaction.execute("UPDATE collections SET updated_ms = $2 WHERE id = $1", {collection.id, now_ms()}));
  return {};
}

Result<std::vector<int64_t>> item_order(store::Transaction& transaction, const Collection& collection) {
  std::vector<int64_t> out;
  for (const auto& row : TRY(transaction.query(
           "SELECT id FROM collection_items WHERE collection_id = $1 ORDER BY position, id", {collection.id})))
    out.push_back(row[0].integer());
  return out;
}

Status set_order(store::Transaction& transaction, const std::vector<int64_t>& items) {
  for (size_t i = 0; i < items.size(); ++i)
    TRY(transaction.execute("UPDATE collection_items SET position = $2 WHERE id = $1 AND position <> $2",
                            {items[i], i}));
  return {};
}

Result<int64_t> item_in(store::Transaction& transaction, const Collection& collection, std::string_view item_id) {
  const auto row = TRY(transaction.query_one(
      "SELECT id FROM collection_items WHERE object_id = $1 AND collection_id = $2", {item_id, collection.id}));
  if (!row)
    return Status(Code::not_found, cat("collection ", collection.slug(), " has no item ", item_id.substr(0, 40)));
  return (*row)[0].integer();
}

}  // namespace

std::string Collection::slug() const {
  std::string words;
  for (const char c : to_lower_ascii(title)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (letter)
      words.push_back(c);
    else if (!words.empty() && words.back() != '-')
      words.push_back('-');
  }
  if (words.ends_with('-')) words.pop_back();
  return cat(owner.name, "/", words.empty() ? "collection" : words, "-", object_id);
}

std::string_view type_name(ItemType type) {
  for (const auto& [value, name] : kTypes)
    if (value == type) return name;
  return "model";
}

Result<ItemType> parse_item_type(std::string_view text) {
  for (const auto& [value, name] : kTypes)
    if (name == text) return value;
  return Status(Code::bad_input, cat("item type '", text.substr(0, 40),
                                     "' is not known (model, dataset, space, bucket, paper, collection)"));
}

// Source: info.arxiv.org/help/arxiv_identifier.html; a version ("v2") may follow.
bool is_arxiv_id(std::string_view text) {
  const auto digits = [](std::string_view part, size_t min, size_t max) {
    return part.size() >= min && part.size() <= max &&
           std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (const auto v = text.rfind('v'); v != std::string_view::npos && v > 0 && digits(text.substr(v + 1), 1, 2))
    text = text.substr(0, v);
  const auto dot = text.find('.');
  if (dot == 4 && digits(text.substr(0, 4), 4, 4) && digits(text.substr(5), 4, 5)) return true;
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash > 20 || !digits(text.substr(slash + 1), 7, 7))
    return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(slash),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.'; });
}

Status check_collection(const Caller& caller, const Collection& collection) {
  if (!may_see(caller, collection)) return unknown(collection.slug());
  if (!caller.anonymous() && !belongs(caller, collection, OrgRole::contributor))
    return Status(Code::forbidden, cat(caller.name(), " may not change collections of ", collection.owner.name));
  return check_token(caller, "collection.write", subject_of(collection));
}

Result<Collection> get_collection(const Hub& hub, const Caller& caller, std::string_view slug) {
  auto found = TRY(find(hub, slug));
  if (!found || !may_see(caller, *found)) return unknown(slug);
  return *std::move(found);
}

Result<std::vector<CollectionItem>> collection_items(const Hub& hub, const Caller& caller, const Collection& collection,
                                                     size_t limit) {
  std::vector<CollectionItem> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT id, object_id, repo_id, nested_id, paper, note, position FROM collection_items WHERE collection_id "
           "= $1 ORDER BY position, id",
           {collection.id}))) {
    CollectionItem item{.id = row[0].integer(),
                        .object_id = row[1].text(),
                        .paper = row[4].text(),
                        .note = row[5].text(),
                        .position = row[6].integer()};
    if (!row[2].is_null()) {
      auto repo = hub.repo_by_number(row[2].integer());
      if (!repo.ok() || !check_access(caller, *repo, Right::metadata).ok()) continue;
      item.type = TRY(parse_item_type(kind_name(repo->kind)));
      item.repo = *std::move(repo);
    } else if (!row[3].is_null()) {
      const auto nested = TRY(
          hub.db().query_one(cat("SELECT ", kColumns, " FROM ", kWithOwners, " WHERE c.id = $1"), {row[3].integer()}));
      if (!nested) continue;
      item.type = ItemType::collection;
      item.collection = collection_of(*nested);
      if (!may_see(caller, *item.collection)) continue;
    } else {
      item.type = ItemType::paper;
    }
    out.push_back(std::move(item));
    if (out.size() == limit) break;
  }
  return out;
}

Result<CollectionPage> list_collections(const Hub& hub, const Caller& caller, const CollectionQuery& query) {
  Parameters parameters;
  const auto any_of = [&](const std::vector<std::string>& values) {
    std::string out;
    for (const auto& value : values) out += cat(out.empty() ? "" : ", ", parameters.add(value));
    return cat(" IN (", out, ")");
  };
  std::string where = "1 = 1";
  where += cat(" AND ", visible(caller));
  if (!query.owners.empty()) where += cat(" AND o.name", any_of(query.owners));
  if (!query.items.empty()) {
    std::vector<std::string> keys;
    for (const auto& item : query.items) keys.push_back(target_key(hub, caller, item));
    where += cat(" AND c.id IN (SELECT collection_id FROM collection_items WHERE target", any_of(keys), ")");
  }
  if (!query.search.empty()) {
    where += cat(" AND lower(c.title)", parameters.contains(query.search));
  }
  // Trending is what people voted for and somebody still tends.
  const std::string_view order = query.sort == CollectionQuery::Sort::last_modified
                                     ? "c.updated_ms DESC, c.id DESC"
                                     : "c.upvotes DESC, c.updated_ms DESC, c.id DESC";
  const auto limit = parameters.add(query.limit + 1), skip = parameters.add(query.skip);
  CollectionPage out;
  for (const auto& row : TRY(hub.db().query(cat("SELECT ", kColumns, " FROM ", kWithOwners, " WHERE ", where,
                                                " ORDER BY ", order, " LIMIT ", limit, " OFFSET ", skip),
                                            parameters.values())))
    out.collections.push_back(collection_of(row));
  out.more = static_cast<int64_t>(out.collections.size()) > query.limit;
  if (out.more) out.collections.pop_back();
  return out;
}

Result<CollectionMade> create_collection(Hub& hub, const Caller& by, const NewCollection& wanted) {
  const auto owner = TRY(find_owner(hub, wanted.owner.empty() ? by.name() : std::string_view(wanted.owner)));
  TRY(check_token(by, "collection.write", {.owner_id = owner.id}));
  if (!belongs(by, owner.id, /*group_id=*/0, OrgRole::contributor))
    return Status(Code::forbidden,
                  cat("You don't have the rights to create a collection under the namespace \"", owner.name, "\""));
  const auto title = TRY(check_text("title", wanted.title, 1, kTitleMax));
  const auto description = TRY(check_text("description", wanted.description, 0, kDescriptionMax));
  auto transaction = TRY(hub.db().begin());
  if (const auto there = TRY(transaction.query_one(
          cat("SELECT ", kColumns, " FROM ", kWithOwners, " WHERE c.owner_id = $1 AND c.title = $2"),
          {owner.id, title})))
    return CollectionMade{collection_of(*there), /*is_new=*/false};
  const auto id = new_object_id();
  TRY(transaction.execute(
      "INSERT INTO collections (object_id, owner_id, title, description, private, theme, position, created_ms, "
      "updated_ms) VALUES ($1, $2, $3, $4, $5, $6, (SELECT count(*) FROM collections WHERE owner_id = $2), $7, $7)",
      {id, owner.id, title, description, wanted.is_private,
       kThemes[static_cast<unsigned char>(id.back()) % std::size(kThemes)], now_ms()}));
  TRY(transaction.commit());
  return CollectionMade{TRY(get_collection(hub, by, id)), /*is_new=*/true};
}

Result<Collection> update_collection(Hub& hub, const Caller& by, const Collection& collection,
                                     const CollectionChange& change) {
  TRY(check_collection(by, collection));
  auto to = collection;
  if (change.title) to.title = TRY(check_text("title", *change.title, 1, kTitleMax));
  if (change.description) to.description = TRY(check_text("description", *change.description, 0, kDescriptionMax));
  if (change.theme) to.theme = *change.theme;
  if (std::find(std::begin(kThemes), std::end(kThemes), to.theme) == std::end(kThemes))
    return Status(Code::bad_input,
                  cat("theme '", to.theme.substr(0, 40), "' is not known (orange, blue, green, purple, pink, indigo)"));
  if (change.is_private) to.is_private = *change.is_private;
  if (change.position) to.position = std::clamp<int64_t>(*change.position, 0, INT32_MAX);
  TRY(hub.db().execute(
      "UPDATE collections SET title = $2, description = $3, theme = $4, private = $5, position = $6, updated_ms = $7 "
      "WHERE id = $1",
      {collection.id, to.title, to.description, to.theme, to.is_private, to.position, now_ms()}));
  return get_collection(hub, by, collection.object_id);
}

Status delete_collection(Hub& hub, const Caller& by, const Collection& collection) {
  TRY(check_collection(by, collection));
  TRY(hub.db().execute("DELETE FROM collections WHERE id = $1", {collection.id}));
  return {};
}

Status add_item(Hub& hub, const Caller& by, const Collection& collection, ItemType type, std::string_view id,
                std::string_view note) {
  TRY(check_collection(by, collection));
  const auto text = TRY(check_text("note", note, 0, kNoteMax));
  const auto target = TRY(target_of(hub, by, type, id));
  if (target.nested_id == collection.id) return Status(Code::bad_input, "a collection cannot hold itself");
  auto transaction = TRY(hub.db().begin());
  const auto items = TRY(item_order(transaction, collection));
  if (items.size() >= kItemsMax) return Status(Code::too_large, cat("a collection has at most ", kItemsMax, " items"));
  const auto added =
      TRY(transaction.execute("INSERT INTO collection_items (object_id, collection_id, target, repo_id, nested_id, "
                              "paper, note, position) VALUES "
                              "($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (collection_id, target) DO NOTHING",
                              {new_object_id(), collection.id, target.key, target.repo_id, target.nested_id,
                               target.paper, text, items.size()}));
  if (added == 0)
    return Status(Code::conflict, cat(type_name(type), " ", id, " is in collection ", collection.slug(), " already"));
  TRY(set_order(transaction, items));
  TRY(touch(transaction, collection));
  return transaction.commit();
}

Status update_item(Hub& hub, const Caller& by, const Collection& collection, std::string_view item_id,
                   std::optional<std::string> note, std::optional<int64_t> position) {
  TRY(check_collection(by, collection));
  auto transaction = TRY(hub.db().begin());
  const auto item = TRY(item_in(transaction, collection, item_id));
  if (note)
    TRY(transaction.execute("UPDATE collection_items SET note = $2 WHERE id = $1",
                            {item, TRY(check_text("note", *note, 0, kNoteMax))}));
  if (position) {
    auto items = TRY(item_order(transaction, collection));
    std::erase(items, item);
    const auto at = std::clamp<int64_t>(*position, 0, static_cast<int64_t>(items.size()));
    items.insert(items.begin() + at, item);
    TRY(set_order(transaction, items));
  }
  TRY(touch(transaction, collection));
  return transaction.commit();
}

Status remove_item(Hub& hub, const Caller& by, const Collection& collection, std::string_view item_id) {
  TRY(check_collection(by, collection));
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("DELETE FROM collection_items WHERE id = $1",
                          {TRY(item_in(transaction, collection, item_id))}));
  TRY(set_order(transaction, TRY(item_order(transaction, collection))));
  TRY(touch(transaction, collection));
  return transaction.commit();
}

Status set_collection_group(Hub& hub, const Caller& by, const Collection& collection, int64_t group_id) {
  TRY(check_collection(by, collection));
  if (collection.owner.kind != OwnerKind::org)
    return Status(Code::bad_input, "resource groups are organisations': this collection is a user's");
  if (group_id != 0 && !TRY(hub.db().query_one("SELECT 1 FROM resource_groups WHERE id = $1 AND org_id = $2",
                                               {group_id, collection.owner.id})))
    return Status(Code::not_found, cat(collection.owner.name, " has no such resource group"));
  if (!belongs(by, collection.owner.id, group_id, OrgRole::contributor))
    return Status(Code::forbidden, cat(by.name(), " may not put collections there"));
  TRY(hub.db().execute("UPDATE collections SET resource_group_id = $2 WHERE id = $1",
                       {collection.id, group_id != 0 ? std::optional(group_id) : std::nullopt}));
  return {};
}

Status set_upvote(Hub& hub, const Caller& by, const Collection& collection, bool on) {
  TRY(check_social(by));
  auto transaction = TRY(hub.db().begin());
  if (on)
    TRY(transaction.execute(
        "INSERT INTO collection_upvotes (collection_id, user_id) VALUES ($1, $2) ON CONFLICT (collection_id, user_id) "
        "DO NOTHING",
        {collection.id, by.user->id}));
  else
    TRY(transaction.execute("DELETE FROM collection_upvotes WHERE collection_id = $1 AND user_id = $2",
                            {collection.id, by.user->id}));
  TRY(transaction.execute(
      "UPDATE collections SET upvotes = (SELECT count(*) FROM collection_upvotes WHERE collection_id = $1) WHERE id = "
      "$1",
      {collection.id}));
  return transaction.commit();
}

}  // namespace hearth::hub
