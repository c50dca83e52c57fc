#include "inference/door.h"

#include "base/door.h"
#include "inference/commands_registry.h"

int hearth_nn_run(std::string_view verb, std::span<const std::string_view> words, hearth::Terminal& terminal) {
  return hearth::run_command(hearth::inference::commands::entries(), verb, words, terminal);
}
