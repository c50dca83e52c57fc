// pipeline(): a task over one checkpoint, as Python's pipeline(task, model): JSON in, as it takes Python's values, and
// JSON out, as it returns them. A task is one file of pipelines/.
// Source: transformers 5.23.0 pipelines/__init__.py and base.py; 4.57 for the tasks that 5.0 has left out.
#pragma once

#include <initializer_list>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "transformers/auto.h"

namespace hearth {

class PipelineParameters;

/// A loaded checkpoint that does one task. Immutable: any number of threads may call one at once.
class Pipeline {
 public:
  virtual ~Pipeline() = default;
  /// As it was asked for, aliases resolved: "text-classification", "translation_en_to_de".
  const std::string& task() const { return task_; }
  virtual const PreTrainedModel& model() const = 0;

  /// pipeline(inputs, **parameters). `parameters`: an object, or null. bad_input names the parameter that is not known
  /// or wrong, and what of `inputs` has the wrong form; cancelled between two passes once `stop` is asked for.
  Result<Json> operator()(const Json& inputs, const Json& parameters = {}, std::stop_token stop = {}) const;

 private:
  friend Result<std::shared_ptr<const Pipeline>> pipeline(std::string_view, const std::string&, const LoadOptions&);
  /// Asks `parameters` for all that the task knows; those that nobody asked for are refused by who calls.
  virtual Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const = 0;

  std::string task_;
};

/// A file of pipelines/. Literal.
struct PipelineTask {
  std::initializer_list<const char*> tasks;
  std::initializer_list<std::pair<const char*, const char*>> aliases = {};  ///< alias, task
  /// Checkpoints with such a head do the first of `tasks` unless their card names another.
  std::initializer_list<Task> heads = {};
  Result<std::unique_ptr<Pipeline>> (*build)(std::string_view task, const std::string& path,
                                             const LoadOptions& options) = nullptr;
};

/// Loads `path`, a folder or a weight file, for a task; empty: default_task's. bad_input names the tasks there are.
Result<std::shared_ptr<const Pipeline>> pipeline(std::string_view task, const std::string& path,
                                                 const LoadOptions& options = {});
/// The task of a name or an alias: "ner" is "token-classification". bad_input for one that is not known.
Result<std::string> pipeline_task(std::string_view name);
/// All tasks, in the order of their names.
std::vector<std::string> pipeline_tasks();
/// What a folder is made for: `pipeline_tag` of its card (README.md), else what sentence-transformers wrote, else the
/// head that `architectures` names.
Result<std::string> default_task(const std::string& path);

}  // namespace hearth
