// The scanner of pickles and torch's zip archives.
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "hub/scan/pickle.h"
#include "hub/scan/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  const auto found = hearth::hub::scan::scan_pickle(file);
  if (found.ok()) static_cast<void>(found->safety());
  const auto members = hearth::zip_members(file);
  if (!members.ok()) return 0;
  for (const auto& member : *members) static_cast<void>(hearth::hub::scan::read_member(file, member, 1 << 16).ok());
  return 0;
}
