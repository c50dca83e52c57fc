// TextModel and Head: a model is the stack of a family (LlamaModel, BertModel) and what stands on it for a task
// (...ForCausalLM, ...ForSequenceClassification). A family is one file of models/ and one row: Family.
// Source: transformers 5.23.0 modeling_utils.py, models/auto/modeling_auto.py.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tensor/params.h"
#include "transformers/batch.h"
#include "transformers/config.h"

namespace hearth {

/// A stack without its head. Immutable once built: any thread may run it, each with caches of its own.
class TextModel {
 public:
  explicit TextModel(Config config) : config_(std::move(config)) {}
  virtual ~TextModel() = default;
  const Config& config() const { return config_; }

  /// transformers' last_hidden_state, [rows, hidden_size]: after the final norm, where there is one.
  virtual Tensor forward(const Batch& batch) const = 0;
  /// too_large when a text of the batch needs positions that the model has not learned.
  virtual Status check(const Batch&) const { return {}; }
  /// Padding on the left takes positions: true of families that are given none by generate().
  virtual bool counts_padding() const { return false; }
  /// Keys of shorter texts are of no use when a text grows longer than this: its positions change. 0: never.
  virtual int64_t rereads_after() const { return 0; }
  virtual CacheShape cache_shape() const {
    return {config_.num_hidden_layers, config_.num_key_value_heads, config_.head_dim};
  }

 private:
  const Config config_;
};

/// What a decoder reads where a forward pass gives it no tokens: the encoder's, one place to the right, after
/// decoder_start_token_id or, wrapped around, after the last one that is not padding.
enum class DecoderInputs { none, after_start_token, after_last_token };

/// An encoder and the decoder that answers it. forward() is the decoder's; its caches hold the encoder's output.
class Seq2SeqModel : public TextModel {
 public:
  using TextModel::TextModel;
  /// The encoder: last_hidden_state [rows, d_model].
  virtual Tensor encode(const Batch& batch) const = 0;
  /// What the decoder's layers read of rows [length, d_model] of encode().
  virtual CrossCache cross(const Tensor& encoded) const = 0;
  virtual DecoderInputs decoder_inputs() const { return DecoderInputs::none; }
  virtual int64_t decoder_vocab_size() const { return config().vocab_size; }
};

/// What a model gives, under transformers' names. [rows, ...] over the rows of the batch or [sequences, ...]; undefined
/// where the head has no such output.
struct ModelOutput {
  Tensor last_hidden_state;  ///< [rows, hidden_size]
  Tensor pooler_output;      ///< [sequences, hidden_size]
  Tensor logits;             ///< [rows, n] for heads that judge tokens, [sequences, n] for those that judge texts
  Tensor prediction_logits;  ///< [rows, vocab_size]: masked words, of heads that give two outputs
  Tensor start_logits, end_logits;  ///< [rows, 1]
  Tensor seq_relationship_logits;   ///< [sequences, 2]
  Tensor sop_logits;                ///< [sequences, num_labels]: the order of two texts
  Tensor encoder_last_hidden_state;
  std::vector<Tensor> hidden_states, encoder_hidden_states, decoder_hidden_states;
};

/// What stands on a stack.
class Head {
 public:
  virtual ~Head() = default;
  /// Fills its fields of `out` from the stack's last_hidden_state.
  virtual void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const = 0;
};

/// A head that judges each row by itself: language modelling, token classification.
class RowHead : public Head {
 public:
  /// [rows, hidden_size] -> [rows, n]
  virtual Tensor logits(const Tensor& hidden) const = 0;
  void operator()(const Tensor& hidden, const Batch&, ModelOutput& out) const override { out.logits = logits(hidden); }
};

/// By which Auto class a head is found.
enum class Task {
  base,
  pre_training,
  causal_lm,
  seq2seq_lm,
  masked_lm,
  sequence_classification,
  token_classification,
  question_answering,
  multiple_choice,
  next_sentence_prediction,
  text_encoding,  ///< the encoder alone of an encoder-decoder
};
/// "AutoModelForCausalLM".
std::string_view auto_class(Task task);

/// A class of `architectures` that a family has. Literal.
struct HeadRow {
  const char* architecture;
  Task task;
  /// Takes its tensors from the checkpoint's root. Null: the stack alone. Of a causal or seq2seq language model it
  /// makes a RowHead.
  Result<std::unique_ptr<Head>> (*build)(const Config& config, const Params& root) = nullptr;
  /// A stack of its own (the decoder alone, the encoder alone); null: the family's.
  Result<std::unique_ptr<TextModel>> (*build_stack)(const Config& config, const Params& p) = nullptr;
};

/// A model family: one file of models/. Literal.
struct Family {
  std::initializer_list<const char*> model_types;  ///< of config.json
  const char* base_model_prefix = "model";         ///< of the stack's tensors in a file with a head
  std::initializer_list<HeadRow> heads;            ///< the first of a task is the one its Auto class takes
  std::initializer_list<const char*> gguf = {};    ///< general.architecture in GGUF files
  std::initializer_list<std::pair<const char*, const char*>> attribute_map = {};  ///< our key, the file's key
  const char* defaults = "{}";                    ///< JSON: what the configuration's class sets, under our keys
  const char* input_embeddings = "embed_tokens";  ///< below the prefix
  /// What `tie_word_embeddings` ties to the input embeddings, from the root; null: nothing.
  const char* output_embeddings = "lm_head";
  /// The stack. Takes its tensors from `p`, which remembers what was missing; the caller asks it afterwards.
  Result<std::unique_ptr<TextModel>> (*build)(const Config& config, const Params& p);
};

/// The family of a model_type; unsupported, with the known ones, when there is none.
Result<const Family*> family_of(std::string_view model_type);

}  // namespace hearth
