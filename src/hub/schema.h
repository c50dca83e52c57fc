// The hub's tables, as a list of migrations.
#pragma once

#include <span>

#include "store/db.h"

namespace hearth::hub {

std::span<const store::Migration> migrations();

}  // namespace hearth::hub
