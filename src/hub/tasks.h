// The tasks of machine learning as the Hub names them, and what kind of tag a tag is.
// Source: huggingface.js packages/tasks/src/pipelines.ts (PIPELINE_DATA); ISO 639-1.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "hub/repo_id.h"

namespace hearth::hub {

struct Task {
  std::string_view id, label, modality;
};
/// Every task that pipeline_tag may name.
std::span<const Task> tasks();
const Task* find_task(std::string_view id);

/// The inputs that a model's widget offers when its card names none: a list of examples; null for other tasks.
Json default_widget(std::string_view task);

struct TagType {
  std::string_view type;  ///< "pipeline_tag", "library", "license", "language", "dataset", "region", "other", ...
  std::string label;
};
/// How models-tags-by-type and datasets-tags-by-type file a tag.
TagType tag_type(RepoKind kind, std::string_view tag);

}  // namespace hearth::hub
