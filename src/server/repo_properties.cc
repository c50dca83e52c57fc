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
using Value = Result<PropertyValue>;

constexpr unsigned bit(RepoKind kind) {
  return 1u << static_cast<unsigned>(kind);
}
constexpr unsigned kModel = bit(RepoKind::model), kDataset = bit(RepoKind::dataset), kSpace = bit(RepoKind::space),
                   kKernel = bit(RepoKind::kernel);
constexpr unsigned kAll = kModel | kDataset | kSpace | kKernel;
constexpr int64_t kSpacesMax = 100;

PropertyValue text_or_null(const std::string& text) {
  return text.empty() ? PropertyValue(nullptr) : PropertyValue(std::string_view(text));
}

Value base_models(Source s) {
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

Value children(Source s) {
  Json out = Json::Object();
  for (const std::string_view relation : {"adapter", "finetune", "merge", "quantized"})
    out.set(relation, TRY(s.rq.hub().catalog().count_tagged(RepoKind::model,
                                                            cat("base_model:", relation, ":", s.repo.full_name()))));
  return out;
}

Value spaces(Source s) {
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
Value resource_group(Source s) {
  if (s.repo.resource_group_id == 0 || !hub::check_access(s.rq.caller(), s.repo, hub::Right::write).ok()) return Json();
  const auto group = TRY(hub::find_group(s.rq.hub(), s.repo.owner_id, s.repo.resource_group_id));
  return Json(Json::Object{{"id", hub::object_id_of(group.id)}, {"name", group.name}});
}

Value siblings(Source s) {
  const auto files = hub::list_files(s.rq.hub(), s.repo, s.index.head);
  // In a list a repository may have been deleted a moment ago: it has no files then.
  if (!files.ok() && files.status().code() != Code::repo_not_found) return files.status().clone();
  return siblings_json(files.ok() ? *files : std::vector<hub::TreeEntry>(), s.blobs);
}

// Models that talk are asked so; all others do what they are made for.
std::string provided_task(const hub::RepoIndex& index) {
  const bool generates = index.pipeline_tag.empty() || index.pipeline_tag == "text-generation";
  if (!generates) return index.pipeline_tag;
  const bool talks = index.config["tokenizer_config"].find("chat_template") || index.gguf.find("chat_template");
  return talks ? "conversational" : "text-generation";
}

Value inference_providers(Source s) {
  Json::Array out;
  if (runs_here(s.rq, s.index))
    out.emplace_back(Json::Object{{"provider", "hf-inference"},
                                  {"providerId", s.repo.full_name()},
                                  {"status", "live"},
                                  {"task", provided_task(s.index)}});
  return Json(std::move(out));
}

Json fact(Source s, std::string_view name) {
  return s.index.facts[name];
}

std::string subdomain(const hub::Repo& repo) {
  auto out = to_lower_ascii(cat(repo.owner, "-", repo.name));
  for (auto& c : out)
    if (c == '_' || c == '.') c = '-';
  return out;
}

// As the Hub tells it of a Space that does not run: none does here. Source: huggingface_hub 2.4.0 _space_api.py.
Json stopped() {
  return Json::Object{{"stage", "STOPPED"},
                      {"hardware", Json::Object{{"current", nullptr}, {"requested", nullptr}}},
                      {"storage", nullptr},
                      {"gcTimeout", nullptr}};
}

constexpr Property kProperties[] = {
    {"modelId", kModel, false, false, [](Source s) -> Value { return s.repo.full_name(); }},
    {"author", kAll, true, false, [](Source s) -> Value { return std::string_view(s.repo.owner); }},
    {"sha", kAll, true, false, [](Source s) -> Value { return std::string_view(s.index.head); }},
    {"lastModified", kAll, true, false, [](Source s) -> Value { return iso_time(s.repo.modified_ms); }},
    {"createdAt", kAll, true, false, [](Source s) -> Value { return iso_time(s.repo.created_ms); }},
    {"private", kAll, true, false, [](Source s) -> Value { return s.repo.is_private; }},
    {"gated", kModel | kDataset | kKernel, true, false,
     [](Source s) -> Value {
       return s.repo.gated.empty() ? PropertyValue(false) : PropertyValue(std::string_view(s.repo.gated));
     }},
    {"disabled", kAll, true, false, [](Source s) -> Value { return s.repo.is_disabled; }},
    {"downloads", kModel | kDataset | kKernel, true, false, [](Source s) -> Value { return s.repo.downloads; }},
    {"downloadsAllTime", kModel | kDataset | kKernel, true, false,
     [](Source s) -> Value { return s.repo.downloads_all_time; }},
    {"likes", kAll, true, false, [](Source s) -> Value { return s.repo.likes; }},
    {"trendingScore", kAll, true, false, [](Source s) -> Value { return s.repo.trending; }},
    {"library_name", kModel, true, false, [](Source s) -> Value { return text_or_null(s.index.library_name); }},
    {"pipeline_tag", kModel, true, false, [](Source s) -> Value { return text_or_null(s.index.pipeline_tag); }},
    {"sdk", kSpace, true, false, [](Source s) -> Value { return text_or_null(s.repo.sdk); }},
    {"subdomain", kSpace, true, false, [](Source s) -> Value { return subdomain(s.repo); }},
    {"region", kSpace, true, false, [](Source) -> Value { return std::string_view("us"); }},
    {"tags", kAll, true, false, [](Source s) -> Value { return &s.index.tags; }},
    {"usedStorage", kAll, true, false, [](Source s) -> Value { return s.index.used_storage_bytes; }},
    {"cardData", kAll, true, true, [](Source s) -> Value { return s.index.card; }},
    {"config", kModel, true, true, [](Source s) -> Value { return s.index.config; }},
    {"transformersInfo", kModel, true, true,
     [](Source s) -> Value {
       return s.index.library_name == "transformers" ? hub::transformers_info(s.index.config) : Json();
     }},
    {"safetensors", kModel, true, true, [](Source s) -> Value { return s.index.safetensors; }},
    {"gguf", kModel, true, true, [](Source s) -> Value { return s.index.gguf; }},
    {"model-index", kModel, true, true, [](Source s) -> Value { return s.index.card["model-index"]; }},
    {"evalResults", kModel, true, true, [](Source s) -> Value { return fact(s, "evalResults"); }},
    {"mask_token", kModel, true, true, [](Source s) -> Value { return fact(s, "mask_token"); }},
    {"widgetData", kModel, true, true, [](Source s) -> Value { return fact(s, "widgetData"); }},
    {"inference", kModel, true, true,
     [](Source s) -> Value { return runs_here(s.rq, s.index) ? PropertyValue(std::string_view("warm")) : nullptr; }},
    {"inferenceProviderMapping", kModel, true, true, inference_providers},
    {"baseModels", kModel, true, false, base_models},
    {"childrenModelCount", kModel, true, false, children},
    {"spaces", kModel, true, false, spaces},
    {"citation", kDataset, true, true, [](Source s) -> Value { return fact(s, "citation"); }},
    {"description", kDataset, true, true, [](Source s) -> Value { return fact(s, "description"); }},
    {"paperswithcode_id", kDataset, true, true, [](Source s) -> Value { return fact(s, "paperswithcode_id"); }},
    {"mainSize", kDataset, true, true, [](Source s) -> Value { return fact(s, "mainSize"); }},
    {"models", kSpace, true, true, [](Source s) -> Value { return fact(s, "models"); }},
    {"datasets", kSpace, true, true, [](Source s) -> Value { return fact(s, "datasets"); }},
    {"runtime", kSpace, true, false, [](Source) -> Value { return stopped(); }},
    {"resourceGroup", kAll, true, false, resource_group},
    {"xetEnabled", kAll, true, false, [](Source) -> Value { return true; }},
    {"securityRepoStatus", kAll, true, false,
     [](Source s) -> Value { return TRY(hub::repo_security(s.rq.hub(), s.repo, s.index.head)); }},
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

Status write_properties(JsonWriter& out, Source source, const std::vector<const Property*>& properties) {
  out.begin_object().field("_id", hub::object_id_of(source.repo.id)).field("id", source.repo.full_name());
  for (const auto* property : properties) {
    const auto found = TRY(property->value(source));
    std::visit(
        [&](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, const std::vector<std::string>*>) {
            out.key(property->name).begin_array();
            for (const auto& text : *value) out.value(text);
            out.end();
          } else if constexpr (std::is_same_v<T, Json>) {
            if (!value.is_null()) out.field(property->name, value);
          } else if constexpr (!std::is_same_v<T, std::nullptr_t>) {
            out.field(property->name, value);
          }
        },
        found);
  }
  out.end();
  return {};
}

}  // namespace hearth::server
