// Which tokenizer class a model type has, and under which names a class is known.
// Source: transformers 5.23.0 models/auto/tokenization_auto.py (TOKENIZER_MAPPING_NAMES and the lists beside it, as
// they are without mistral_common installed).
#pragma once

#include <string_view>

namespace hearth::tokenizers {

/// "" when there is none.
std::string_view class_of_model_type(std::string_view model_type);
/// MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS
bool has_incorrect_class(std::string_view model_type);
/// "BartTokenizerFast" is "RobertaTokenizer": without "Fast", and the class that an alias stands for.
std::string_view canonical_class(std::string_view name);
/// A class that tokenizes in Python code of its own, not by the parts of tokenizer.json.
bool is_own_code(std::string_view name);
/// MODEL_IDS_TO_TOKENIZERS_BACKEND, for a repository's name in lower case.
bool is_file_as_it_is(std::string_view name);

}  // namespace hearth::tokenizers
