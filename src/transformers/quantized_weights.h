// Checkpoints whose matrices were quantized by a library: what stands in their place (codes, scales, zeros) is put
// together under the matrix's own name, X.weight, so that no model knows of it.
// Source: transformers 5.23.0 quantizers/auto.py. The numbers are those that each library's own dequantization gives,
// in the type that it gives them; activations are not rounded, whatever a configuration says of them.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "tensor/backend.h"

namespace hearth {

/// Puts a matrix X.weight in the place of the parts that `config`'s quantization_config speaks of, to be decoded when
/// it is asked for. Where numerics are fast, codes that fit become blocks of Q4_1 or Q8_0, of the file's size in
/// memory. bad_input names a part that is missing or does not fit; unsupported the method or format, and those that are
/// known.
Status unpack_quantized(std::vector<WeightSource>& sources, const Json& config, Numerics numerics);

/// The tensors of a checkpoint by name, while parts become matrices. In the file's order.
class WeightTable {
 public:
  explicit WeightTable(std::vector<WeightSource>& sources);

  /// All X for which X`ending` is there.
  std::vector<std::string> modules_with(std::string_view ending) const;
  /// The tensor, or nullptr.
  const WeightSource* find(const std::string& name) const;
  /// Takes the tensor out; bad_input when it is missing.
  Result<WeightSource> take(const std::string& name);
  /// Takes it out if it is there.
  void drop(const std::string& name);
  void add(WeightSource source) { added_.push_back(std::move(source)); }
  /// The list that it was made of, without what was taken and with what was added.
  void finish();

 private:
  std::vector<WeightSource>& sources_;
  std::vector<bool> is_taken_;
  std::unordered_map<std::string, size_t> by_name_;
  std::vector<WeightSource> added_;
};

/// A way to store quantized weights.
struct Quantizer {
  std::string_view method;  ///< quantization_config.quant_method
  /// Changes the list as `unpack_quantized` does. settings: the quantization_config; null where there is none.
  Status (*unpack)(std::vector<WeightSource>& sources, const Json& settings);
};

/// What whole numbers mean: weight[o, i] = scales[o, g] * (code[o, i] - zeros[o, g]), g = group_of_input[i].
struct CodeMeaning {
  std::vector<float> scales, zeros;     ///< [outputs, groups]
  std::vector<int32_t> group_of_input;  ///< [inputs], each under `groups`
  /// The zeros are addends that were scaled before: weight = scale * code + zero.
  bool are_zeros_scaled = false;
};

/// A matrix of codes with a scale and a zero for each output and group of inputs. Numbers are rounded once, to `dtype`.
class CodedMatrix : public EncodedMatrix {
 public:
  CodedMatrix(DType dtype, int bits, int64_t outputs, int64_t inputs, int64_t groups)
      : dtype_(dtype), bits_(bits), outputs_(outputs), inputs_(inputs), groups_(groups) {}

  Result<std::shared_ptr<const std::vector<std::byte>>> decode() const final;
  /// Q4_1 or Q8_0 if its blocks of 32 hold these codes: they do not where groups are not whole blocks, where codes of 8
  /// bits are not around 128, or where f16 does not hold the scales.
  Result<std::optional<DType>> block_type() const;
  /// The codes in such blocks.
  Result<std::shared_ptr<const std::vector<std::byte>>> decode_blocks(DType type) const;

 protected:
  virtual Result<CodeMeaning> meaning() const = 0;
  /// Codes under 2^bits. Several threads, each with rows of its own; out: [end - begin, inputs].
  virtual void read_codes(int64_t begin, int64_t end, uint8_t* out) const = 0;
  /// The codes were read for the last time.
  virtual void forget_codes() const = 0;

  const DType dtype_;  ///< f16, bf16 or f32
  const int bits_;     ///< at most 8
  const int64_t outputs_, inputs_, groups_;
};

/// `module`.weight, [outputs, inputs].
inline WeightSource encoded_source(const std::string& module, DType dtype, Shape shape,
                                   std::shared_ptr<const EncodedMatrix> matrix) {
  return {.name = module + ".weight",
          .dtype = dtype,
          .shape = shape,
          .data = {},
          .owner = {},
          .encoded = std::move(matrix)};
}

inline uint32_t word_at(const std::byte* words, int64_t index) {
  uint32_t out;
  std::memcpy(&out, words + index * 4, sizeof out);
  return out;
}

/// Code `index` of a stream of `bits` each, lowest first, in 32-bit words that stand `stride` words apart.
inline uint32_t code_at(const std::byte* words, int64_t stride, int64_t index, int bits) {
  const int64_t bit = index * bits, word = bit / 32;
  const int shift = static_cast<int>(bit % 32);
  uint32_t out = word_at(words, word * stride) >> shift;
  if (shift + bits > 32) out |= word_at(words, (word + 1) * stride) << (32 - shift);
  return out & ((1u << bits) - 1);
}

/// Words that hold `count` codes.
constexpr int64_t words_of(int64_t count, int bits) {
  return (count * bits + 31) / 32;
}

/// The value of every byte of F8_E4M3, which has no infinities and one NaN a sign, or F8_E5M2.
std::array<float, 256> values_of_fp8(DType dtype);

/// The numbers of an f32, f16 or bf16 tensor.
Result<std::vector<float>> numbers_of(const WeightSource& source);
/// The numbers of an i32 tensor.
std::vector<int32_t> integers_of(const WeightSource& source);
/// Gives back the memory of a part that was read.
inline void forget(const WeightSource& part) {
  if (part.file) part.file->forget(part.data);
}

/// "X.scales is [4, 16] of F16, but ..." as bad_input.
Status misfit(const WeightSource& part, std::string_view expected);

}  // namespace hearth
