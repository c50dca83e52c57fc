// The machine as this process may use it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

struct MachineMemory {
  int64_t total_bytes = 0, free_bytes = 0;  ///< 0: unknown
  bool is_limited = false;                  ///< by a control group, to less than the machine has
};
MachineMemory machine_memory();

/// The value behind "`name`:" in a file such as /proc/cpuinfo: of its first line of that name, or empty.
std::string proc_field(const std::string& path, std::string_view name);

}  // namespace hearth
