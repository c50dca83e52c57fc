// CausalLM: a loaded decoder, whatever its family. One forward pass takes the new tokens of any number of sequences,
// each with a cache of its own: a prompt, one token of ten conversations, or both at once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tensor/params.h"
#include "transformers/cache.h"
#include "transformers/config.h"

namespace hearth {

/// Of which new tokens a sequence's logits are wanted.
enum class LogitRows { none, last, all };

/// New tokens of one sequence, following what its cache holds. Views: the caller owns both for the call.
struct SequenceView {
  KvCache* cache = nullptr;
  std::span<const int32_t> ids;
  LogitRows logits = LogitRows::last;
};

/// Immutable once built: any thread may run it, each with caches of its own.
class CausalLM {
 public:
  virtual ~CausalLM() = default;

  const Config& config() const { return config_; }
  const Backend& backend() const { return backend_; }
  const WeightOptions& options() const { return options_; }
  /// "fast", "exact f32" or "exact bf16": what system_fingerprint and the last line of `hearth run` say.
  std::string numerics_name() const;

  /// An empty cache for one sequence.
  KvCache make_cache() const { return {config_, options_.dtype}; }

  /// Logits [wanted rows, vocab_size], sequence by sequence; undefined when none is wanted. The caches grow by the new
  /// tokens. Throws ShapeError on an id outside the vocabulary.
  Tensor forward(std::span<const SequenceView> sequences) const;

 protected:
  CausalLM(const Config& config, const ParamStore& store)
      : config_(config), backend_(store.backend()), options_(store.options()) {}
  /// What the last layer gives, before the final norm: [rows, hidden_size].
  virtual Tensor hidden_states(std::span<const int32_t> ids, const KvBatch& caches) const = 0;
  /// The final norm and the head: [rows, hidden_size] -> [rows, vocab_size].
  virtual Tensor logits(const Tensor& hidden) const = 0;

 private:
  const Config config_;
  const Backend& backend_;
  const WeightOptions options_;
};

/// A model family: one file of models/. Literal.
struct Family {
  std::initializer_list<const char*> model_types;  ///< of config.json
  std::initializer_list<const char*> heads;        ///< classes in `architectures` that it serves
  std::initializer_list<const char*> gguf;         ///< general.architecture in GGUF files
  /// Takes its tensors from `params`, which remembers what was missing; the caller asks it afterwards.
  Result<std::unique_ptr<CausalLM>> (*build)(const Config& config, const Params& params);
};

/// The family of a model_type; unsupported, with the known ones, when there is none.
Result<const Family*> family_of(std::string_view model_type);

}  // namespace hearth
