// Params: a checkpoint's tensors, handed out by name as modules. Quantized, sharded and LoRA weights replace an entry
// here, so no model file knows of them.
//
//   struct Mlp {
//     Linear gate_proj, up_proj, down_proj;
//     Mlp(Params p, const Config& c) : gate_proj(p / "gate_proj", c.hidden, c.intermediate), ... {}
//
// Building never stops at the first fault: missing and misshaped tensors are noted, and ParamStore::finish() tells all.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tensor/backend.h"
#include "tensor/ops.h"

namespace hearth {

/// Rows of a stored matrix.
struct RowRange {
  int64_t begin = 0, count = 0;
};

/// How a file stores what a module asks for, where it is not simply that: several matrices in one (fused Q, K and V),
/// rows in another order, or transposed.
struct Stored {
  std::vector<RowRange> rows = {};  ///< these, in this order; empty: all
  int64_t row_count = 0;            ///< that the file's matrix has, when `rows` picks some
  bool is_transposed = false;       ///< [inputs, outputs]: transformers' Conv1D
};

/// Rows of heads whose rotated dimensions are stored in pairs (2i, 2i + 1), in the order of halves (i, i + rotated / 2)
/// that Backend::rope turns. `begin`: the first head's first row; a head's first `rotated` rows are reordered.
std::vector<RowRange> halves_of_pairs(int64_t begin, int64_t heads, int64_t head_dim, int64_t rotated);

/// Rows of an array, in this order; borrowed when they lie in one piece. bad_input when it has no such rows.
Result<WeightSource> rows_of(const WeightSource& source, std::span<const RowRange> ranges);

/// All tensors of one checkpoint, and what building a model from them found wrong. One thread.
class ParamStore {
 public:
  ParamStore(const Backend& backend, WeightOptions options) : backend_(backend), options_(options) {}

  /// Adds or replaces an entry.
  void set(WeightSource source);
  /// Tied weights: `name` finds the tensor of `to`, or `to` that of `name` where the file has that one alone. Two that
  /// differ stay two, as in transformers. After `set`, before either is asked for.
  void tie(std::string name, std::string to);
  bool has(std::string_view name) const;

  /// Some tensor's name begins so.
  bool has_prefix(std::string_view prefix) const;

  /// The matrix, made once however often it is asked for. Null, and noted, when it is missing or misshaped.
  std::shared_ptr<const Weight> matrix(const std::string& name, int64_t rows, int64_t cols, const Stored& stored = {});
  /// A matrix whose rows are looked up: as `matrix`, but never quantized.
  std::shared_ptr<const Weight> table(const std::string& name, int64_t rows, int64_t cols);
  /// The vector; undefined, and noted, when it is missing or misshaped.
  Tensor vector(const std::string& name, int64_t size, const Stored& stored = {});
  /// An array of any shape, as a tensor; undefined, and noted, when it is missing or misshaped.
  Tensor array(const std::string& name, const Shape& shape);
  /// Says that a tensor is known and not needed, or all whose names begin so.
  void ignore(const std::string& name) { used_.insert(name); }
  void ignore_prefix(std::string_view prefix);

  /// bad_input with every missing, misshaped and left-over tensor's name (the first few of each kind); `may_be_left`:
  /// left-over ones are no fault, for what was loaded is a part of the checkpoint.
  Status finish(bool may_be_left = false) const;
  const Backend& backend() const { return backend_; }
  const WeightOptions& options() const { return options_; }

 private:
  const WeightSource* find(const std::string& name, const Shape& shape);
  const std::string& origin_of(const std::string& name) const;
  std::shared_ptr<const Weight> make(const std::string& name, int64_t rows, int64_t cols, const Stored& stored,
                                     std::optional<DType> quantize);
  Result<WeightSource> rearranged(const WeightSource& source, const Stored& stored) const;

  const Backend& backend_;
  WeightOptions options_;
  std::vector<std::string> names_;  // in the order of `set`
  std::unordered_map<std::string, WeightSource> sources_;
  std::unordered_map<std::string, std::string> ties_;
  std::unordered_map<std::string, std::shared_ptr<const Weight>> matrices_;
  std::unordered_set<std::string> used_;
  std::vector<std::string> missing_, misshaped_, unreadable_;
};

/// A place in a checkpoint: `params / "model" / "layers" / 3`.
class Params {
 public:
  explicit Params(ParamStore& store) : store_(&store) {}
  Params operator/(std::string_view child) const;
  Params operator/(int64_t index) const;
  ParamStore& store() const { return *store_; }
  /// The full name of a tensor here: name("weight") is "model.norm.weight".
  std::string name(std::string_view leaf) const;

 private:
  Params(ParamStore* store, std::string prefix) : store_(store), prefix_(std::move(prefix)) {}
  ParamStore* store_;
  std::string prefix_;
};

enum class Bias { none, present };
/// A bias that a configuration's flag decides.
constexpr Bias bias_if(bool present) {
  return present ? Bias::present : Bias::none;
}

/// torch.nn.Linear: weight [outputs, inputs], bias [outputs].
class Linear {
 public:
  Linear(const Params& p, int64_t inputs, int64_t outputs, Bias bias = Bias::none, const Stored& stored = {});
  /// With a bias from elsewhere; undefined: none.
  Linear(const Params& p, int64_t inputs, int64_t outputs, Tensor bias, const Stored& stored = {});
  Tensor operator()(const Tensor& x) const;
  /// (*this)(x) + residual in one step.
  Tensor add_to(Tensor residual, const Tensor& x) const;
  const LinearWeight& entry() const { return entry_; }
  int64_t outputs() const { return entry_.weight->rows(); }

 private:
  LinearWeight entry_;
};

/// torch.nn.Embedding: weight [count, width].
class Embedding {
 public:
  Embedding(const Params& p, int64_t count, int64_t width);
  /// -> [ids.size(), width]
  Tensor operator()(std::span<const int32_t> ids) const { return weight_->backend().embedding(*weight_, ids); }

 private:
  std::shared_ptr<const Weight> weight_;
};

/// LlamaRMSNorm: weight [width].
class RMSNorm {
 public:
  RMSNorm(const Params& p, int64_t width, double eps) : entry_{p.store().vector(p.name("weight"), width), eps} {}
  /// The stored weight plus `offset`, kept in f32: GemmaRMSNorm stores it minus one and multiplies before it rounds.
  RMSNorm(const Params& p, int64_t width, double eps, float offset);
  Tensor operator()(const Tensor& x) const { return x.backend().rms_norm(x, entry_); }
  const NormWeight& entry() const { return entry_; }

 private:
  NormWeight entry_;
};

/// torch.nn.LayerNorm: weight [width], bias [width].
class LayerNorm {
 public:
  LayerNorm(const Params& p, int64_t width, double eps, Bias bias = Bias::present)
      : entry_{p.store().vector(p.name("weight"), width), eps,
               bias == Bias::present ? p.store().vector(p.name("bias"), width) : Tensor()} {}
  /// elementwise_affine=False: it holds no numbers.
  LayerNorm(const Backend& backend, int64_t width, double eps)
      : entry_{backend.from_host(std::vector(static_cast<size_t>(width), 1.0f), {width}), eps} {}
  Tensor operator()(const Tensor& x) const { return x.backend().layer_norm(x, entry_); }

 private:
  NormWeight entry_;
};

/// The products of x with several weights, in one pass over x: Q, K and V.
template <class... Linears>
std::array<Tensor, sizeof...(Linears)> project(const Tensor& x, const Linears&... linears) {
  const std::array<const LinearWeight*, sizeof...(Linears)> weights{&linears.entry()...};
  auto made = x.backend().linear({x}, {weights.data(), weights.size()});
  std::array<Tensor, sizeof...(Linears)> out;
  std::move(made.begin(), made.end(), out.begin());
  return out;
}

/// The products of norm(x) with several weights, in one pass over x: Q, K and V.
template <class... Linears>
std::array<Tensor, sizeof...(Linears)> project(const RMSNorm& norm, const Tensor& x, const Linears&... linears) {
  const std::array<const LinearWeight*, sizeof...(Linears)> weights{&linears.entry()...};
  auto made = x.backend().linear({x, &norm.entry()}, {weights.data(), weights.size()});
  std::array<Tensor, sizeof...(Linears)> out;
  std::move(made.begin(), made.end(), out.begin());
  return out;
}

/// x + down(act(gate(norm(x))) * up(norm(x))): the feed-forward half of a LLaMA layer with its residual.
inline Tensor gated_mlp(Tensor x, const RMSNorm& norm, Activation act, const Linear& gate, const Linear& up,
                        const Linear& down) {
  const auto& backend = x.backend();
  return backend.gated_mlp(std::move(x), norm.entry(), act, gate.entry(), up.entry(), down.entry());
}

}  // namespace hearth
