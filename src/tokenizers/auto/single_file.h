// A vocabulary file by itself, without the folder that says how it is used.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tokenizers/auto/backend.h"
#include "tokenizers/tokenizer.h"

namespace hearth::tokenizers {

/// By its name: *.model, *.spm, *.tiktoken, and *tekken*.json.
bool is_single_file(std::string_view path);

/// A SentencePiece model as transformers' TokenizersBackend converts it; a tiktoken file with the pattern and special
/// tokens of the encoding of that name (cl100k_base.tiktoken), else as transformers reads one; Mistral's tekken.json.
/// bad_input names the file and the place.
Result<Tokenizer> read_single_file(const std::string& path);

/// The text of a tekken.json.
Result<Backend> tekken_backend(std::string_view text);
Result<Tokenizer> read_tekken(std::string_view text);

}  // namespace hearth::tokenizers
