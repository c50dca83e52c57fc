// Any bytes as the body of a commit.
#include <cstdint>
#include <string_view>

#include "server/commit_payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = hearth::server::read_commit_payload({reinterpret_cast<const char*>(data), size});
  if (read.ok() && read->operations.size() > size) __builtin_trap();
  return 0;
}
