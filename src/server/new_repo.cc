#include "server/new_repo.h"

#include "hub/object_id.h"
#include "hub/organisations.h"
#include "server/api_json.h"
namespace hearth::server {

Result<hub::NewRepo> read_new_repo(Request& rq, hub::RepoId id, const Json& body) {
  hub::NewRepo wanted;
  wanted.id = std::move(id);
  const auto visibility = TRY(read_visibility(body, wanted.id.kind));
  wanted.is_private = visibility ? visibility->is_private : TRY(hub::default_private(rq.hub(), wanted.id.owner));
  wanted.is_protected = visibility && visibility->is_protected;
  wanted.author = rq.caller().name();
  wanted.creator_id = rq.user()->id;
  if (const auto& group = body["resourceGroupId"]; !group.is_null()) {
    const auto number = parse_object_id(group.as_string());
    if (!number) return Status(Code::bad_input, "\"resourceGroupId\" is not an id of a resource group");
    wanted.resource_group_id = *number;
  }
  return wanted;
}

}  // namespace hearth::server
