// Any bytes as a Xet shard; what can be read is written and read again.
#include "huggingface_hub/xet_shard.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace xet = hearth::xet;
  const auto shard = xet::read_shard(std::as_bytes(std::span(data, size)));
  if (!shard.ok()) return 0;
  const auto text = xet::write_shard(*shard, std::nullopt);
  const auto again = xet::read_shard(std::as_bytes(std::span(text)));
  VERIFY(again.ok() && again->files.size() == shard->files.size() && again->xorbs.size() == shard->xorbs.size(),
         "what was read can be written");
  return 0;
}
