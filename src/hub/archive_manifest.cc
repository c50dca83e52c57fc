#include "hub/archive_manifest.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "store/blobs.h"

namespace hearth::hub {
namespace {

constexpr int64_t kVersion = 1;

bool is_commit(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status bad(const RepoId& id, std::string_view what) {
  return Status(Code::bad_input, cat("the archive's manifest: ", id.full(), ": ", what));
}

Result<ArchivedRepo> parse_repo(const Json& json, size_t number) {
  ArchivedRepo out;
  const auto kind = TRY(parse_kind(json["type"].as_string()));
  out.id = TRY(parse_repo_id(kind, json["name"].as_string()));
  if (!has_git(kind)) return bad(out.id, "a bucket has no commits");
  out.is_private = json["private"].as_bool(true);
  out.gated = json["gated"].as_string();
  if (!out.gated.empty() && out.gated != "auto" && out.gated != "manual")
    return bad(out.id, "'gated' is neither auto nor manual");
  out.sdk = json["sdk"].as_string();
  out.bundle = archived_bundle(number);
  out.sha256 = json["sha256"].as_string();
  if (!store::is_sha256(out.sha256)) return bad(out.id, "its bundle has no SHA-256");
  for (const auto& [ref, target] : json["refs"].object()) {
    if (!ref.starts_with("refs/") || !is_commit(target.as_string())) return bad(out.id, "a reference without a commit");
    out.refs[ref] = target.as_string();
  }
  for (const auto& object : json["objects"].array()) {
    if (!store::is_sha256(object.as_string())) return bad(out.id, "a large file's name is no SHA-256");
    out.objects.emplace_back(object.as_string());
  }
  return out;
}

}  // namespace

Result<std::vector<ArchivedRepo>> parse_archive_manifest(std::string_view text) {
  const auto json = TRY(Json::parse(text));
  if (json["hearth_archive"].as_int() != kVersion)
    return Status(Code::bad_input, "the archive is of another version of Hearth");
  std::vector<ArchivedRepo> out;
  for (const auto& repo : json["repos"].array()) out.push_back(TRY(parse_repo(repo, out.size())));
  return out;
}

std::string format_archive_manifest(const std::vector<ArchivedRepo>& repos) {
  JsonWriter out;
  out.begin_object().field("hearth_archive", kVersion).key("repos").begin_array();
  for (const auto& repo : repos) {
    out.begin_object().field("type", kind_name(repo.id.kind)).field("name", repo.id.full());
    out.field("private", repo.is_private).field("gated", repo.gated).field("sdk", repo.sdk);
    out.field("sha256", repo.sha256).key("refs").begin_object();
    for (const auto& [ref, target] : repo.refs) out.field(ref, target);
    out.end().key("objects").begin_array();
    for (const auto& object : repo.objects) out.value(object);
    out.end().end();
  }
  return out.end().end().take();
}

std::string archived_bundle(size_t number) {
  return cat("repos/", number, ".bundle");
}

std::string archived_object(std::string_view sha256) {
  return cat("objects/", sha256);
}

}  // namespace hearth::hub
