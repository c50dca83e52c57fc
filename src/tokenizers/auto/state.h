// What a PreTrainedTokenizer holds.
#pragma once

#include "tokenizers/auto/loading.h"
#include "tokenizers/auto_tokenizer.h"

namespace hearth {

struct PreTrainedTokenizer::State {
  explicit State(Tokenizer t) : tokenizer(std::move(t)) {}

  Tokenizer tokenizer;
  std::optional<Tokenizer> target;  // for texts in the target language, where they are encoded otherwise
  std::string class_name;
  std::string model_type;  // "BPE", ...
  std::string json;        // the whole as tokenizer.json; empty for a class in Python code, which has `files`
  std::vector<std::pair<std::string, std::string>> files;  // name and content
  Json config;                                             // tokenizer_config.json as it will be saved
  std::vector<AddedToken> added_tokens;                    // of the configuration, by id
  std::vector<std::string> model_input_names;
  std::optional<int64_t> model_max_length;
  Side padding_side = Side::right, truncation_side = Side::right;
  bool clean_up_tokenization_spaces = false;
  bool clean_up_even_bpe = false;  // clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output
  bool split_special_tokens = false;
  int32_t pad_token_type_id = 0;
  std::vector<std::pair<std::string, std::string>> special_tokens_map;
  std::vector<std::string> extra_special_tokens;
  std::vector<std::pair<std::string, std::string>> chat_templates;
  bool several_templates = false;  // a dict in Python, even if of one
};

/// What a loading comes to.
Result<PreTrainedTokenizer> finish_loading(tokenizers::Loading& l);

}  // namespace hearth
