// A tokenizer.json as the metadata of a GGUF file would carry it.
// Source: llama.cpp convert_hf_to_gguf.py (_set_vocab_gpt2, _set_vocab_llama_hf, T5Model.set_vocab); ggml docs/gguf.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth {

/// GgufVocabularyView's fields, owned. `scores` are those of "llama" and "t5", `merges` and `pre` of "gpt2".
struct GgufVocabulary {
  std::string model, pre;
  std::vector<std::string> tokens, merges;
  std::vector<int32_t> token_types;
  std::vector<float> scores;
  std::optional<bool> add_space_prefix, remove_extra_whitespaces;
  std::vector<uint8_t> charsmap;  ///< SentencePiece's normalization, of "t5"
};

/// Byte-level BPE whose regular expression has a name in GGUF, SentencePiece's BPE and Unigram. Tokens up to `size`
/// that the file lacks are unused ones. unsupported for other kinds.
Result<GgufVocabulary> gguf_vocabulary(const Json& tokenizer_json, int64_t size);

}  // namespace hearth
