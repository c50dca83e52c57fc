#include "server/api_json.h"

#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "hub/object_id.h"

namespace hearth::server {
namespace {

constexpr size_t kIdLength = 24;

Json::Array to_json(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

std::optional<int64_t> parse_object_id(std::string_view text) {
  if (text.size() != kIdLength) return std::nullopt;
  const auto bytes = from_hex(text);
  if (!bytes.ok()) return std::nullopt;
  uint64_t number = 0;
  for (size_t i = 0; i < bytes->size(); ++i) {
    if (i < 4 && (*bytes)[i] != 0) return std::nullopt;
    number = number << 8 | static_cast<unsigned char>((*bytes)[i]);
  }
  if (number >> 63 != 0) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::string repo_url(const Request& rq, const hub::Repo& repo) {
  return cat(rq.endpoint(), "/", hub::kind_prefix(repo.kind), repo.full_name());
}

Json created_json(const Request& rq, const hub::Repo& repo) {
  return Json::Object{{"url", repo_url(rq, repo)}, {"name", repo.full_name()}, {"id", hub::object_id_of(repo.id)}};
}

Response exists_response(const Request& rq, const hub::Repo& repo) {
  const auto refusal = Status(Code::conflict, cat("You already created this ", hub::kind_name(repo.kind), " repo"));
  auto answer = created_json(rq, repo);
  answer.set("error", refusal.message());
  auto out = error_response(refusal, /*anonymous=*/false);
  out.body = answer.dump();
  return out;
}

Json tree_entry_json(const hub::TreeEntry& entry) {
  Json out = Json::Object{{"type", entry.is_folder ? "directory" : "file"},
                          {"oid", entry.oid},
                          {"size", entry.size_bytes},
                          {"path", entry.path}};
  if (const auto& lfs = entry.lfs)
    out.set("lfs",
            Json::Object{{"oid", lfs->sha256}, {"size", lfs->size_bytes}, {"pointerSize", lfs->pointer_size_bytes}});
  if (entry.lfs && !entry.lfs->xet_hash.empty()) out.set("xetHash", entry.lfs->xet_hash);
  if (const auto& commit = entry.last_commit)
    out.set("lastCommit",
            Json::Object{{"id", commit->id}, {"title", commit->title}, {"date", iso_time(commit->date_ms)}});
  return out;
}

Json siblings_json(const std::vector<hub::TreeEntry>& files, bool blobs) {
  Json::Array out;
  for (const auto& file : files) {
    Json item = Json::Object{{"rfilename", file.path}};
    if (blobs) {
      item.set("size", file.size_bytes);
      item.set("blobId", file.oid);
    }
    if (blobs && file.lfs)
      item.set("lfs", Json::Object{{"sha256", file.lfs->sha256},
                                   {"size", file.lfs->size_bytes},
                                   {"pointerSize", file.lfs->pointer_size_bytes}});
    out.push_back(std::move(item));
  }
  return out;
}

Json repo_json(const hub::Repo& repo, const hub::RepoIndex& index) {
  Json out = Json::Object{{"_id", hub::object_id_of(repo.id)},
                          {"id", repo.full_name()},
                          {"author", repo.owner},
                          {"sha", index.head},
                          {"createdAt", iso_time(repo.created_ms)},
                          {"lastModified", iso_time(repo.modified_ms)},
                          {"private", repo.is_private},
                          {"gated", repo.gated.empty() ? Json(false) : Json(repo.gated)},
                          {"disabled", repo.is_disabled},
                          {"downloads", repo.downloads},
                          {"downloadsAllTime", repo.downloads_all_time},
                          {"likes", repo.likes},
                          {"trendingScore", repo.trending},
                          {"tags", to_json(index.tags)},
                          {"usedStorage", index.used_storage_bytes}};
  if (!index.card.is_null()) out.set("cardData", index.card);
  if (repo.kind == hub::RepoKind::model) {
    out.set("modelId", repo.full_name());
    if (!index.pipeline_tag.empty()) out.set("pipeline_tag", index.pipeline_tag);
    if (!index.library_name.empty()) out.set("library_name", index.library_name);
    if (!index.config.is_null()) out.set("config", index.config);
    if (auto info = hub::transformers_info(index.config); !info.is_null()) out.set("transformersInfo", std::move(info));
    if (!index.safetensors.is_null()) out.set("safetensors", index.safetensors);
    if (!index.gguf.is_null()) out.set("gguf", index.gguf);
    if (const auto* results = index.card.find("model-index")) out.set("model-index", *results);
    if (const auto* widget = index.facts.find("widgetData")) out.set("widgetData", *widget);
  } else if (repo.kind == hub::RepoKind::space) {
    out.set("sdk", repo.sdk);
    out.set("subdomain", to_lower_ascii(replace_all(cat(repo.owner, "-", repo.name), "_", "-")));
  }
  return out;
}

std::string next_address(const Request& rq, std::string_view value, std::string_view parameter) {
  if (value.empty()) return {};
  auto out = cat(rq.endpoint(), rq.head().path, "?");
  for (const auto& [name, text] : parse_query(rq.head().query).value_or({}))
    if (name != parameter) out += cat(percent_encode(name), "=", percent_encode(text), "&");
  return cat(out, parameter, "=", percent_encode(value));
}

Result<std::optional<Visibility>> read_visibility(const Json& body, hub::RepoKind kind) {
  const auto visibility = body["visibility"].as_string();
  const bool space = kind == hub::RepoKind::space;
  if (visibility == "public") return std::optional(Visibility{});
  if (visibility == "private") return std::optional(Visibility{.is_private = true});
  if (visibility == "protected" && space) return std::optional(Visibility{.is_private = true, .is_protected = true});
  if (!visibility.empty())
    return Status(Code::bad_input, cat("visibility '", visibility.substr(0, 40), "' is not known here (public, private",
                                       space ? ", protected)" : "; protected is for Spaces)"));
  if (body["private"].is_bool()) return std::optional(Visibility{.is_private = body["private"].as_bool()});
  return std::optional<Visibility>();
}

}  // namespace hearth::server
