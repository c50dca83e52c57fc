// The hub of the commands' data folder, which must be there: `Hub::open` would make a new one.
#pragma once

#include <memory>
#include <string>

#include "base/files.h"
#include "base/text.h"
#include "hub/hub.h"
#include "server/data_folder.h"

namespace hearth::server {

inline Result<std::unique_ptr<hub::Hub>> open_existing_hub() {
  const auto folder = data_folder();
  if (!exists(path_join(folder, "hearth.db")) && !exists(path_join(folder, "hearth.toml")))
    return Status(Code::not_found, cat(folder, " is no hub's folder; say which with --data"));
  return hub::Hub::open(folder);
}

}  // namespace hearth::server
