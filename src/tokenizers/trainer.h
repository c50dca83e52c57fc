// Training: a BPE, WordPiece, Unigram or WordLevel model from texts, as the trainers of the Python package `tokenizers`
// make it. A trainer is a plain struct of their options, by their names and with their defaults; the tokenizer whose
// normalizer and pre-tokenizer cut the texts into words is given as its tokenizer.json, with any model of the kind.
//
// BPE and WordLevel give the original's vocabulary and merges, ties included, wherever the original gives the same one
// twice. It does not with a prefix or a suffix (so for WordPiece), where ids follow the order of a hash map: here they
// follow the words, the most frequent first, words of equal count by their letters. Memory holds the different words,
// not the texts.
// Source: tokenizers 0.23 (huggingface/tokenizers) trainers.BpeTrainer, WordPieceTrainer, UnigramTrainer,
// WordLevelTrainer; Tokenizer.train, Tokenizer.train_from_iterator.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "tokenizers/added_token.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

struct BpeTrainer {
  int64_t vocab_size = 30000;  ///< tokens in all; the special ones and the alphabet are there even if it is less
  int64_t min_frequency = 0;   ///< of a pair, to be merged
  bool show_progress = true;   ///< false: TrainingOptions::progress is not called
  std::vector<AddedToken> special_tokens = {};  ///< all become special; ids are not read
  std::optional<int64_t> limit_alphabet = {};   ///< characters kept: the most frequent ones
  std::u32string initial_alphabet = {};         ///< characters kept even if no text has them
  std::optional<std::string> continuing_subword_prefix = {}, end_of_word_suffix = {};
  std::optional<int64_t> max_token_length = {};  ///< in characters
};

/// Merges as BPE does and keeps the vocabulary.
struct WordPieceTrainer {
  int64_t vocab_size = 30000;
  int64_t min_frequency = 0;
  bool show_progress = true;
  std::vector<AddedToken> special_tokens = {};
  std::optional<int64_t> limit_alphabet = {};
  std::u32string initial_alphabet = {};
  std::optional<std::string> continuing_subword_prefix = "##", end_of_word_suffix = {};
};

struct UnigramTrainer {
  int64_t vocab_size = 8000;
  bool show_progress = true;
  std::vector<AddedToken> special_tokens = {};
  std::u32string initial_alphabet = {};
  double shrinking_factor = 0.75;             ///< of the pieces, so many stay in each round; above 0, below 1
  std::optional<std::string> unk_token = {};  ///< added before all others unless it is among the special tokens
  int64_t max_piece_length = 16;              ///< in characters
  int64_t n_sub_iterations = 2;               ///< of expectation and maximization in each round
};

struct WordLevelTrainer {
  int64_t vocab_size = 30000;
  int64_t min_frequency = 0;
  bool show_progress = true;
  std::vector<AddedToken> special_tokens = {};
};

using Trainer = std::variant<BpeTrainer, WordPieceTrainer, UnigramTrainer, WordLevelTrainer>;

/// The characters that spell bytes: BpeTrainer::initial_alphabet of a byte-level tokenizer, as Python's
/// pre_tokenizers.ByteLevel.alphabet().
std::u32string byte_level_alphabet();

struct TrainingProgress {
  std::string_view stage;        ///< "Reading", "Compute merges", ...
  uint64_t done = 0, total = 0;  ///< in bytes, texts, merges, as the stage has it; total 0: not known
};

struct TrainingOptions {
  std::function<void(const TrainingProgress&)> progress = {};  ///< on the calling thread, some times a second
  int threads = 0;                                             ///< 0: as many as there are cores
  /// The post-processor's special tokens get the ids that they have in the new vocabulary, as train_new_from_iterator
  /// gives them; bad_input when one is not in it. Unset, it stays as it is, as Python's Tokenizer.train leaves it.
  bool renew_post_processor = false;
};

struct TrainedTokenizer {
  Tokenizer tokenizer;
  std::string json;    ///< its tokenizer.json: Python loads the same from it
  int64_t words = 0;   ///< how many words the texts had
  int64_t merges = 0;  ///< of BPE and WordPiece
};

/// The next text, nothing after the last. The letters must live until the next call; all calls are made on the thread
/// that trains.
using NextText = std::function<Result<std::optional<std::string_view>>()>;

/// Trains on texts. `tokenizer_json` is the tokenizer as Python would save it before it is trained: what surrounds the
/// model, and the model's own options, stay; its vocabulary goes.
/// bad_input for a model of another kind than the trainer's, for a text that is not UTF-8, for options out of range,
/// for a vocabulary that cannot hold what it must; interrupted when `stop` was asked for.
Result<TrainedTokenizer> train_from_iterator(std::string_view tokenizer_json, const Trainer& trainer,
                                             const NextText& next, const TrainingOptions& options = {},
                                             std::stop_token stop = {});
/// The same on files: each line, with its end, is a text. A file named "-" is standard input.
Result<TrainedTokenizer> train(std::string_view tokenizer_json, const Trainer& trainer,
                               std::span<const std::string> files, const TrainingOptions& options = {},
                               std::stop_token stop = {});

/// Another tokenizer before it is trained, as transformers' train_new_from_iterator begins: its surroundings and the
/// options of its model stay, its vocabulary and added tokens go.
struct UntrainedTokenizer {
  std::string json;
  Trainer trainer;  ///< of the model's kind, with what the tokenizer says: special tokens, alphabet, prefix and suffix
};
/// bad_input names the place in the file.
Result<UntrainedTokenizer> untrained_like(std::string_view tokenizer_json);

}  // namespace hearth
