// Any bytes as a tokenizer.json: it loads or not; what loads encodes and decodes any text without harm.
#include "tokenizers/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tokenizer = hearth::Tokenizer::from_json({reinterpret_cast<const char*>(data), size});
  if (!tokenizer.ok()) return 0;
  const auto encoding = tokenizer->encode("Hé  ab<s>12\n\t😀 \x01 aaaaaaaa");
  if (!encoding.ok()) return 0;
  for (const auto id : encoding->ids) VERIFY(id >= 0 && id < tokenizer->vocab_size(), "ids are of the vocabulary");
  hearth::DecodeStream stream(*tokenizer);
  std::string streamed;
  for (const auto id : encoding->ids) streamed += stream.push(id);
  static_cast<void>(tokenizer->decode(encoding->ids).size() + streamed.size() + stream.flush().size());
  return 0;
}
