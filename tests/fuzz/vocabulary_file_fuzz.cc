// Any bytes as a SentencePiece model, a tiktoken file and a tekken.json: they are read or refused; the vocabulary of
// what is read makes a model or an error, and the model cuts a text.
#include "tokenizers/auto/merges.h"
#include "tokenizers/auto/sentencepiece.h"
#include "tokenizers/auto/single_file.h"
#include "tokenizers/auto/tiktoken.h"
#include "tokenizers/pipeline/parts.h"
#include "tokenizers/python/sentencepiece_processor.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::tokenizers;  // NOLINT(google-build-using-namespace): a program of one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto ranks = read_tiktoken(bytes); ranks.ok() && ranks->size() < 1000) {
    const auto config = tiktoken_model(*ranks);
    static_cast<void>(build_model({config, "model"}).ok());
  }
  if (const auto tekken = read_tekken(bytes); tekken.ok()) VERIFY(tekken->encode("a b").ok(), "it encodes");
  const auto model = SentencePieceModel::parse(bytes);
  if (!model.ok()) return 0;
  VERIFY(model->pieces.size() <= size, "each piece takes bytes of the file");
  std::vector<std::string_view> texts;
  for (const auto& piece : model->pieces) texts.push_back(piece.text);
  if (texts.size() < 1000) static_cast<void>(merges_of_ids(texts, {}).size());
  const auto processor = SentencePieceProcessor::make(*model);
  if (!processor.ok()) return 0;
  const std::string_view text = "a b  ▁é<0x41>";
  std::vector<std::string_view> pieces(texts.begin(),
                                       texts.begin() + static_cast<ptrdiff_t>(std::min<size_t>(texts.size(), 99)));
  const auto tokens = processor->encode(text);
  for (const auto& token : tokens) {
    VERIFY(token.place.begin <= token.place.end && token.place.end <= text.size(), "a place in the text");
    pieces.push_back(token.text);
  }
  static_cast<void>(processor->decode(pieces).size());
  return 0;
}
