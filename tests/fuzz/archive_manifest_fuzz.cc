// Any bytes as the manifest of an archive; what is read is the same after it was written and read again.
#include <cstdint>
#include <string_view>

#include "hub/archive_manifest.h"

using hearth::hub::format_archive_manifest;
using hearth::hub::parse_archive_manifest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = parse_archive_manifest({reinterpret_cast<const char*>(data), size});
  if (!read.ok()) return 0;
  const auto again = parse_archive_manifest(format_archive_manifest(*read));
  if (!again.ok() || again->size() != read->size()) __builtin_trap();
  for (size_t i = 0; i < read->size(); ++i) {
    const auto &a = (*read)[i], &b = (*again)[i];
    if (a.id.full() != b.id.full() || a.bundle != b.bundle || a.refs != b.refs || a.objects != b.objects)
      __builtin_trap();
  }
  return 0;
}
