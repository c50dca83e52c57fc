// Collections: what users and organisations gather under a title. Their address is the slug `owner/title-<id>`: the id
// alone counts, so that old slugs lead to a renamed collection.
//
// 1. A private collection is its owner's (an organisation's members'; in a resource group, that group's members' and
// the
//    organisation's administrators'): others are told that it is not there.
// 2. An item is shown to those who may know of what it points to.
// Source: huggingface_hub 2.4.0 HfApi.create_collection and its neighbours, hf_api.py Collection, CollectionItem.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"
#include "hub/social.h"

namespace hearth::hub {

struct Collection {
  int64_t id = 0;
  std::string object_id;
  Owner owner;
  std::string title;
  std::string description;
  bool is_private = false;
  std::string theme;
  int64_t position = 0;  ///< among its owner's
  int64_t upvotes = 0;
  int64_t updated_ms = 0;
  int64_t resource_group_id = 0;  ///< 0: in none

  /// "alice/best-models-64f9a55bb3115b4f513ec026"
  std::string slug() const;
};

enum class ItemType { model, dataset, space, bucket, paper, collection };
std::string_view type_name(ItemType type);
Result<ItemType> parse_item_type(std::string_view text);

struct CollectionItem {
  int64_t id = 0;
  std::string object_id;
  ItemType type = ItemType::model;
  std::optional<Repo> repo;
  std::optional<Collection> collection;
  std::string paper;
  std::string note;
  int64_t position = 0;  ///< from 0 on
};

/// May the caller change it? not_found, unauthenticated or forbidden.
Status check_collection(const Caller& caller, const Collection& collection);

/// By the slug's id. not_found also for a private one that is not the caller's.
Result<Collection> get_collection(const Hub& hub, const Caller& caller, std::string_view slug);
/// Those that the caller may see, up to `limit`.
Result<std::vector<CollectionItem>> collection_items(const Hub& hub, const Caller& caller, const Collection& collection,
                                                     size_t limit = 1000);

struct CollectionQuery {
  std::vector<std::string> owners;  ///< any of them
  std::vector<std::string> items;   ///< any of them: "models/ns/name", "papers/2307.09288"
  std::string search;               ///< part of the title, in any letter case
  enum class Sort { last_modified, trending, upvotes } sort = Sort::last_modified;
  int64_t skip = 0;
  int64_t limit = 100;
};
struct CollectionPage {
  std::vector<Collection> collections;
  bool more = false;
};
Result<CollectionPage> list_collections(const Hub& hub, const Caller& caller, const CollectionQuery& query);

struct NewCollection {
  std::string owner;
  std::string title;
  std::string description;
  bool is_private = false;
};
struct CollectionMade {
  Collection collection;
  bool is_new = true;  ///< false: its owner has one of that title already, which is unchanged
};
Result<CollectionMade> create_collection(Hub& hub, const Caller& by, const NewCollection& wanted);

struct CollectionChange {
  std::optional<std::string> title, description, theme;
  std::optional<bool> is_private;
  std::optional<int64_t> position;
};
Result<Collection> update_collection(Hub& hub, const Caller& by, const Collection& collection,
                                     const CollectionChange& change);
Status delete_collection(Hub& hub, const Caller& by, const Collection& collection);

/// conflict when it is there already; not_found for what the caller may not know of; bad_input for a bad paper id.
Status add_item(Hub& hub, const Caller& by, const Collection& collection, ItemType type, std::string_view id,
                std::string_view note);
/// Other items move so that the positions stay 0, 1, 2, ...
Status update_item(Hub& hub, const Caller& by, const Collection& collection, std::string_view item_id,
                   std::optional<std::string> note, std::optional<int64_t> position);
Status remove_item(Hub& hub, const Caller& by, const Collection& collection, std::string_view item_id);

/// Puts an organisation's collection into one of its resource groups, or (0) into none: by those who may change it
/// there and here. not_found for a group that the organisation has not; bad_input for a user's collection.
Status set_collection_group(Hub& hub, const Caller& by, const Collection& collection, int64_t group_id);

/// Doing either twice is no mistake.
Status set_upvote(Hub& hub, const Caller& by, const Collection& collection, bool on);

/// An arXiv id: "2307.09288", "hep-th/9901001"?
bool is_arxiv_id(std::string_view text);

}  // namespace hearth::hub
