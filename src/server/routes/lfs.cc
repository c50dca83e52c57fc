// Git LFS: the batch call, and the signed addresses where the bytes go.
// Source: git-lfs docs/api/batch.md, basic-transfers.md, locking.md; huggingface_hub 2.4.0 lfs.py (sends no credentials
// to the addresses it is given, which is why they are signed); for "xet" @huggingface/hub 2.x lib/commit.ts, git-xet.
#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/discussions.h"
#include "hub/maintenance.h"
#include "hub/owners.h"
#include "server/file_response.h"
#include "server/lfs_multipart.h"
#include "server/pull_through.h"
#include "server/routes_registry.h"
#include "server/services.h"
#include "server/xet_urls.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kLifetime_ms = 6 * 3600 * 1000;  // a slow line may need hours for one file
constexpr uint64_t kMaxFile = uint64_t{1} << 50;
constexpr size_t kMaxObjects = 10'000;

Response lfs_json(std::string json, int status = 200) {
  return text_response(std::move(json), "application/vnd.git-lfs+json", status);
}

void action(JsonWriter& out, const Request& rq, std::string_view name, std::string_view method,
            std::string_view target) {
  out.key(name).begin_object();
  out.field("href", cat(rq.endpoint(), signed_target(rq.services().signer, method, target, kLifetime_ms)));
  out.key("header").begin_object().end().field("expires_in", kLifetime_ms / 1000).end();
}

void object_error(JsonWriter& out, int code, std::string_view message) {
  out.key("error").begin_object().field("code", code).field("message", message).end();
}

// What the batch asks for, beside the objects.
struct Batch {
  bool upload = false;
  bool multipart = false;      ///< uploads go in parts: the client can, and an object is large enough
  int64_t multipart_over = 0;  ///< the repository's limit
  bool xet = false;            ///< uploads go to the content store
  XetToken token = {};         ///< for that
  std::string token_href = {};
  std::string session = {};  ///< names the upload in the clients' further requests
};

// Where uploads to the content store begin: for whoever may not write, as a pull request.
void prepare_xet(Batch& wanted, const Request& rq, const hub::Repo& repo, std::string_view ref) {
  const bool writes = hub::check_access(rq.caller(), repo, hub::Right::write).ok();
  constexpr std::string_view kBranches = "refs/heads/";
  if (ref.starts_with(kBranches)) ref.remove_prefix(kBranches.size());
  wanted.xet = true;
  wanted.token = make_xet_token(rq, repo, writes ? XetRight::write : XetRight::offer);
  wanted.token_href =
      cat(rq.endpoint(), "/api/", hub::kind_plural(repo.kind), "/", repo.full_name(), "/xet-write-token/",
          percent_encode(ref.empty() ? "main" : ref), writes ? "" : "?create_pr=1");
  wanted.session = random_token(24);
}

void xet_action(JsonWriter& out, const Batch& wanted) {
  out.key("upload").begin_object().field("href", wanted.token_href).key("header").begin_object();
  out.field("X-Xet-Cas-Url", wanted.token.url).field("X-Xet-Access-Token", wanted.token.token);
  out.field("X-Xet-Token-Expiration", cat(wanted.token.expires_s)).field("X-Xet-Session-Id", wanted.session);
  out.end().field("expires_in", kLifetime_ms / 1000).end();
}

Status object_answer(JsonWriter& out, const Request& rq, const hub::Repo& repo, const Json& object,
                     const Batch& wanted) {
  const bool upload = wanted.upload;
  const auto oid = object["oid"].as_string();
  const auto size = object["size"].as_int(-1);
  out.begin_object().field("oid", oid).field("size", size).field("authenticated", true);
  const bool valid = store::is_sha256(oid) && size >= 0;
  // What lies in another repository that the caller may read need not be sent again; it is read there.
  const bool present =
      valid && (upload ? TRY(rq.hub().may_use_object(rq.caller(), repo, oid))
                       : TRY(hub::is_linked(rq.hub(), repo, oid)) && TRY(hub::has_content(rq.hub(), oid)));
  const auto target = cat("/lfs/objects/", repo.id, "/", oid);
  if (!valid) {
    object_error(out, 422, "an object is named by 64 lower-case hexadecimal digits and a size");
  } else if (upload && !present) {
    out.key("actions").begin_object();
    const auto part = lfs_part_size(size, wanted.multipart_over);
    if (wanted.xet)
      xet_action(out, wanted);
    else if (wanted.multipart && size > 0)
      lfs_multipart_action(out, rq, repo, oid, size, part > 0 ? part : size, kLifetime_ms);
    else
      action(out, rq, "upload", "PUT", cat(target, "?size=", size));
    action(out, rq, "verify", "POST", cat("/lfs/verify/", repo.id));
    out.end();
  } else if (upload) {
    TRY(hub::touch_content(rq.hub(), oid));
    TRY(rq.hub().link_object(repo, oid));  // here already: nothing to send
  } else if (auto* upstream = rq.services().pull_through; !present && upstream && TRY(upstream->may_hold(repo, oid))) {
    out.key("actions").begin_object();
    action(out, rq, "download", "GET", cat(target, "?size=", size));
    out.end();
  } else if (!present) {
    object_error(out, 404, "this hub does not have the object");
  } else {
    out.key("actions").begin_object();
    action(out, rq, "download", "GET", target);
    out.end();
  }
  out.end();
  return {};
}

// Is there room for what is to be sent? Asked before a byte of it comes.
Status check_room(const Request& rq, const hub::Repo& repo, const Json::Array& objects) {
  uint64_t more = 0;
  for (const auto& object : objects) {
    const auto size = object["size"].as_int(0);
    if (size <= 0 || TRY(rq.hub().may_use_object(rq.caller(), repo, object["oid"].as_string()))) continue;
    more += std::min(static_cast<uint64_t>(size), kMaxFile);
  }
  return hub::check_quota(rq.hub(), repo, more);
}

Result<Response> batch(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  const auto body = TRY(rq.json());
  const auto operation = body["operation"].as_string();
  if (operation != "upload" && operation != "download")
    return Status(Code::bad_input, cat("operation is upload or download, not '", operation, "'"));
  const bool upload = operation == "upload";
  TRY(hub::check_access(rq.caller(), repo, hub::Right::content));
  // Whoever may open a pull request may upload what it will hold.
  if (upload) TRY(hub::check_discuss(rq.caller(), repo));
  const auto& objects = body["objects"].array();
  if (objects.size() > kMaxObjects) return Status(Code::too_large, cat("at most ", kMaxObjects, " objects a batch"));
  if (upload) TRY(check_room(rq, repo, objects));
  if (const auto algorithm = body["hash_algo"].as_string("sha256"); algorithm != "sha256" && algorithm != "sha_256")
    return Status(Code::bad_input, cat("hash_algo '", algorithm.substr(0, 40), "' is not known (sha256)"));
  Batch wanted{.upload = upload};
  const auto& transfers = body["transfers"].array();
  const auto offers = [&](std::string_view name) {
    return std::find(transfers.begin(), transfers.end(), Json(name)) != transfers.end();
  };
  if (upload && offers("xet")) {
    prepare_xet(wanted, rq, repo, body["ref"]["name"].as_string());
  } else if (upload && offers("multipart")) {
    wanted.multipart_over = TRY(hub::lfs_multipart_bytes(rq.hub(), repo));
    // git's agent takes one kind of transfer a batch, so one large object makes all of them multipart.
    for (const auto& object : objects)
      wanted.multipart |= lfs_part_size(object["size"].as_int(), wanted.multipart_over) > 0;
  }
  JsonWriter out;
  out.begin_object()
      .field("transfer", wanted.xet         ? "xet"
                         : wanted.multipart ? "multipart"
                                            : "basic")
      .key("objects")
      .begin_array();
  for (const auto& object : objects) TRY(object_answer(out, rq, repo, object, wanted));
  out.end().field("hash_algo", "sha256").end();
  return lfs_json(out.take());
}

// The repository of a signed address, by its number: the address was made after its access was decided.
Result<hub::Repo> repo_of(const Request& rq) {
  const auto number = parse_int(rq.arg("number"));
  if (!number) return Status(Code::not_found, "no such repository");
  return rq.hub().repo_by_number(*number);
}

Result<Response> put(Request& rq) {
  const auto repo = TRY(repo_of(rq));
  auto& file = rq.spooled();
  const auto size = parse_int(rq.query("size")).value_or(-1);
  if (file.sha256() != rq.arg("oid") || static_cast<int64_t>(file.size_bytes()) != size)
    return Status(Code::bad_input, cat("what came is ", file.size_bytes(), " bytes of SHA-256 ", file.sha256(),
                                       ", announced were ", size, " of ", rq.arg("oid")));
  const std::string sha256 = file.sha256();
  const auto size_bytes = file.size_bytes();
  TRY(rq.hub().blobs().adopt(file.release(), sha256, size_bytes));
  TRY(rq.hub().link_object(repo, sha256));
  return empty_response(200);
}

Result<Response> get(Request& rq) {
  const auto repo = TRY(repo_of(rq));
  FileAnswer file;
  file.name = file.etag = rq.arg("oid");
  if (!store::is_sha256(file.etag)) return Status(Code::not_found, "no such object");
  auto content = TRY(find_content(rq, repo, file.etag));
  if (!content) return Status(Code::not_found, "this hub does not have the object");
  file.size_bytes = std::holds_alternative<RemoteObject>(*content)
                        ? static_cast<uint64_t>(TRY(rq.query_int("size", 0, INT64_MAX)))
                        : TRY(hub::content_size(rq.hub(), file.etag));
  file.content = *std::move(content);
  return file_response(rq, std::move(file));
}

Result<Response> verify(Request& rq) {
  const auto body = TRY(rq.json());
  const auto oid = body["oid"].as_string();
  if (!store::is_sha256(oid) || !TRY(hub::has_content(rq.hub(), oid)))
    return Status(Code::not_found, "the object has not arrived");
  const auto size = static_cast<int64_t>(TRY(hub::content_size(rq.hub(), oid)));
  if (size != body["size"].as_int(-1)) return Status(Code::bad_input, cat("the object has ", size, " bytes"));
  return lfs_json("{}");
}

constexpr Route kRoutes[] = {
    {"POST", "/{kind?}/{repo}/info/lfs/objects/batch", Access::metadata, batch, BodyMode::memory, 8 << 20},
    {"PUT", "/lfs/objects/{number}/{oid}", Access::signed_link, put, BodyMode::spool_stored, kMaxFile},
    {"GET", "/lfs/objects/{number}/{oid}", Access::signed_link, get},
    {"POST", "/lfs/verify/{number}", Access::signed_link, verify},
};

}  // namespace
extern constinit const Routes lfs_entry{kRoutes};
}  // namespace hearth::server::routes
