// How each value of tokenizer.ggml.pre cuts text: the steps of a byte-level tokenizer before ByteLevel.
// Source: llama.cpp src/llama-vocab.cpp for the names; the expressions as the models' tokenizer.json files have them,
// which that file quotes.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace hearth::tokenizers {

struct GgufPre {
  std::string_view names;             ///< separated by spaces
  std::string_view patterns[6] = {};  ///< each a Split that isolates
  bool digits = false;                ///< Digits, one by one, comes first
  bool gpt2 = false;                  ///< ByteLevel cuts by GPT-2's expression
  bool ignore_merges = false;
  bool add_bos = false;  ///< when the file does not say
  bool nfc = false;
  bool underlines = false;  ///< pieces are text with "▁" for spaces, not bytes in the byte alphabet
};

/// nullptr for a name that is not known.
const GgufPre* find_gguf_pre(std::string_view name);
/// All names, for a message.
std::string known_gguf_pres();
/// The first name of what a tokenizer.json's pre_tokenizer does; empty when it has none.
std::string gguf_pre_of(const Json& pre_tokenizer, bool ignore_merges);
/// As a tokenizer.json would have it.
Json gguf_pre_tokenizer(const GgufPre& pre);

}  // namespace hearth::tokenizers
