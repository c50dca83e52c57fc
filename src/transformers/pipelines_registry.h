// The tasks of pipeline(): each file of pipelines/ is one, or several that differ in words alone.
#pragma once

#include <span>

#include "transformers/pipeline.h"

namespace hearth::transformers::pipelines {
using Entry = PipelineTask;
std::span<const Entry* const> entries();
}  // namespace hearth::transformers::pipelines
