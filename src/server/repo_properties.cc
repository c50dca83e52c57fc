#include "server/repo_properties.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/catalog.h"
#include "hub/object_id.h"
#include "hub/resource_groups.h"
#include "hub/scans.h"
#include "hub/tree.h"
#include "server/api_json.h"
#include "server/page_data.h"

namespace hearth::server {
namespace {

using hub::RepoKind;
using Source = const PropertySource&;

constexpr unsigned bit(RepoKind kind) {
  return 1u << static_cast<unsigned>(kind);
}
constexpr unsigned kModel = bit(RepoKind::model), kDataset = bit(RepoKind::dataset), kSpace = bit(RepoKind::space),
                   kKernel = bit(RepoKind::kernel);
constexpr unsigned kAll = kModel | kDataset | kSpace | kKernel;
constexpr int64_t kSpacesMax = 100;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
Json list(const std::vector<std::string>& texts) {
  return Json(Json::Array(texts.begin(), texts.end()));
}

Result<Json> base_models(Source s) {
  // Tags name them as "base_model:RELATION:ID".
  Json::Array models;
  std::string_view relation;
  for (const std::string_view known : {"adapter", "merge", "quantized", "finetune"})
    for (const auto& tag : s.index.tags)
      if (const auto prefix = cat("base_model:", known, ":"); tag.starts_with(prefix)) {
        relation = known;
        Json model = Json::Object{{"id", tag.substr(prefix.size())}};
        const auto id = hub::parse_repo_id(RepoKind::model, tag.substr(prefix.size()));
        if (id.ok())
          if (const auto repo = s.rq.hub().repo(*id);
              repo.ok() && hub::check_access(s.rq.caller(), *repo, hub::Right::metadata).ok())
            model = Json::Object{{"_id", hub::object_id_of(repo->id)}, {"id", repo->full_name()}};
        models.push_back(std::move(model));
      }
  if (models.empty()) return Json();
  return Json(Json::Object{{"relation", relation}, {"models", std::move(models)}});
}

Result<Json> children(Source s) {
  Json out = Json::Object();
  for (const std::string_view relation : {"adapter", "finetune", "merge", "quantized"})
    out.set(relation, TRY(s.rq.hub().catalog().count_tagged(RepoKind::model,
                                                            cat("base_model:", relation, ":", s.repo.full_name()))));
  return out;
}

Result<Json> spaces(Source s) {
  hub::RepoQuery query;
  query.kind = RepoKind::space;
  query.links.push_back(to_lower_ascii(cat("models:", s.repo.full_name())));
  query.limit = kSpacesMax;
  query.details = false;
  Json::Array out;
  for (const auto& item : TRY(hub::list_repos(s.rq.hub(), s.rq.caller(), query)).items)
    out.emplace_back(item.repo.full_name());
  return Json(std::move(out));
}

// For who may write to it: the others need not know how an organisation divides its work.
Result<Json> resource_group(Source s) {
  if (s.repo.resource_group_id == 0 || !hub::check_access(s.rq.caller(), s.repo, hub::Right::write).ok()) return Json();
  const auto group = TRY(hub::find_group(s.rq.hub(), s.repo.owner_id, s.repo.resource_group_id));
  return Json(Json::Object{{"id", hub::object_id_of(group.id)}, {"name", group.name}});
}

Result<Json> siblings(Source s) {
  const auto files = hub::list_files(s.rq.hub(), s.repo, s.index.head);
  // In a list a repository may have been deleted a moment ago: it has no files then.
  if (!files.ok() && files.status().code() != Code::repo_not_found) return files.status().clone();
  return siblings_json(files.ok() ? *files : std::vector<hub::TreeEntry>(), s.blobs);
}

Result<Json> inference_providers(Source s) {
  Json::Array out;
  if (runs_here(s.index))
    out.emplace_back(Json::Object{
        {"provider", "hf-inference"},
        {"providerId", s.repo.full_name()},
        {"status", "live"},
        {"task", s.index.config["tokenizer_config"].find("chat_template") || s.index.gguf.find("chat_template")
                     ? "conversational"
                     : "text-generation"}});
  return Json(std::move(out));
}

Result<Json> fact(Source s, std::string_view name) {
  return s.index.facts[name];
}

std::string subdomain(const hub::Repo& repo) {
  auto out = to_lower_ascii(cat(repo.owner, "-", repo.name));
  for (auto& c : out)
    if (c == '_' || c == '.') c = '-';
  return out;
}

constexpr Property kProperties[] = {
    {"modelId", kModel, false, false, [](Source s) -> Result<Json> { return Json(s.repo.full_name()); }},
    {"author", kAll, true, false, [](Source s) -> Result<Json> { return Json(s.repo.owner); }},
    {"sha", kAll, true, false, [](Source s) -> Result<Json> { return Json(s.index.head); }},
    {"lastModified", kAll, true, false, [](Source s) -> Result<Json> { return Json(iso_time(s.repo.modified_ms)); }},
    {"createdAt", kAll, true, false, [](Source s) -> Result<Json> { return Json(iso_time(s.repo.created_ms)); }},
    {"private", kAll, true, false, [](Source s) -> Result<Json> { return Json(s.repo.is_private); }},
    {"gated", kModel | kDataset | kKernel, true, false,
     [](Source s) -> Result<Json> { return s.repo.gated.empty() ? Json(false) : Json(s.repo.gated); }},
    {"disabled", kAll, true, false, [](Source s) -> Result<Json> { return Json(s.repo.is_disabled); }},
    {"downloads", kModel | kDataset | kKernel, true, false,
     [](Source s) -> Result<Json> { return Json(s.repo.downloads); }},
    {"downloadsAllTime", kModel | kDataset | kKernel, true, false,
     [](Source s) -> Result<Json> { return Json(s.repo.downloads_all_time); }},
    {"likes", kAll, true, false, [](Source s) -> Result<Json> { return Json(s.repo.likes); }},
    {"trendingScore", kAll, true, false, [](Source s) -> Result<Json> { return Json(s.repo.trending); }},
    {"library_name", kModel, true, false, [](Source s) -> Result<Json> { return text_or_null(s.index.library_name); }},
    {"pipeline_tag", kModel, true, false, [](Source s) -> Result<Json> { return text_or_null(s.index.pipeline_tag); }},
    {"sdk", kSpace, true, false, [](Source s) -> Result<Json> { return text_or_null(s.repo.sdk); }},
    {"subdomain", kSpace, true, false, [](Source s) -> Result<Json> { return Json(subdomain(s.repo)); }},
    {"region", kSpace, true, false, [](Source) -> Result<Json> { return Json("us"); }},
    {"tags", kAll, true, false, [](Source s) -> Result<Json> { return list(s.index.tags); }},
    {"usedStorage", kAll, true, false, [](Source s) -> Result<Json> { return Json(s.index.used_storage_bytes); }},
    {"cardData", kAll, true, true, [](Source s) -> Result<Json> { return s.index.card; }},
    {"config", kModel, true, true, [](Source s) -> Result<Json> { return s.index.config; }},
    {"transformersInfo", kModel, true, true,
     [](Source s) -> Result<Json> {
       return s.index.library_name == "transformers" ? hub::transformers_info(s.index.config) : Json();
     }},
    {"safetensors", kModel, true, true, [](Source s) -> Result<Json> { return s.index.safetensors; }},
    {"gguf", kModel, true, true, [](Source s) -> Result<Json> { return s.index.gguf; }},
    {"model-index", kModel, true, true, [](Source s) -> Result<Json> { return s.index.card["model-index"]; }},
    {"evalResults", kModel, true, true, [](Source s) { return fact(s, "evalResults"); }},
    {"mask_token", kModel, true, true, [](Source s) { return fact(s, "mask_token"); }},
    {"widgetData", kModel, true, true, [](Source s) { return fact(s, "widgetData"); }},
    {"inference", kModel, true, true,
     [](Source s) -> Result<Json> { return runs_here(s.index) ? Json("warm") : Json(); }},
    {"inferenceProviderMapping", kModel, true, true, inference_providers},
    {"baseModels", kModel, true, false, base_models},
    {"childrenModelCount", kModel, true, false, children},
    {"spaces", kModel, true, false, spaces},
    {"citation", kDataset, true, true, [](Source s) { return fact(s, "citation"); }},
    {"description", kDataset, true, true, [](Source s) { return fact(s, "description"); }},
    {"paperswithcode_id", kDataset, true, true, [](Source s) { return fact(s, "paperswithcode_id"); }},
    {"mainSize", kDataset, true, true, [](Source s) { return fact(s, "mainSize"); }},
    {"models", kSpace, true, true, [](Source s) { return fact(s, "models"); }},
    {"datasets", kSpace, true, true, [](Source s) { return fact(s, "datasets"); }},
    {"runtime", kSpace, true, false, [](Source) -> Result<Json> { return Json(); }},
    {"resourceGroup", kAll, true, false, resource_group},
    {"xetEnabled", kAll, true, false, [](Source) -> Result<Json> { return Json(true); }},
    {"securityRepoStatus", kAll, true, false,
     [](Source s) { return hub::repo_security(s.rq.hub(), s.repo, s.index.head); }},
    {"siblings", kAll, true, false, siblings},
};

const Property* find(RepoKind kind, std::string_view name) {
  for (const auto& property : kProperties)
    if (property.name == name && (property.kinds & bit(kind))) return &property;
  return nullptr;
}

}  // namespace

Result<std::vector<const Property*>> expanded_properties(RepoKind kind, const std::vector<std::string_view>& expand) {
  std::vector<const Property*> out;
  for (const auto names : expand) {
    for (const auto name : split(names, ',')) {
      const auto* property = find(kind, name);
      if (property && property->expandable) {
        if (std::find(out.begin(), out.end(), property) == out.end()) out.push_back(property);
        continue;
      }
      std::vector<std::string> known;
      for (const auto& one : kProperties)
        if (one.expandable && (one.kinds & bit(kind))) known.emplace_back(one.name);
      std::sort(known.begin(), known.end());
      return Status(Code::bad_input,
                    cat("\"expand\" must be one of [", join(known, ", "), "], found '", name.substr(0, 100), "'"));
    }
  }
  return out;
}

std::vector<const Property*> named_properties(RepoKind kind, const std::vector<std::string_view>& names) {
  std::vector<const Property*> out;
  for (const auto name : names)
    if (const auto* property = find(kind, name)) out.push_back(property);
  return out;
}

bool need_details(const std::vector<const Property*>& properties) {
  return std::any_of(properties.begin(), properties.end(), [](const auto* property) { return property->details; });
}

Result<Json> properties_json(Source source, const std::vector<const Property*>& properties) {
  Json out = Json::Object{{"_id", hub::object_id_of(source.repo.id)}, {"id", source.repo.full_name()}};
  out.object().reserve(properties.size() + 2);
  for (const auto* property : properties) {
    auto value = TRY(property->value(source));
    if (!value.is_null()) out.object().emplace_back(property->name, std::move(value));
  }
  return out;
}

}  // namespace hearth::server
