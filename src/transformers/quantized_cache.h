// The quantized caches of generate(): positions in 2 or 4 bits, or in float8, numbers equal to Python's bit for bit.
// Source: transformers 5.23.0 cache_utils.py (QuantizedCache and its layers); optimum-quanto 0.2.7 tensor/grouped.py,
// tensor/optimizers/max_optimizer.py, library/quantize.py, tensor/qbits.py.
//
// quanto: the prompt is quantized when it has been read, new positions stay in f32; when residual_length of them are
// there, ALL positions are quantized again, the old ones from their dequantized numbers.
// fp8: one scale for a tensor, that of the prompt; each position is stored once and read back at once.
// Differs: each row of a batch is quantized for itself and without padding, where Python's fp8 scale, its groups along
// axis -1 and those that reach over several positions take in the other rows and the padding.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth {

/// `cache_config` of a GenerationConfig whose cache_implementation is "quantized".
struct QuantizedCacheConfig {
  enum class Kind { quanto, fp8 };
  Kind kind = Kind::quanto;
  int64_t nbits = 4;                     ///< 2 or 4
  int64_t axis_key = 0, axis_value = 0;  ///< 0: groups along a row's numbers; -1: along positions, channel by channel
  int64_t q_group_size = 64;
  int64_t residual_length = 128;

  /// null: all defaults. bad_input on unknown keys and values; unsupported for the backend hqq.
  static Result<QuantizedCacheConfig> from(const Json& cache_config);
  /// Whether `positions` of `heads` heads of `width` numbers divide into groups.
  Status check(int64_t heads, int64_t positions, int64_t width) const;
};

/// An array [rows, width] in groups, each with a scale and a shift: x is close to q * scale - shift.
struct GroupQuantized {
  int64_t width = 0, nbits = 4, axis = 0, group_size = 64;
  std::vector<uint8_t> packed;  ///< 8 / nbits numbers a byte, the first in the lowest bits
  std::vector<float> scales, shifts;

  static GroupQuantized of(std::span<const float> x, int64_t width, int64_t nbits, int64_t axis, int64_t group_size);
  void to_floats(std::span<float> out) const;
};

/// float8_e4m3fn, to nearest, ties to even; what is too large becomes 448, as torch 2.13 has it.
uint8_t to_float8(float x);
float from_float8(uint8_t code);

/// The keys or the values of one layer. A value: copies share what does not change.
class QuantizedStates {
 public:
  QuantizedStates(const QuantizedCacheConfig& config, int64_t axis, int64_t heads, int64_t width)
      : config_(config), axis_(axis), heads_(heads), width_(width) {}

  /// Appends `rows` [count, heads, width]; gives all of them, [heads, length(), width], as attention sees them.
  /// Throws ShapeError where they do not divide into groups.
  std::vector<float> update(std::span<const float> rows);
  int64_t length() const { return length_; }
  int64_t size_bytes() const;

 private:
  std::vector<float> update_groups(std::span<const float> rows, int64_t count);
  std::vector<float> update_float8(std::span<const float> rows, int64_t count);
  void quantize(std::span<const float> all);

  QuantizedCacheConfig config_;
  int64_t axis_, heads_, width_, length_ = 0;
  std::shared_ptr<const GroupQuantized> old_ = {};  // the first length_ - recent_ positions
  std::vector<float> recent_ = {};                  // [positions, heads, width]
  std::vector<uint8_t> codes_ = {};                 // fp8: [positions, heads, width]
  float scale_ = 0;
};

/// All layers of a cache.
class QuantizedLayers {
 public:
  QuantizedLayers(const QuantizedCacheConfig& config, int64_t layers, int64_t heads, int64_t width);

  struct Both {
    std::vector<float> k, v;  ///< [heads, positions, width]
  };
  /// What `layer` holds with these rows behind it; it holds them after commit().
  Both update(size_t layer, std::span<const float> k, std::span<const float> v);
  void commit();
  void clear();
  const QuantizedCacheConfig& config() const { return config_; }
  int64_t size_bytes() const;

 private:
  struct Layer {
    QuantizedStates k, v;
  };
  QuantizedCacheConfig config_;
  Layer empty_;
  std::vector<Layer> layers_, next_;
};

}  // namespace hearth
