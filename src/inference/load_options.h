// Flags of verbs that load a model: --exact, --fast, --dtype, --quantize, --backend; and those of its engine.
#pragma once

#include "base/arguments.h"
#include "base/result.h"
#include "inference/engine.h"
#include "transformers/auto.h"

namespace hearth::inference {

/// bad_input when flags contradict each other or name what is not there.
Result<LoadOptions> load_options(const Arguments& arguments);

/// --streams, --waiting, --speculate, --cache-bytes, --prefix-bytes, --prefix-file. bad_input on a value that is out of
/// range.
Result<EngineOptions> engine_options(const Arguments& arguments);

}  // namespace hearth::inference
