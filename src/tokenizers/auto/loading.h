// Loading: one run of a Python tokenizer class's from_pretrained, step by step as Python takes them; what the classes
// in classes/ work on. A class with its own __init__ takes from tokenizer.json the vocabulary, the merges, the
// post-processor and the character map, and makes normalizer, pre-tokenizer and decoder from code; the others take the
// file as it is.
// Source: transformers 5.23.0 tokenization_utils_tokenizers.py (TokenizersBackend.__init__,
// convert_to_native_format), tokenization_utils_base.py (PreTrainedTokenizerBase.__init__, _from_pretrained).
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "tokenizers/auto/backend.h"

namespace hearth::tokenizers {

struct Loading;

/// A tokenizer class of transformers.
struct TokenizerClass {
  std::string_view name;
  /// "BPE", "WordPiece" or "Unigram"; "" takes any.
  std::string_view model = {};
  /// The special tokens that its __init__ names, and their defaults: "unk_token=<unk> pad_token=" (None).
  std::string_view tokens = {};
  /// What __init__ does before the one of its base class: makes the parts. None: the class has no __init__.
  Status (*build)(Loading&) = nullptr;
  /// What it does after: mostly the post-processor, which needs the ids of special tokens.
  Status (*finish)(Loading&) = nullptr;
  /// Whether tokenizer.json is only mined for its vocabulary: Python asks if the class itself has an __init__.
  bool rebuilds = true;
  std::string_view model_input_names = "input_ids attention_mask";
  Side padding_side = Side::right;
  std::string_view vocab_file = {}, merges_file = {};
  /// Of a SentencePiece file: puts the class's own tokens around its pieces (convert_from_spm of its converter).
  void (*arrange)(Loading&) = nullptr;
  /// Of a translation model, after `finish`: the post-processor for texts in the target language.
  Status (*finish_target)(Loading&) = nullptr;
  /// A class that tokenizes in Python code, without tokenizer.json: reads its files and makes `parts`.
  Status (*build_python)(Loading&, const std::string& folder) = nullptr;
};

/// A row of the registry classes/: related classes.
struct TokenizerClasses {
  std::span<const TokenizerClass> rows;
};

/// A special token as Python has it: a str (`is_text`), or an AddedToken with its flags.
struct TokenValue {
  AddedToken token;
  bool is_text = true;
};

struct BpeConfig {
  Json unk_token = {};
  std::optional<std::string_view> continuing_subword_prefix = {}, end_of_word_suffix = {};  ///< "" is not none
  bool fuse_unk = false, byte_fallback = false, ignore_merges = false;
};

struct Loading {
  const TokenizerClass* type = nullptr;
  Json kwargs;                           ///< of __init__: tokenizer_config.json and what was asked for
  Json vocab, merges;                    ///< from whichever file had them; moved into the model
  Json charsmap;                         ///< _spm_precompiled_charsmap in base64, or null
  Json file_post_processor;              ///< that of tokenizer.json
  Json truncation, padding;              ///< those of tokenizer.json
  std::vector<AddedToken> added_tokens;  ///< added_tokens_decoder: by id, which they have
  Backend backend;
  std::vector<std::pair<std::string, TokenValue>> special_tokens;  ///< named ones that are set, in Python's order
  std::vector<TokenValue> extra_special_tokens;
  bool add_bos_token = false, add_eos_token = false;
  int32_t pad_token_type_id = 0;
  std::vector<std::string> model_input_names;
  std::vector<AddedToken> python_tokens;  ///< of a class with `build_python`: all added tokens with their ids
  /// Of such a class: the whole, the same for the target language, and the files that it was made of.
  std::shared_ptr<Tokenizer::Parts> parts, target_parts;
  std::vector<std::pair<std::string, std::string>> files;
  Side padding_side = Side::right, truncation_side = Side::right;

  /// A keyword argument; `otherwise` when absent or null.
  bool flag(std::string_view name, bool otherwise) const;
  std::string_view text(std::string_view name, std::string_view otherwise = {}) const;
  /// The str of a special token argument, before the base class has them: "" for None.
  std::string argument(std::string_view name) const;
  /// The same; `otherwise` for None.
  std::string argument(std::string_view name, std::string_view otherwise) const;
  /// Of a Unigram vocabulary: `before`, which score 0, the pieces from number `skip` on, and `after`, which score 0.
  void enclose_pieces(size_t skip, const std::vector<std::string>& before, const std::vector<std::string>& after = {});
  /// Makes an AddedToken of a special token argument that is a str.
  void wrap(std::string_view name, AddedToken flags);

  /// Models from `vocab` and `merges`.
  Status set_bpe(const BpeConfig& config);
  Status set_wordpiece();
  Status set_unigram(int64_t unk_id, bool byte_fallback = false);
  /// Where a Unigram vocabulary has a token; `otherwise` if nowhere.
  int64_t unigram_index(std::string_view token, int64_t otherwise, bool only_with_score_zero = false) const;

  /// The str of a named special token; nothing for None.
  std::optional<std::string> token(std::string_view name) const;
  /// As convert_tokens_to_ids: the unknown token's id for what there is not.
  std::optional<TokenId> id_of(std::string_view text) const;
  /// TemplateProcessing from words: "$A", "$B:1", the name of a special token ("cls_token:2"), or a token itself.
  Status set_template(std::string_view single, std::string_view pair);
  /// The same with tokens that have spaces in their text, in front and behind.
  Status set_template(const std::vector<std::string>& prefix, const std::vector<std::string>& suffix,
                      std::string_view suffix_type_of_pair = "0", std::string_view second_type = "0");
  /// BertProcessing or RobertaProcessing around the named special tokens.
  Status set_cls_sep(std::string_view type, std::string_view cls, std::string_view sep, Json::Object more = {});
  /// update_post_processor: bos and eos around each text as the flags say.
  Status update_post_processor();

  /// What PreTrainedTokenizerBase.__init__ takes of its arguments: the special tokens, the sides.
  Status read_arguments();
  /// PreTrainedTokenizerBase.__init__ and TokenizersBackend.__init__.
  Status init_base();
  bool rebuilt = false;  ///< the parts are from code or a conversion, not from tokenizer.json
  std::optional<bool> update_after;

 private:
  Status read_special_tokens();
};

/// nullptr for a class that transformers has not or Hearth does not read.
const TokenizerClass* find_tokenizer_class(std::string_view name);

}  // namespace hearth::tokenizers
