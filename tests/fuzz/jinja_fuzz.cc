// Any bytes as a chat template: it parses or not, renders or not, within the limits, and the same way twice.
#include "tokenizers/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto variables = hearth::Json::parse(
      R"({"messages": [{"role": "user", "content": "Hé"}, {"role": "assistant", "content": [{"text": "x", "n": 1.5}]}],
          "tools": [{"function": {"name": "f", "parameters": {}}}], "add_generation_prompt": true, "s": "a b", "n": 3})");
  const auto parsed = hearth::ChatTemplate::parse({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) return 0;
  const hearth::RenderLimits limits{.steps = 20'000, .allocated_bytes = 1 << 20, .output_bytes = 1 << 16};
  const auto first = parsed->render(*variables, limits), second = parsed->render(*variables, limits);
  const bool reads_clock = parsed->source().find("strftime_now") != std::string::npos;
  VERIFY(reads_clock || (first.ok() == second.ok() && (!first.ok() || *first == *second)), "rendering is repeatable");
  return 0;
}
