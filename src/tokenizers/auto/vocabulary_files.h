// The vocabulary of a folder without tokenizer.json: vocab.txt, vocab.json with merges.txt, and the binary files.
#pragma once

#include <string>

#include "tokenizers/auto/loading.h"

namespace hearth::tokenizers {

/// Fills `vocab` and `merges`, or the whole backend, from the files that the class names; leaves all empty when there
/// are none. Source: transformers 5.23.0 TokenizersBackend.convert_to_native_format.
Status read_vocabulary_files(const std::string& folder, Loading& loading);

}  // namespace hearth::tokenizers
