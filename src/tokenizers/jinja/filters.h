// The tables that find_filter looks through.
#pragma once

#include <span>
#include <string_view>

#include "tokenizers/jinja/builtins.h"

namespace hearth::jinja {

struct FilterRow {
  std::string_view name;
  FilterFunction function;
};

/// Those that take and give sequences: map, select, sort, join, ...
std::span<const FilterRow> sequence_filters();

}  // namespace hearth::jinja
