// The properties of repositories in the API, one row each: which kinds have it, and what it is made from. `expand`
// chooses among them by name.
// Source: huggingface_hub 2.4.0 hf_api.py (ExpandModelProperty_T, ExpandDatasetProperty_T, ExpandSpaceProperty_T).
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "hub/index.h"
#include "server/request.h"

namespace hearth::server {

struct PropertySource {
  const Request& rq;
  const hub::Repo& repo;
  const hub::RepoIndex& index;
  bool blobs = false;  ///< siblings with sizes and hashes
};

/// A property's value as it lies in the source where it can be written from there; null: the repository has none.
using PropertyValue =
    std::variant<std::nullptr_t, bool, int64_t, std::string_view, std::string, const std::vector<std::string>*, Json>;

struct Property {
  std::string_view name;
  unsigned kinds;   ///< a bit for each kind that has it
  bool expandable;  ///< may be asked for by `expand`
  bool details;     ///< made from more than the catalog holds (hub::RepoQuery::details)
  /// Views are into the source.
  Result<PropertyValue> (*value)(const PropertySource& source);
};

/// The properties that `expand` names, or bad_input with the list of those that the kind has.
Result<std::vector<const Property*>> expanded_properties(hub::RepoKind kind,
                                                         const std::vector<std::string_view>& expand);
/// Properties by name; those that the kind lacks are left out.
std::vector<const Property*> named_properties(hub::RepoKind kind, const std::vector<std::string_view>& names);
bool need_details(const std::vector<const Property*>& properties);

/// An object of `_id`, `id` and the properties.
Status write_properties(JsonWriter& out, const PropertySource& source, const std::vector<const Property*>& properties);

}  // namespace hearth::server
