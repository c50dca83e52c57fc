// Any bytes as a tokenizer.json: it loads or not; what loads encodes and decodes any text without harm.
#include "tokenizers/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tokenizer = hearth::Tokenizer::from_json({reinterpret_cast<const char*>(data), size});
  if (!tokenizer.ok()) return 0;
  // With the places: models and pre-tokenizers then go another way, to the same ids.
  const auto aligned = tokenizer->encode("Hé  ab<s>12\n\t😀 \x01 aaaaaaaa", {.offsets = hearth::OffsetUnit::characters});
  const auto encoding = tokenizer->encode("Hé  ab<s>12\n\t😀 \x01 aaaaaaaa");
  VERIFY(aligned.ok() == encoding.ok(), "both ways take the text");
  if (!encoding.ok()) return 0;
  VERIFY(aligned->ids == encoding->ids, "both ways have the same ids");
  for (size_t i = 0; i < aligned->size(); ++i) static_cast<void>(tokenizer->token_text(*aligned, i).size());
  for (size_t i = 0; i < encoding->size(); ++i) {
    const auto id = encoding->ids[i];  // a post-processor's ids are whatever the file says
    VERIFY(encoding->special_tokens_mask[i] == 1 || (id >= 0 && id < tokenizer->vocab_size()),
           "ids are of the vocabulary");
  }
  hearth::DecodeStream stream(*tokenizer);
  std::string streamed;
  for (const auto id : encoding->ids) streamed += stream.push(id);
  static_cast<void>(tokenizer->decode(encoding->ids).size() + streamed.size() + stream.flush().size());
  return 0;
}
