// POST /api/repos/create, DELETE /api/repos/delete, POST /api/repos/move, PUT .../settings: repositories come, go and
// change. A repository that exists already answers 409 with the same `url`, since `exist_ok=True` reads it.
// Source: huggingface_hub 2.4.0 HfApi.create_repo, delete_repo, move_repo, update_repo_settings.
#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "hub/commit.h"
#include "server/api_json.h"
#include "server/new_repo.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr uint64_t kCreateMax = 32u << 20;  // JS sends the first files along

// `name` (perhaps with the owner in it), `organization` (absent: the caller), `type` (absent: model).
Result<hub::RepoId> read_id(const Request& rq, const Json& body) {
  const auto kind = TRY(hub::parse_kind(body["type"].as_string("model")));
  const auto name = body["name"].as_string();
  if (name.empty()) return Status(Code::bad_input, "\"name\" is missing");
  if (contains(name, "/")) return hub::parse_repo_id(kind, name);
  const auto organization = body["organization"].as_string();
  return hub::RepoId{kind, std::string(organization.empty() ? rq.caller().name() : organization), std::string(name)};
}

// For the audit log.
void concerns(Request& rq, const hub::Repo& repo, Json::Object data) {
  rq.audit() = {.target = cat(hub::kind_name(repo.kind), " ", repo.full_name()),
                .owner_id = repo.owner_id,
                .data = std::move(data)};
}

// The first files, which JS sends as {path, content: base64}.
Status add_files(Request& rq, const hub::Repo& repo, const Json& files) {
  hub::NewCommit commit;
  commit.branch = "main";
  commit.summary = "Add initial files";
  for (const auto& file : files.array())
    commit.operations.push_back(
        hub::PutFile{std::string(file["path"].as_string()), TRY(from_base64(file["content"].as_string()))});
  if (!commit.operations.empty()) TRY(hub::create_commit(rq.hub(), repo, rq.caller(), commit));
  return {};
}

Result<Response> create(Request& rq) {
  const auto body = TRY(rq.json());
  auto wanted = TRY(read_new_repo(rq, TRY(read_id(rq, body)), body));
  wanted.license = body["license"].as_string();
  wanted.sdk = body["sdk"].as_string();
  // How the Hub's own tests ask for small parts; huggingface_hub 2.4.0 has it no more.
  wanted.lfs_multipart_bytes = std::max<int64_t>(body["lfsmultipartthresh"].as_int(), 0);
  if (const auto existing = rq.hub().repo(wanted.id);
      existing.ok() && hub::check_access(rq.caller(), *existing, hub::Right::metadata).ok() &&
      equals_ignore_case(existing->full_name(), wanted.id.full()))
    return exists_response(rq, *existing);
  TRY(hub::check_create(rq.caller(), wanted.id.owner, wanted.resource_group_id));
  if (const auto name = body["template"].as_string(); !name.empty()) {
    auto id = TRY(hub::parse_repo_id(wanted.id.kind, name));
    wanted.source = TRY(rq.hub().repo(id));
    TRY(hub::check_access(rq.caller(), *wanted.source, hub::Right::content));
    if (wanted.sdk.empty()) wanted.sdk = wanted.source->sdk;
  }
  const auto repo = TRY(rq.hub().create_repo(wanted));
  concerns(rq, repo, {{"private", repo.is_private}});
  TRY(add_files(rq, repo, body["files"]));
  return json_response(created_json(rq, repo));
}

// The repository of the body, when the caller may change it.
Result<hub::Repo> owned(Request& rq, const hub::RepoId& id) {
  auto repo = TRY(rq.hub().repo(id));
  TRY(hub::check_access(rq.caller(), repo, hub::Right::admin));
  return repo;
}

Result<Response> remove(Request& rq) {
  const auto repo = TRY(owned(rq, TRY(read_id(rq, TRY(rq.json())))));
  TRY(rq.hub().delete_repo(repo, rq.caller().name()));
  concerns(rq, repo, {});
  return json_response(Json(Json::Object()));
}

Result<Response> move(Request& rq) {
  const auto body = TRY(rq.json());
  const auto kind = TRY(hub::parse_kind(body["type"].as_string("model")));
  const auto to = TRY(hub::parse_repo_id(kind, body["toRepo"].as_string()));
  const auto repo = TRY(owned(rq, TRY(hub::parse_repo_id(kind, body["fromRepo"].as_string()))));
  // Writers rename; a new owner would lift what binds them.
  if (!equals_ignore_case(repo.owner, to.owner)) TRY(hub::check_access(rq.caller(), repo, hub::Right::govern));
  TRY(hub::check_create(rq.caller(), to.owner));
  const auto moved = TRY(rq.hub().move_repo(repo, to, rq.caller().name()));
  concerns(rq, repo, {{"to", moved.full_name()}});
  return json_response(created_json(rq, moved));
}

// Another repository of the same kind with the same branches, tags and files; big files are shared, not copied.
Result<Response> duplicate(Request& rq) {
  if (rq.caller().anonymous()) return Status(Code::unauthenticated, "a copy needs an owner: log in, or send a token");
  const auto body = TRY(rq.json());
  const auto& source = *TRY(rq.repo());
  auto name = std::string(body["repository"].as_string(source.name));
  if (!contains(name, "/")) name = cat(rq.caller().name(), "/", name);
  hub::NewRepo wanted;
  wanted.id = TRY(hub::parse_repo_id(source.kind, name));
  TRY(hub::check_create(rq.caller(), wanted.id.owner));
  if (const auto existing = rq.hub().repo(wanted.id);
      existing.ok() && equals_ignore_case(existing->full_name(), wanted.id.full()))
    return exists_response(rq, *existing);
  // What is private stays so unless its owner says otherwise, as the Hub does.
  const auto visibility =
      TRY(read_visibility(body, source.kind))
          .value_or(Visibility{.is_private = source.is_private, .is_protected = source.is_protected});
  wanted.is_private = visibility.is_private;
  wanted.is_protected = visibility.is_protected;
  wanted.sdk = source.sdk;
  wanted.author = rq.caller().name();
  wanted.creator_id = rq.user()->id;
  wanted.source = source;
  const auto repo = TRY(rq.hub().create_repo(wanted));
  concerns(rq, repo, {{"from", source.full_name()}});
  auto answer = created_json(rq, repo);
  answer.set("filesCopyPending", false);
  return json_response(answer);
}

Result<Response> settings(Request& rq) {
  const auto body = TRY(rq.json());
  const auto* repo = TRY(rq.repo());
  hub::RepoSettings wanted;
  if (const auto visibility = TRY(read_visibility(body, repo->kind))) {
    wanted.is_private = visibility->is_private;
    wanted.is_protected = visibility->is_protected;
  }
  if (const auto* gated = body.find("gated"); gated && !gated->is_null()) {
    if (!gated->is_string() && !(gated->is_bool() && !gated->as_bool()))
      return Status(Code::bad_input, "\"gated\" is \"auto\", \"manual\" or false");
    wanted.gated = std::string(gated->as_string());
  }
  TRY(rq.hub().update_settings(*repo, wanted, rq.caller().name()));
  const auto now = TRY(rq.hub().repo_by_number(repo->id));
  concerns(rq, *repo, {{"private", now.is_private}, {"gated", now.gated}});
  return json_response(Json(Json::Object{{"private", now.is_private},
                                         {"visibility", now.visibility()},
                                         {"gated", now.gated.empty() ? Json(false) : Json(now.gated)}}));
}

constexpr Route kRoutes[] = {
    {"POST", "/api/repos/create", Access::signed_in, create, BodyMode::memory, kCreateMax},
    {"DELETE", "/api/repos/delete", Access::signed_in, remove},
    {"POST", "/api/repos/move", Access::signed_in, move},
    {"POST", "/api/{kind}/{repo}/duplicate", Access::content, duplicate},
    {"PUT", "/api/{kind}/{repo}/settings", Access::admin, settings},
};

}  // namespace
extern constinit const Routes repos_entry{kRoutes};
}  // namespace hearth::server::routes
