// The steps of the database's schema, a file each, in the order of their names (m0001_, m0002_, ...). A step is applied
// once, under its name, and never edited after a release.
#pragma once

#include <span>

#include "store/db.h"

namespace hearth::hub::migrations {

using Entry = store::Migration;
std::span<const Entry* const> entries();

}  // namespace hearth::hub::migrations
