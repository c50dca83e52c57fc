#include "base/machine.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace hearth {

std::string proc_field(const std::string& path, std::string_view name) {
  const auto text = read_file(path, 1 << 22);
  if (!text.ok()) return {};
  for (const auto line : split(*text, '\n')) {
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == name)
      return std::string(trim(line.substr(colon + 1)));
  }
  return {};
}

MachineMemory machine_memory() {
  const auto row = [](std::string_view name) {
    const auto text = proc_field("/proc/meminfo", name);
    return parse_int(split(text, ' ').front()).value_or(0) * 1024;
  };
  MachineMemory out{row("MemTotal"), row("MemAvailable")};
  const auto limit_text = read_file("/sys/fs/cgroup/memory.max", 64);
  const auto used_text = read_file("/sys/fs/cgroup/memory.current", 64);
  if (!limit_text.ok() || !used_text.ok()) return out;
  const auto limit = parse_int(trim(*limit_text)), used = parse_int(trim(*used_text));
  if (limit && used && *limit < out.total_bytes)
    return {*limit, std::min(out.free_bytes, std::max<int64_t>(*limit - *used, 0)), true};
  return out;
}

}  // namespace hearth
