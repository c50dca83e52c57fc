// GET /api/models/{repo}/safetensors-metadata/{index file}: the headers of all shards in one answer.
// GET /api/datasets/{repo}/leaderboard: models by the value that their `.eval_results` give for the dataset.
// Source: huggingface_hub 2.4.0 HfApi.get_safetensors_metadata, get_dataset_leaderboard.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "hub/content.h"
#include "hub/index.h"
#include "hub/social.h"
#include "hub/tree.h"
#include "server/account_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr uint64_t kIndexMax = 64u << 20, kHeaderMax = 100'000'000;  // SAFETENSORS_MAX_HEADER_LENGTH is 25 MB
constexpr size_t kShardsMax = 1000;
constexpr uint64_t kAnswerMax = 256u << 20;

// The beginning of a file, from the store or from git.
Result<std::string> read_begin(const hub::Hub& hub, const hub::Repo& repo, const hub::TreeEntry& file, uint64_t begin,
                               uint64_t length) {
  if (file.lfs) return hub::read_content(hub, file.lfs->sha256, begin, length);
  const auto bytes = TRY(hub::read_blob(hub, repo, file.oid));
  return begin > bytes.size() ? std::string() : bytes.substr(begin, length);
}

Result<std::string> header_of(const hub::Hub& hub, const hub::Repo& repo, const hub::FileAt& file) {
  const auto broken = [&](std::string_view why) {
    return Status(Code::bad_input, cat(file.entry.path, " is no safetensors file: ", why));
  };
  const auto size = TRY(read_begin(hub, repo, file.entry, 0, 8));
  if (size.size() < 8) return broken("it has less than 8 bytes");
  uint64_t length = 0;
  for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(size[i]);
  if (length > kHeaderMax || length > file.entry.size_bytes)
    return broken(cat("its header would have ", length, " bytes"));
  auto header = TRY(read_begin(hub, repo, file.entry, 8, length));
  const auto parsed = Json::parse(header);
  if (!parsed.ok() || !parsed->is_object()) return broken("its header is no JSON object");
  return std::string(trim(header));
}

Result<Response> safetensors_metadata(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  const auto& path = rq.arg("file");
  const auto found = TRY(hub::find_file(rq.hub(), repo, "main", path));
  std::set<std::string> shards;
  Json metadata = Json::Object();
  if (path.ends_with(".json")) {
    const auto index = TRY(Json::parse(TRY(hub::read_file(rq.hub(), repo, found.commit, path, kIndexMax))));
    metadata = index["metadata"];
    for (const auto& [tensor, shard] : index["weight_map"].object()) shards.emplace(shard.as_string());
  } else {
    shards.emplace(path);
  }
  if (shards.empty() || shards.size() > kShardsMax)
    return Status(Code::bad_input, cat(path, " names ", shards.size(), " shards in its weight_map"));
  const auto folder = path.find('/') == std::string::npos ? std::string() : std::string(path_parent(path));
  JsonWriter out;
  out.begin_object().key("headers").begin_object();
  for (const auto& shard : shards) {
    const auto at = path.ends_with(".json") ? path_join(folder, shard) : shard;
    out.key(shard).raw(TRY(header_of(rq.hub(), repo, TRY(hub::find_file(rq.hub(), repo, found.commit, at)))));
    if (out.text().size() > kAnswerMax) return Status(Code::too_large, "the headers of these shards together");
  }
  out.end().key("index").begin_object().field("metadata", metadata).end().end();
  return json_response(out.take());
}

Json owner_json(const Request& rq, std::string_view name) {
  const auto owner = hub::find_owner(rq.hub(), name);
  const bool is_org = owner.ok() && owner->kind == hub::OwnerKind::org;
  return Json::Object{{"type", is_org ? "org" : "user"},
                      {"name", name},
                      {"fullname", owner.ok() && !owner->fullname.empty() ? owner->fullname : std::string(name)},
                      {"avatarUrl", avatar_url(rq, name)}};
}

Result<Response> leaderboard(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  if (repo.kind != hub::RepoKind::dataset) return Status(Code::not_found, "only datasets have a leaderboard");
  const bool base_only = rq.query("base_model").empty() || rq.query_flag("base_model");
  hub::RepoQuery query;
  query.links.push_back(to_lower_ascii(cat("eval:", repo.full_name())));
  struct Row {
    double value;
    Json json;
  };
  std::vector<Row> rows;
  do {
    const auto page = TRY(hub::list_repos(rq.hub(), rq.caller(), query));
    for (const auto& item : page.items) {
      const bool derived = std::any_of(item.index.tags.begin(), item.index.tags.end(),
                                       [](const auto& tag) { return tag.starts_with("base_model:"); });
      if (base_only && derived) continue;
      for (const auto& result : item.index.facts["evalResults"].array()) {
        const auto& data = result["data"];
        if (!equals_ignore_case(data["dataset"]["id"].as_string(), repo.full_name()) || !data["value"].is_number())
          continue;
        Json row = Json::Object{{"rank", 0},
                                {"modelId", item.repo.full_name()},
                                {"value", data["value"]},
                                {"filename", result["filename"]},
                                {"verified", result["verified"]},
                                {"author", owner_json(rq, item.repo.owner)}};
        if (data["source"].is_object()) row.set("source", data["source"]);
        if (data["notes"].is_string()) row.set("notes", data["notes"]);
        rows.push_back({data["value"].as_double(static_cast<double>(data["value"].as_int())), std::move(row)});
        break;  // a model has one row: its first result for the dataset
      }
    }
    query.cursor = page.next;
  } while (!query.cursor.empty());
  if (rows.empty())
    return Status(Code::not_found, cat(repo.full_name(), " has no leaderboard: no model has results for it"));
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.value > b.value; });
  Json::Array out;
  for (auto& row : rows) {
    row.json.set("rank", out.size() + 1);
    out.push_back(std::move(row.json));
  }
  return json_response(Json(std::move(out)));
}

constexpr Route kRoutes[] = {
    {"GET", "/api/{kind}/{repo}/safetensors-metadata/{file*}", Access::content, safetensors_metadata},
    {"GET", "/api/{kind}/{repo}/leaderboard", Access::metadata, leaderboard}};

}  // namespace
extern constinit const Routes model_facts_entry{kRoutes};
}  // namespace hearth::server::routes
