// GET /api/models-tags-by-type, /api/datasets-tags-by-type, /api/tasks: what lists can be narrowed by.
// Source: huggingface_hub 2.4.0 HfApi.get_model_tags, get_dataset_tags; huggingface.js packages/tasks.
#include <map>

#include "hub/index.h"
#include "hub/tasks.h"
#include "server/route.h"

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

Result<Response> tasks(Request&) {
  Json out = Json::Object();
  for (const auto& task : hub::tasks())
    out.set(task.id, Json::Object{{"id", task.id},
                                  {"label", task.label},
                                  {"type", task.modality},
                                  {"models", Json::Array()},
                                  {"datasets", Json::Array()},
                                  {"spaces", Json::Array()},
                                  {"metrics", Json::Array()}});
  return json_response(out);
}

constexpr Route kRoutes[] = {{"GET", "/api/models-tags-by-type", Access::open, model_tags},
                             {"GET", "/api/datasets-tags-by-type", Access::open, dataset_tags},
                             {"GET", "/api/tasks", Access::open, tasks}};

}  // namespace
extern constinit const Routes tags_entry{kRoutes};
}  // namespace hearth::server::routes
