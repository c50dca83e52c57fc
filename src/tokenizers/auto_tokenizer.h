// AutoTokenizer: a model's folder read as transformers' AutoTokenizer reads it, and the tokenizer with the calls that
// Python's has. A Tokenizer (tokenizer.h) takes a tokenizer.json as it is; transformers does so only for some classes:
// for the others it takes the vocabulary out of the file and makes normalizer, pre-tokenizer and decoder from code.
// Source: transformers 5.23.0 models/auto/tokenization_auto.py, tokenization_utils_tokenizers.py,
// tokenization_utils_base.py.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/trainer.h"

namespace hearth {

enum class PaddingStrategy : uint8_t { do_not_pad, longest, max_length };

/// `truncation` of Python: `unset` is None (then max_length alone cuts), do_not_truncate False, longest_first True.
enum class Truncate : uint8_t { unset, do_not_truncate, longest_first, only_first, only_second };

/// The arguments of Python's tokenizer(...). An absent one takes what the tokenizer's configuration says.
struct CallOptions {
  bool add_special_tokens = true;
  PaddingStrategy padding = PaddingStrategy::do_not_pad;
  Truncate truncation = Truncate::unset;
  std::optional<int64_t> max_length = {};
  int64_t stride = 0;
  std::optional<int64_t> pad_to_multiple_of = {};
  std::optional<Side> padding_side = {};
  std::optional<bool> return_token_type_ids = {}, return_attention_mask = {};
  bool return_overflowing_tokens = false;
  bool return_special_tokens_mask = false;
  bool return_offsets_mapping = false;
  bool return_length = false;
  std::optional<bool> split_special_tokens = {};
  /// The texts are of the target language, as Python's `text_target`: what a translation model is trained to answer.
  bool as_target = false;
};

/// What tokenizer(...) returns, one encoding a row.
struct BatchEncoding {
  std::vector<Encoding> encodings;
  /// Which input a row came from, if overflowing tokens were asked for: they are rows of their own.
  std::vector<int64_t> overflow_to_sample_mapping;
  std::vector<std::vector<uint8_t>> assistant_masks;  ///< one a row, from apply_chat_template if asked for
  std::vector<std::string> keys;                      ///< what Python would return, in its order

  /// {"input_ids": [[...], ...], ...}; not `batched`: of the one row, without the outer list.
  Json to_json(bool batched = true) const;
};

/// The arguments of apply_chat_template.
struct ChatOptions {
  Json tools, documents;                     ///< list, or null
  std::optional<std::string> chat_template;  ///< a template, or the name of one
  bool add_generation_prompt = false;
  /// Leaves the last message open; the name of the field to continue, "content" for Python's True.
  std::optional<std::string> continue_final_message;
  Json variables;  ///< an object: what else the template may use
};

struct AutoTokenizerOptions {
  /// The repository's name, when the folder is a copy of one: a few names have rules of their own.
  std::string name_or_path = {};
  Json kwargs = {};  ///< an object, over tokenizer_config.json: {"add_prefix_space": true}
};

/// The arguments of train_new_from_iterator behind the texts and the size.
struct TrainNewOptions {
  std::vector<AddedToken> new_special_tokens = {};
  /// Special tokens that get another text: the old one, the new one.
  std::vector<std::pair<std::string, std::string>> special_tokens_map = {};
  /// Changes what the tokenizer says of its trainer: Python's other keyword arguments.
  std::function<void(Trainer&)> change_trainer = {};
  TrainingOptions training = {};
};

/// A tokenizer with its configuration. Immutable and cheap to copy; any number of threads may use one at once.
class PreTrainedTokenizer {
 public:
  /// Encodes each input, pads and cuts them as asked. bad_input as Python's ValueError.
  Result<BatchEncoding> operator()(std::span<const EncodeInput> inputs, const CallOptions& options = {}) const;
  Result<std::vector<TokenId>> encode(std::string_view text, const CallOptions& options = {}) const;
  /// `clean_up_tokenization_spaces` absent: as the configuration says.
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens = false,
                     std::optional<bool> clean_up_tokenization_spaces = {}) const;
  std::vector<std::string> batch_decode(std::span<const std::vector<TokenId>> sequences,
                                        bool skip_special_tokens = false,
                                        std::optional<bool> clean_up_tokenization_spaces = {}) const;
  /// The text of tokens as the vocabulary spells them: what the decoder makes of them, or spaces between.
  std::string convert_tokens_to_string(std::vector<std::string> tokens) const;

  /// The prompt of a conversation.
  Result<std::string> apply_chat_template(const Json& conversation, const ChatOptions& options = {}) const;
  /// The prompts of several conversations, encoded; with `return_assistant_tokens_mask` the tokens that
  /// {% generation %} blocks made are marked.
  Result<BatchEncoding> apply_chat_template(std::span<const Json> conversations, const ChatOptions& options,
                                            CallOptions call, bool return_assistant_tokens_mask = false) const;
  /// The source of the template that is used for these arguments. bad_input when there is none.
  Result<std::string> get_chat_template(const std::optional<std::string>& chat_template = {},
                                        bool has_tools = false) const;
  /// By name; one without a name is "default".
  const std::vector<std::pair<std::string, std::string>>& chat_templates() const;

  /// The unknown token's id for a token that there is not.
  std::optional<TokenId> convert_tokens_to_ids(std::string_view token) const;
  /// "bos_token" and the like, those that are set.
  const std::vector<std::pair<std::string, std::string>>& special_tokens_map() const;
  std::optional<std::string> special_token(std::string_view name) const;
  std::vector<std::string> all_special_tokens() const;
  const std::vector<std::string>& extra_special_tokens() const;

  /// As transformers names it: "LlamaTokenizer", "TokenizersBackend".
  const std::string& class_name() const;
  const std::vector<std::string>& model_input_names() const;
  std::optional<int64_t> model_max_length() const;  ///< none: no limit
  Side padding_side() const;
  Side truncation_side() const;
  int32_t pad_token_type_id() const;
  /// Whether text that spells a special token is text, unless a call says otherwise.
  bool split_special_tokens() const;

  /// False of a class that tokenizes in Python code of its own: transformers knows no offsets then.
  bool is_fast() const;
  /// What the model puts before pieces inside a word ("##"); empty for none.
  std::string continuing_subword_prefix() const;

  const Tokenizer& backend_tokenizer() const;
  /// Writes tokenizer.json, tokenizer_config.json and the chat templates; Python loads the same tokenizer from them.
  Status save_pretrained(const std::string& folder) const;

  /// A tokenizer of the same class, with the same special tokens, trained on other texts. unsupported for a class in
  /// Python code.
  Result<PreTrainedTokenizer> train_new_from_iterator(const NextText& next, int64_t vocab_size,
                                                      const TrainNewOptions& options = {},
                                                      std::stop_token stop = {}) const;

  struct State;  ///< private to the room
  explicit PreTrainedTokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const State> state_;
};

struct AutoTokenizer {
  /// Whether from_pretrained reads a file of this name, if a folder has it.
  static bool is_read(std::string_view file_name);
  /// Whether such a file can be what a tokenizer is made of.
  static bool is_vocabulary(std::string_view file_name);
  /// Reads a model's folder. unsupported for a class that tokenizes in Python code of its own; bad_input and not_found
  /// name the file.
  static Result<PreTrainedTokenizer> from_pretrained(const std::string& folder,
                                                     const AutoTokenizerOptions& options = {});
  /// The vocabulary, the special tokens and the chat template of a GGUF file. It cannot be trained anew, and saves no
  /// files of its own.
  static Result<PreTrainedTokenizer> from_gguf(const WeightFile& file);
};

}  // namespace hearth
