// The vocabulary of a folder without tokenizer.json: vocab.txt, vocab.json with merges.txt, and the binary files.
#pragma once

#include <string>

#include "tokenizers/auto/loading.h"
#include "tokenizers/auto/sentencepiece.h"

namespace hearth::tokenizers {

/// Fills `vocab` and `merges`, or the whole backend, from the files that the class names; leaves all empty when there
/// are none. Source: transformers 5.23.0 TokenizersBackend.convert_to_native_format.
Status read_vocabulary_files(const std::string& folder, Loading& loading);

/// Fills them from a SentencePiece model; for a class without code of its own the whole backend.
Status take_sentencepiece(Loading& loading, SentencePieceModel model);

}  // namespace hearth::tokenizers
