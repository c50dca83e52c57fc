#include "datasets/door.h"

#include "datasets/commands_registry.h"

int hearth_data_run(std::string_view verb, std::span<const std::string_view> words, hearth::Terminal& terminal) {
  return hearth::run_command(hearth::datasets::commands::entries(), verb, words, terminal);
}
