// One value of an Arrow array as JSON. Private to datasets/.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>

#include "base/json.h"

namespace hearth::datasets {

/// Row `row` of `array`: null, booleans, numbers, strings, lists, structs (objects), maps (lists of [key, value]
/// pairs). Binary is base64; decimals, dates, times and durations are Arrow's text for them. uint64 above int64 becomes
/// a double, as in Json.
Json value_json(const arrow::Array& array, int64_t row);

}  // namespace hearth::datasets
