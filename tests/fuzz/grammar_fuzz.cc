// Any bytes as a regular expression (r), a JSON Schema (j) or a GBNF grammar (g): it is refused or taken, and a text
// that it writes is one that it takes.
#include "transformers/grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto grammar = [&]() -> hearth::Result<hearth::Grammar> {
    if (data[0] == 'r') return hearth::Grammar::from_regex(text);
    if (data[0] == 'g') return hearth::Grammar::from_gbnf(text);
    return hearth::Grammar::from_json_schema(TRY(hearth::Json::parse(text)));
  }();
  if (!grammar.ok()) return 0;
  if (const auto written = grammar->sample(1, 100)) VERIFY(grammar->accepts(*written), "what is written is taken");
  return 0;
}
