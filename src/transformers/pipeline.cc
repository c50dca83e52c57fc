#include "transformers/pipeline.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "transformers/pipeline_parts.h"
#include "transformers/pipelines_registry.h"

namespace hearth {
namespace {

using transformers::pipelines::entries;

/// "translation_en_to_de" is "translation" with its languages.
std::string_view family_of_tasks(std::string_view task) {
  constexpr std::string_view kTranslation = "translation_";
  return task.starts_with(kTranslation) && contains(task, "_to_") ? "translation" : task;
}

const PipelineTask* find_task(std::string_view task) {
  const auto named = family_of_tasks(task);
  for (const auto* entry : entries())
    for (const std::string_view one : entry->tasks)
      if (one == named) return entry;
  return nullptr;
}

/// The value of `pipeline_tag` in the YAML block that a card begins with; empty without one.
std::string card_tag(std::string_view readme) {
  if (!readme.starts_with("---")) return {};
  const auto lines = split(readme, '\n');
  constexpr std::string_view kKey = "pipeline_tag:";
  for (size_t i = 1; i < lines.size() && !lines[i].starts_with("---"); ++i) {
    if (!lines[i].starts_with(kKey)) continue;
    auto value = trim(lines[i].substr(kKey.size()));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
      value = value.substr(1, value.size() - 2);
    return std::string(value);
  }
  return {};
}

}  // namespace

Result<Json> Pipeline::operator()(const Json& inputs, const Json& parameters, std::stop_token stop) const {
  if (!parameters.is_null() && !parameters.is_object())
    return Status(Code::bad_input, "the parameters are not an object: {\"top_k\": 2}");
  PipelineParameters asked(parameters);
  auto out = run(inputs, asked, stop);
  if (!out.ok()) return std::move(out).status().with(task_);
  return out;
}

Result<std::shared_ptr<const Pipeline>> pipeline(std::string_view task, const std::string& path,
                                                 const LoadOptions& options) {
  const auto name = task.empty() ? TRY(default_task(path)) : TRY(pipeline_task(task));
  auto made = TRY(find_task(name)->build(name, path, options));
  made->task_ = name;
  return std::shared_ptr<const Pipeline>(std::move(made));
}

Result<std::string> pipeline_task(std::string_view name) {
  for (const auto* entry : entries())
    for (const auto& [alias, task] : entry->aliases)
      if (name == alias) return std::string(task);
  if (find_task(name)) return std::string(name);
  return Status(Code::bad_input, cat("the task '", name, "' is not known; there are: ", join(pipeline_tasks(), ", ")));
}

std::vector<std::string> pipeline_tasks() {
  std::vector<std::string> out;
  for (const auto* entry : entries()) out.insert(out.end(), entry->tasks.begin(), entry->tasks.end());
  std::ranges::sort(out);
  return out;
}

Result<std::string> default_task(const std::string& path) {
  if (path.ends_with(".gguf")) return pipeline_task("text-generation");  // what lies beside it is not of it
  const auto folder = model_folder(path);
  if (const auto readme = read_file(path_join(folder, "README.md"), /*max_bytes=*/16 << 20); readme.ok())
    if (const auto tag = pipeline_task(card_tag(*readme)); tag.ok()) return *tag;
  if (const auto text = read_file(path_join(folder, "config_sentence_transformers.json"), /*max_bytes=*/1 << 20);
      text.ok() && contains(*text, "\"CrossEncoder\""))
    return pipeline_task("text-ranking");
  if (exists(path_join(folder, "modules.json"))) return pipeline_task("sentence-similarity");
  if (!exists(path_join(folder, "config.json"))) return pipeline_task("text-generation");  // a GGUF file
  const auto config = TRY(Config::from_pretrained(folder));
  if (config.raw["sentence_transformers"].is_object()) return pipeline_task("text-ranking");
  const auto* family = TRY(family_of(config.model_type));
  const auto named = config.architectures.empty() ? std::string() : config.architectures.front();
  for (const auto& row : family->heads) {
    if (row.architecture != named) continue;
    for (const auto* entry : entries())
      if (std::ranges::find(entry->heads, row.task) != entry->heads.end()) return std::string(*entry->tasks.begin());
  }
  return Status(Code::bad_input, cat("no task is known of a checkpoint of ", named.empty() ? "no architecture" : named,
                                     "; name one: ", join(pipeline_tasks(), ", ")));
}

}  // namespace hearth
