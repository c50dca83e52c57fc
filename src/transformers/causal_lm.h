// PreTrainedModel: a loaded stack with its head, asked with padded batches as in Python. CausalLM: one that writes
// text; a forward pass takes the new tokens of any number of sequences, each with a cache of its own: a prompt, one
// token of ten conversations, or both at once. Source: transformers 5.23.0 modeling_utils.py, generation/utils.py.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "transformers/text_model.h"

namespace hearth {

/// What a model is asked, as Python's tokenizers give it: [batch, length] each, row after row.
struct ModelInputs {
  int64_t batch = 0, length = 0;
  std::vector<int32_t> input_ids;
  std::vector<int32_t> attention_mask;  ///< 0: padding, on either side; empty: none
  std::vector<int32_t> token_type_ids;  ///< empty: all 0
  std::vector<int32_t> position_ids;    ///< empty: 0 .. length - 1, padding counted
  int64_t decoder_length = 0;
  /// [batch, decoder_length]: of encoder-decoder models; empty: what the family takes then.
  std::vector<int32_t> decoder_input_ids;
};

struct ForwardOptions {
  bool output_hidden_states = false;
};

/// Immutable once built: any thread may run it.
class PreTrainedModel {
 public:
  PreTrainedModel(std::unique_ptr<const TextModel> stack, std::unique_ptr<const Head> head, const ParamStore& store);
  virtual ~PreTrainedModel() = default;

  const Config& config() const { return stack_->config(); }
  const Backend& backend() const { return backend_; }
  const WeightOptions& options() const { return options_; }
  /// "fast", "exact f32" or "exact bf16": what system_fingerprint and the last line of `hearth run` say.
  std::string numerics_name() const;
  /// How keys and values are kept: in the type of the arithmetic, but for native's bf16, which lies in f32.
  DType cache_dtype() const;
  const TextModel& stack() const { return *stack_; }

  /// All of a batch at once, without caches. The rows of the output are those whose mask is not 0, sequence by
  /// sequence. bad_input on ids outside the vocabulary, empty rows, and sizes that do not fit together.
  Result<ModelOutput> forward(const ModelInputs& inputs, const ForwardOptions& options = {}) const;

 protected:
  const Head* head() const { return head_.get(); }

 private:
  Result<ModelOutput> forward_seq2seq(const ModelInputs& inputs, const ForwardOptions& options) const;
  Result<Batch> batch_of(const ModelInputs& inputs, int64_t vocab_size) const;

  std::unique_ptr<const TextModel> stack_;
  std::unique_ptr<const Head> head_;
  const Backend& backend_;
  const WeightOptions options_;
};

/// Of which new tokens a sequence's logits are wanted.
enum class LogitRows { none, last, all };

/// New tokens of one sequence, following what its cache holds. Views: the caller owns both for the call.
struct SequenceView {
  KvCache* cache = nullptr;
  std::span<const int32_t> ids;
  LogitRows logits = LogitRows::last;
  int64_t rope_length = 0;  ///< BatchSequence's
};

class CausalLM : public PreTrainedModel {
 public:
  /// The head is a RowHead.
  CausalLM(std::unique_ptr<const TextModel> stack, std::unique_ptr<const RowHead> head, const ParamStore& store);

  /// Where caches of this model take their memory, all together at most `limit_bytes` (0: no limit).
  std::shared_ptr<KvPool> make_pool(int64_t limit_bytes = 0) const {
    return KvPool::make(stack().cache_shape(), cache_dtype(), limit_bytes);
  }
  /// An empty cache for one sequence, of `pool` or one of its own. Of an encoder-decoder model: for answers to
  /// `source`, which is read here.
  KvCache make_cache(std::shared_ptr<KvPool> pool = {}) const { return KvCache(pool ? std::move(pool) : make_pool()); }
  /// too_large when the model has no positions for so long a source.
  Result<KvCache> make_cache(std::span<const int32_t> source) const;
  bool is_encoder_decoder() const { return seq2seq_ != nullptr; }
  /// Of what it writes: the width of its logits.
  int64_t vocab_size() const { return seq2seq_ ? seq2seq_->decoder_vocab_size() : config().vocab_size; }

  using PreTrainedModel::forward;
  /// Logits [wanted rows, vocab_size], sequence by sequence; undefined when none is wanted. The caches grow by the new
  /// tokens. Throws ShapeError on an id outside the vocabulary, CacheFull before anything is computed where a cache's
  /// pool has no room (KvCache::reserve asks).
  /// `rope_length`: Batch's, or 0.
  Tensor forward(std::span<const SequenceView> sequences, int64_t rope_length = 0) const;
  /// The same with the last_hidden_state [wanted rows, hidden_size] that the logits came from.
  Tensor forward(std::span<const SequenceView> sequences, Tensor& hidden, int64_t rope_length = 0) const;
  /// The same; `after_layer`: Batch's.
  Tensor forward(std::span<const SequenceView> sequences, const std::function<void()>& after_layer) const;

 private:
  struct Pass;
  Tensor forward(std::span<const SequenceView> sequences, const Pass& pass) const;

  const RowHead& lm_head_;
  const Seq2SeqModel* seq2seq_;
};

}  // namespace hearth
