// Any bytes as JSON: what is read can be written, and reads back as the same text.
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto json = hearth::Json::parse({reinterpret_cast<const char*>(data), size});
  if (!json.ok()) return 0;
  const auto text = json->dump();
  const auto again = hearth::Json::parse(text);
  VERIFY(again.ok() && again->dump() == text, "written JSON reads back");
  return 0;
}
