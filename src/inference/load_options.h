// The flags that every verb of a model shares: --exact, --fast, --dtype, --backend.
#pragma once

#include "base/arguments.h"
#include "base/result.h"
#include "transformers/auto.h"

namespace hearth::inference {

/// bad_input when flags contradict each other or name what is not there.
Result<LoadOptions> load_options(const Arguments& arguments);

}  // namespace hearth::inference
