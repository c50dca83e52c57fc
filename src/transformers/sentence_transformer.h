// SentenceTransformer: texts as vectors, from the repository layout of sentence-transformers: a transformer, then the
// modules that modules.json lists: pooling, dense layers, normalization.
// Source: sentence-transformers 6.2.0 base/modules/{transformer,dense,normalize}.py,
// sentence_transformer/modules/pooling.py, cross_encoder/model.py.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tokenizers/encoding.h"
#include "transformers/auto.h"

namespace hearth {

/// The arguments of encode().
struct SentenceEncodeOptions {
  std::string prompt_name = {};            ///< a name of `prompts`; empty: `default_prompt_name`
  std::optional<std::string> prompt = {};  ///< put before each text, in place of a named one
  int64_t batch_size = 32;                 ///< texts that pass the model at once
  bool normalize_embeddings = false;       ///< lengths of 1, whatever the modules say
};

/// What happens to a text that is longer than the model reads: it is cut, or refused as too_large.
struct TextCut {
  bool may_cut = true;
  Side side = Side::right;  ///< that goes
};

/// A text as a model reads it.
struct PreparedText {
  Encoding tokens;
  int64_t prompt_rows = 0;  ///< of its first tokens, those that the pooling leaves out
};
using PreparedTexts = std::span<const PreparedText* const>;

/// Immutable and cheap to copy; any number of threads may use one at once.
class SentenceTransformer {
 public:
  /// `folder`: as on the Hub. Without modules.json: the model, and the mean of its rows, as in Python. unsupported
  /// names a module that is not known.
  static Result<SentenceTransformer> from_pretrained(const std::string& folder, const LoadOptions& options = {});

  /// One vector a text, in their order. bad_input on a prompt_name that is not there.
  Result<std::vector<std::vector<float>>> encode(std::span<const std::string> texts,
                                                 const SentenceEncodeOptions& options = {}) const;
  Result<PreparedText> prepare(std::string_view text, const SentenceEncodeOptions& options, const TextCut& cut) const;
  /// One vector a text, of one pass over the model; of `token_embeddings` its last hidden states, row after row.
  Result<std::vector<std::vector<float>>> encode(PreparedTexts texts) const;
  Result<std::vector<std::vector<float>>> token_embeddings(PreparedTexts texts) const;
  /// Tokens of a text that are read; what follows is cut off.
  std::optional<int64_t> max_seq_length() const;
  /// Name and text, in the file's order.
  const std::vector<std::pair<std::string, std::string>>& prompts() const;
  /// The text of a prompt. bad_input on a name that is not there.
  Result<std::string> prompt(const std::string& name) const;
  /// "mean", "cls", ...: the first one, where the vectors of several are joined.
  std::string_view pooling_name() const;
  const PreTrainedModel& model() const;

  struct State;  ///< private to the file
  explicit SentenceTransformer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const State> state_;
};

/// To a length of 1; a vector of zeros stays as it is.
void normalize_embedding(std::span<float> vector);

/// A model that judges pairs of texts: how well the second answers the first.
class CrossEncoder {
 public:
  static Result<CrossEncoder> from_pretrained(const std::string& folder, const LoadOptions& options = {});
  /// One row a pair: num_labels scores, after the activation that config.json names (a sigmoid for one label, else
  /// none); `sigmoid` says otherwise.
  Result<std::vector<std::vector<float>>> predict(std::span<const std::pair<std::string, std::string>> pairs,
                                                  int64_t batch_size = 32, std::optional<bool> sigmoid = {}) const;
  /// A text, or a pair of them.
  Result<PreparedText> prepare(std::string_view text, std::optional<std::string_view> pair, const TextCut& cut) const;
  /// num_labels numbers a text, of one pass over the model.
  Result<std::vector<std::vector<float>>> logits(PreparedTexts texts) const;
  std::optional<int64_t> max_seq_length() const;
  const PreTrainedModel& model() const;

  struct State;  ///< private to the file
  explicit CrossEncoder(std::shared_ptr<const State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const State> state_;
};

/// A masked language model whose vectors have a number for each word of the vocabulary, most of them 0 (SPLADE).
/// Source: Formal et al., arXiv:2109.10086: of all positions the greatest log(1 + relu(logit)); sentence-transformers
/// 6.2.0 sparse_encoder/modules/splade_pooling.py.
class SparseEncoder {
 public:
  static Result<SparseEncoder> from_pretrained(const std::string& folder, const LoadOptions& options = {});
  Result<PreparedText> prepare(std::string_view text, const TextCut& cut) const;
  Result<std::vector<std::vector<float>>> encode(PreparedTexts texts) const;
  std::optional<int64_t> max_seq_length() const;

  struct State;  ///< private to the file
  explicit SparseEncoder(std::shared_ptr<const State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const State> state_;
};

}  // namespace hearth
