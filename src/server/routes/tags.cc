// GET /api/models-tags-by-type, /api/datasets-tags-by-type, /api/tasks: what lists can be narrowed by.
// Source: huggingface_hub 2.4.0 HfApi.get_model_tags, get_dataset_tags; huggingface.js packages/tasks.
#include <map>

#include "base/text.h"
#include "endpoints/endpoints.h"
#include "hub/index.h"
#include "hub/tasks.h"
#include "server/route.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

// Of each type the most used come first.
Result<Response> tags_by_type(Request& rq, hub::RepoKind kind) {
  constexpr size_t kOfTypeMax = 1000;
  const auto wanted = rq.query("type");
  std::map<std::string, Json::Array> lists;
  for (const auto& [tag, count] : TRY(hub::list_tags(rq.hub(), kind))) {
    auto type = hub::tag_type(kind, tag);
    if (!wanted.empty() && wanted != type.type) continue;
    auto& list = lists[std::string(type.type)];
    if (list.size() >= kOfTypeMax) continue;
    Json item = Json::Object{{"id", tag}, {"label", std::move(type.label)}, {"type", type.type}};
    if (const auto* task = hub::find_task(tag); task && type.type == "pipeline_tag")
      item.set("subType", task->modality);
    list.push_back(std::move(item));
  }
  Json out = Json::Object();
  for (auto& [type, list] : lists) out.set(type, std::move(list));
  return json_response(out);
}
Result<Response> model_tags(Request& rq) {
  return tags_by_type(rq, hub::RepoKind::model);
}
Result<Response> dataset_tags(Request& rq) {
  return tags_by_type(rq, hub::RepoKind::dataset);
}

// Models of a task that this hub's engines run, the most used first, of those that everybody sees.
Result<std::vector<std::string>> recommended(const Request& rq, std::string_view task) {
  constexpr size_t kMost = 5;
  std::vector<std::string> out;
  auto* engines = rq.services().endpoints;
  if (!engines) return out;
  hub::RepoQuery query;
  query.pipeline_tag = task;
  query.sort = hub::SortKey::downloads;
  query.limit = kMost;
  query.details = false;
  auto& architectures = query.any_links.emplace_back();
  for (const auto& name : engines->architectures()) architectures.push_back(cat("architecture:", name));
  for (const auto& item : TRY(hub::list_repos(rq.hub(), {}, query)).items) out.push_back(item.repo.full_name());
  return out;
}

// InferenceClient asks the first of `widgetModels` when it is given no model.
Result<Response> tasks(Request& rq) {
  Json out = Json::Object();
  for (const auto& task : hub::tasks()) {
    Json::Array models, widget_models;
    for (const auto& id : TRY(recommended(rq, task.id))) {
      models.push_back(Json::Object{{"id", id}});
      if (widget_models.empty()) widget_models.emplace_back(id);
    }
    out.set(task.id, Json::Object{{"id", task.id},
                                  {"label", task.label},
                                  {"type", task.modality},
                                  {"models", std::move(models)},
                                  {"widgetModels", std::move(widget_models)},
                                  {"datasets", Json::Array()},
                                  {"spaces", Json::Array()},
                                  {"metrics", Json::Array()}});
  }
  return json_response(out);
}

constexpr Route kRoutes[] = {{"GET", "/api/models-tags-by-type", Access::open, model_tags},
                             {"GET", "/api/datasets-tags-by-type", Access::open, dataset_tags},
                             {"GET", "/api/tasks", Access::open, tasks}};

}  // namespace
extern constinit const Routes tags_entry{kRoutes};
}  // namespace hearth::server::routes
