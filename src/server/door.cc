#include "server/door.h"

#include "server/commands_registry.h"

int hearth_hub_run(std::string_view verb, std::span<const std::string_view> words, hearth::Terminal& terminal) {
  return hearth::run_command(hearth::server::commands::entries(), verb, words, terminal);
}
