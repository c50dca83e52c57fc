// The pickles of torch.save, read as data: containers, numbers, texts, storages and tensors. Nothing is imported or
// called: a name that state dicts do not need ends the reading with an error that tells it.
// Source: CPython 3.12 Lib/pickletools.py; torch 2.13.0 torch/_utils.py, torch/serialization.py (persistent ids), and
// torch/_weights_only_unpickler.py, whose allow-list this one is a part of.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "safetensors/dtype.h"

namespace hearth {

/// A place in a file that tensors look at. The key views the pickle.
struct TorchStorageView {
  std::string_view key;
  DType dtype = DType::u8;
  int64_t elements = 0;  ///< of the root storage; bytes where the type is u8 for want of another
};

struct TorchTensorView {
  uint32_t storage = 0;  ///< of TorchPickle::storages()
  DType dtype = DType::f32;
  int64_t offset = 0;  ///< in elements
  std::vector<int64_t> shape, strides;
};

/// The texts view the bytes that were read.
struct TorchValue {
  enum class Kind : uint8_t { none, boolean, integer, real, text, list, dict, name, storage, tensor };
  Kind kind = Kind::none;
  int64_t integer = 0;          ///< also which name, storage or tensor
  std::string_view text;        ///< also the bytes of an integer over 64 bits
  std::vector<uint32_t> items;  ///< of lists and tuples; of dicts keys and values in turn
};

/// Reads pickles one after another. Memory is bounded by kStepsMax steps, whatever the bytes are.
class TorchPickle {
 public:
  static constexpr size_t kStepsMax = 5'000'000;

  /// One pickle from the beginning of `bytes`: how many of them it takes. bad_input on what makes no sense,
  /// unsupported on what would have to be run.
  Result<size_t> read(std::span<const std::byte> bytes);
  /// What the last pickle says.
  const TorchValue& top() const { return values_[top_]; }
  const TorchValue& value(uint32_t id) const { return values_[id]; }
  std::span<const TorchStorageView> storages() const { return storages_; }
  const TorchTensorView& tensor(const TorchValue& value) const { return tensors_[static_cast<size_t>(value.integer)]; }

 private:
  struct Machine;

  uint32_t top_ = 0;
  size_t steps_ = 0;
  std::vector<TorchValue> values_ = {{}};  // 0: None
  std::vector<TorchStorageView> storages_;
  std::vector<TorchTensorView> tensors_;
};

}  // namespace hearth
