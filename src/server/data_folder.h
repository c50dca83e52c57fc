// The data folder of the commands: HEARTH_DATA (which --data sets), else ./data.
#pragma once

#include <string>

#include "base/files.h"

namespace hearth::server {

inline std::string data_folder() {
  auto folder = env("HEARTH_DATA");
  return folder.empty() ? "data" : folder;
}

}  // namespace hearth::server
