// A file that is on this machine already becomes an object of the store, by a hard link where the file system allows
// it.
#pragma once

#include <string>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct AdoptedFile {
  std::string sha256;
  uint64_t size_bytes = 0;
  bool linked = false;  ///< no bytes were copied
};

/// Hashes the file and stores it. With a link, the file's other names stay, and it becomes read-only: the store's files
/// never change. `expected`, when not empty, is what its SHA-256 must be (bad_input otherwise, and nothing is stored).
Result<AdoptedFile> adopt_file(Hub& hub, const std::string& path, std::string_view expected = {});

}  // namespace hearth::hub
