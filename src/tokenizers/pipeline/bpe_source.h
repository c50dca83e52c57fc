// What byte-pair encoding is built from, whichever file it came in.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/pipeline/parts.h"
#include "tokenizers/pipeline/vocabulary.h"

namespace hearth::tokenizers {

struct BpeOptions {
  std::string unk_token = {};
  std::string continuing_subword_prefix = {};
  std::string end_of_word_suffix = {};
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
};

/// `merges` in the order of their ranks. bad_input says which merge has a part outside the vocabulary.
Built<Model> make_bpe(Vocabulary vocabulary, std::span<const std::pair<std::string_view, std::string_view>> merges,
                      BpeOptions options);

}  // namespace hearth::tokenizers
