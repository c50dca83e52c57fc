// AutoTokenizer::from_gguf: the calls of a Python tokenizer on the vocabulary inside a GGUF file.
// Source: transformers 5.23.0 tokenization_utils_tokenizers.py (gguf_file); the vocabulary itself is read as llama.cpp
// does.
#include "safetensors/file.h"
#include "tokenizers/auto/state.h"
#include "tokenizers/auto_tokenizer.h"

namespace hearth {

Result<PreTrainedTokenizer> AutoTokenizer::from_gguf(const WeightFile& file) {
  auto state = std::make_shared<PreTrainedTokenizer::State>(TRY(Tokenizer::from_gguf(file)));
  const auto& roles = state->tokenizer.special_tokens();
  const std::pair<const char*, std::optional<TokenId>> named[] = {
      {"bos_token", roles.bos}, {"eos_token", roles.eos}, {"unk_token", roles.unk}, {"pad_token", roles.pad}};
  for (const auto& [name, id] : named)
    if (id) state->special_tokens_map.emplace_back(name, state->tokenizer.id_to_token(*id).value_or(""));
  if (const auto chat = state->tokenizer.chat_template(); !chat.empty())
    state->chat_templates.emplace_back("default", std::string(chat));
  state->class_name = "the tokenizer of a GGUF file";
  state->model_input_names = {"input_ids", "attention_mask"};
  state->config = Json::Object{};
  return PreTrainedTokenizer(std::move(state));
}

}  // namespace hearth
