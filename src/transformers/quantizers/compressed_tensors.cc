// compressed-tensors: `pack-quantized` holds X.weight_packed, rows of codes of 1 to 8 bits around 2^(bits - 1), beside
// X.weight_shape; `int-quantized`, `float-quantized` and `naive-quantized` hold X.weight of I8 or F8_E4M3 itself.
// X.weight_scale is one factor, one a row, one a row and group, or one a block; X.weight_zero_point whole numbers of
// the same shape, packed down the rows where codes are packed. Weights are scale * (code - zero) in the type of the
// scales. Source: compressed-tensors 0.20.0 compressors/pack_quantized, compressors/naive_quantized,
// quantization/lifecycle/ forward.py (dequantize); transformers 5.23.0 quantizer_compressed_tensors.py.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "tensor/half.h"
#include "transformers/quantized_weights.h"

namespace hearth::transformers::quantizers {
namespace {

constexpr std::array<std::string_view, 5> kFormats = {"pack-quantized", "int-quantized", "float-quantized",
                                                      "naive-quantized", "dense"};

struct Parts {
  WeightSource weight, scale;
  std::optional<WeightSource> zero;
  std::vector<int32_t> group_of_input = {};
  int64_t outputs = 0, inputs = 0, groups = 0;
  int bits = 8;

  bool is_packed() const { return weight.dtype == DType::i32; }
};

/// A number for each output and group, of a tensor that has them, one a row, or one.
template <class T>
T element(std::span<const T> numbers, const Parts& parts, int64_t row, int64_t group) {
  const auto count = static_cast<int64_t>(numbers.size());
  const auto at = count == 1 ? 0 : count == parts.outputs ? row : row * parts.groups + group;
  return numbers[static_cast<size_t>(at)];
}

class Matrix final : public CodedMatrix {
 public:
  explicit Matrix(Parts parts)
      : CodedMatrix(parts.scale.dtype, parts.bits, parts.outputs, parts.inputs, parts.groups),
        parts_(std::move(parts)) {}

 private:
  Result<CodeMeaning> meaning() const override {
    CodeMeaning out{.scales = std::vector<float>(static_cast<size_t>(outputs_ * groups_)),
                    .zeros = std::vector<float>(static_cast<size_t>(outputs_ * groups_)),
                    .group_of_input = parts_.group_of_input};
    for (size_t i = 0; i < out.group_of_input.size(); ++i)
      if (out.group_of_input[i] < 0 || out.group_of_input[i] >= groups_)
        return Status(Code::bad_input, cat("weight_g_idx says that input ", i, " is of group ", out.group_of_input[i],
                                           "; there are ", groups_));
    const auto scales = TRY(numbers_of(parts_.scale));
    for (int64_t row = 0; row < outputs_; ++row)
      for (int64_t group = 0; group < groups_; ++group) {
        const auto at = static_cast<size_t>(row * groups_ + group);
        out.scales[at] = element(std::span<const float>(scales), parts_, row, group);
        out.zeros[at] = static_cast<float>(zero(row, group));
      }
    return out;
  }
  void read_codes(int64_t begin, int64_t end, uint8_t* out) const override {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t i = 0; i < inputs_; ++i) *out++ = code(row, i);
  }
  void forget_codes() const override { forget(parts_.weight); }
  uint8_t code(int64_t row, int64_t input) const {
    const auto* const data = parts_.weight.data.data();
    if (!parts_.is_packed()) return static_cast<uint8_t>(std::to_integer<int>(data[row * inputs_ + input]) ^ 0x80);
    return static_cast<uint8_t>(code_at(data + row * parts_.weight.shape[1] * 4, 1, input, bits_));
  }
  int zero(int64_t row, int64_t group) const {
    const int middle = 1 << (bits_ - 1);
    if (!parts_.zero) return middle;
    const auto* const data = parts_.zero->data.data();
    if (parts_.zero->dtype == DType::i32) return static_cast<int>(code_at(data + group * 4, groups_, row, bits_));
    const std::span<const int8_t> stored(reinterpret_cast<const int8_t*>(data), parts_.zero->data.size());
    return element(stored, parts_, row, group) + middle;
  }

  const Parts parts_;
};

/// F8_E4M3 with a factor for each block of rows and columns.
class FloatMatrix final : public EncodedMatrix {
 public:
  WeightSource weight, scale;
  int64_t row_block = 1, col_block = 1;

  Result<std::shared_ptr<const std::vector<std::byte>>> decode() const override {
    const auto scales = TRY(numbers_of(scale));
    const auto values = values_of_fp8(weight.dtype);
    const auto cols = weight.shape[1], columns = (cols + col_block - 1) / col_block;
    const auto width = static_cast<size_t>(block_bytes(scale.dtype));
    auto out = std::make_shared<std::vector<std::byte>>(weight.data.size() * width);
    constexpr int64_t kRows = 16;
    ThreadPool::shared().parallel_for(weight.shape[0], kRows, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * cols; i < end * cols; ++i) {
        const auto at = static_cast<size_t>(i / cols / row_block * columns + i % cols / col_block);
        const float number = values[std::to_integer<size_t>(weight.data[static_cast<size_t>(i)])] * scales[at];
        const uint16_t half = scale.dtype == DType::bf16 ? to_bf16(number) : to_f16(number);
        auto* const to = out->data() + static_cast<size_t>(i) * width;
        if (scale.dtype == DType::f32)
          std::memcpy(to, &number, width);
        else
          std::memcpy(to, &half, width);
      }
    });
    forget(weight);
    return std::shared_ptr<const std::vector<std::byte>>(std::move(out));
  }
};

Status check_scale(const WeightSource& scale) {
  if (scale.dtype == DType::f32 || scale.dtype == DType::f16 || scale.dtype == DType::bf16) return {};
  return misfit(scale, "factors of F32, F16 or BF16");
}

/// Groups of inputs by the shape of the scales: [outputs, groups], or one group.
Status find_groups(WeightTable& table, const std::string& module, Parts& parts) {
  const auto& shape = parts.scale.shape;
  const bool has_groups = shape.size() == 2 && shape[0] == parts.outputs && shape[1] > 1;
  parts.groups = has_groups ? shape[1] : 1;
  if (!has_groups && shape.numel() != 1 && shape != Shape{parts.outputs} && shape != Shape{parts.outputs, 1})
    return misfit(parts.scale, cat("one factor, or one for each of ", parts.outputs, " rows and its groups"));
  if (parts.inputs % parts.groups != 0)
    return misfit(parts.scale, cat("of groups that divide ", parts.inputs, " inputs"));
  if (table.find(module + ".weight_g_idx")) {
    const auto stored = TRY(table.take(module + ".weight_g_idx"));
    if (stored.dtype != DType::i32 || stored.shape != Shape{parts.inputs})
      return misfit(stored, cat("a group for each of ", parts.inputs, " inputs as I32"));
    parts.group_of_input = integers_of(stored);
    return {};
  }
  const auto size = parts.inputs / parts.groups;
  parts.group_of_input.resize(static_cast<size_t>(parts.inputs));
  for (size_t i = 0; i < parts.group_of_input.size(); ++i)
    parts.group_of_input[i] = static_cast<int32_t>(static_cast<int64_t>(i) / size);
  return {};
}

Status find_zeros(WeightTable& table, const std::string& module, Parts& parts) {
  if (!table.find(module + ".weight_zero_point")) return {};
  parts.zero = TRY(table.take(module + ".weight_zero_point"));
  const auto& zero = *parts.zero;
  if (zero.dtype == DType::i32 && parts.is_packed()) {
    if (zero.shape == Shape{words_of(parts.outputs, parts.bits), parts.groups}) return {};
  } else if (zero.dtype == DType::i8 && zero.shape.numel() == parts.scale.shape.numel()) {
    return {};
  }
  return misfit(zero, "a zero for each factor");
}

/// The bits of packed codes: of the configuration's groups, those that fit.
Result<int> bits_of(const WeightSource& packed, int64_t inputs, const Json& settings) {
  for (const auto& [name, group] : settings["config_groups"].object()) {
    const auto bits = group["weights"]["num_bits"].as_int();
    if (bits >= 1 && bits <= 8 && packed.shape[1] == words_of(inputs, static_cast<int>(bits)))
      return static_cast<int>(bits);
  }
  return misfit(packed, cat("rows of ", inputs, " codes of the num_bits of a config_groups entry"));
}

Status unpack_codes(WeightTable& table, const std::string& module, const Json& settings) {
  Parts parts{.weight = TRY(table.take(module + ".weight_packed")),
              .scale = TRY(table.take(module + ".weight_scale")),
              .zero = {}};
  const auto shape = TRY(table.take(module + ".weight_shape"));
  if (shape.dtype != DType::i64 || shape.data.size() != 2 * sizeof(int64_t)) return misfit(shape, "two I64");
  std::array<int64_t, 2> sizes{};
  std::memcpy(sizes.data(), shape.data.data(), sizeof sizes);
  std::tie(parts.outputs, parts.inputs) = std::tie(sizes[0], sizes[1]);
  const auto& weight = parts.weight;
  constexpr int64_t kInputsMax = int64_t{1} << 40;
  if (weight.dtype != DType::i32 || weight.shape.size() != 2 || weight.shape[0] != parts.outputs || parts.outputs < 1 ||
      parts.inputs < 1 || parts.inputs > kInputsMax)
    return misfit(weight, cat("I32 words of [", parts.outputs, ", ", parts.inputs, "] codes, as weight_shape says"));
  parts.bits = TRY(bits_of(weight, parts.inputs, settings));
  TRY(check_scale(parts.scale));
  TRY(find_groups(table, module, parts));
  TRY(find_zeros(table, module, parts));
  const auto dtype = parts.scale.dtype;
  const Shape made{parts.outputs, parts.inputs};
  table.add(encoded_source(module, dtype, made, std::make_shared<Matrix>(std::move(parts))));
  return {};
}

Status unpack_floats(WeightTable& table, const std::string& module, const Json& settings) {
  auto made = std::make_shared<FloatMatrix>();
  made->weight = TRY(table.take(module + ".weight"));
  made->scale = TRY(table.take(module + ".weight_scale"));
  const auto& [rows, cols] = std::pair(made->weight.shape[0], made->weight.shape[1]);
  const auto& scale = made->scale;
  TRY(check_scale(scale));
  made->row_block = scale.shape.numel() == 1 ? rows : 1;
  made->col_block = cols;
  if (scale.shape.numel() != 1 && scale.shape != Shape{rows} && scale.shape != Shape{rows, 1}) {
    for (const auto& [name, group] : settings["config_groups"].object()) {
      const auto& block = group["weights"]["block_structure"].array();
      made->row_block = block.size() == 2 ? block[0].as_int() : 1;
      made->col_block = block.size() == 2 ? block[1].as_int() : group["weights"]["group_size"].as_int();
      if (made->row_block > 0 && made->col_block > 0 &&
          scale.shape ==
              Shape{(rows + made->row_block - 1) / made->row_block, (cols + made->col_block - 1) / made->col_block})
        break;
      made->col_block = 0;
    }
    if (made->col_block < 1) return misfit(scale, cat("factors for ", made->weight.shape.text()));
  }
  table.add(encoded_source(module, scale.dtype, made->weight.shape, made));
  return {};
}

Status unpack_numbers(WeightTable& table, const std::string& module, const Json& settings) {
  const auto* weight = table.find(module + ".weight");
  if (!weight) return {};
  if (weight->shape.size() != 2 || weight->shape.numel() < 1) return misfit(*weight, "a matrix");
  if (weight->dtype == DType::f8_e4m3) return unpack_floats(table, module, settings);
  if (weight->dtype != DType::i8) return misfit(*weight, "I8 or F8_E4M3, as its weight_scale says");
  Parts parts{
      .weight = TRY(table.take(module + ".weight")), .scale = TRY(table.take(module + ".weight_scale")), .zero = {}};
  parts.outputs = parts.weight.shape[0];
  parts.inputs = parts.weight.shape[1];
  TRY(check_scale(parts.scale));
  TRY(find_groups(table, module, parts));
  TRY(find_zeros(table, module, parts));
  const auto dtype = parts.scale.dtype;
  const auto shape = parts.weight.shape;
  table.add(encoded_source(module, dtype, shape, std::make_shared<Matrix>(std::move(parts))));
  return {};
}

Status check_format(std::string_view format) {
  if (std::ranges::find(kFormats, format) != kFormats.end()) return {};
  const std::vector<std::string> known(kFormats.begin(), kFormats.end());
  return {Code::unsupported,
          cat("quantization_config: compressed-tensors in the format '", format, "'; read are ", join(known, ", "))};
}

Status unpack_all(std::vector<WeightSource>& sources, const Json& settings) {
  const auto format = settings["format"].as_string("dense");
  if (format != "mixed-precision") TRY(check_format(format));
  for (const auto& [name, group] : settings["config_groups"].object())
    if (group["format"].is_string()) TRY(check_format(group["format"].as_string()));
  WeightTable table(sources);
  for (const auto& module : table.modules_with(".weight_packed")) TRY(unpack_codes(table, module, settings));
  for (const auto& module : table.modules_with(".weight_scale")) TRY(unpack_numbers(table, module, settings));
  // What activations and caches are to be rounded by: they are not rounded here.
  for (const auto* ending :
       {".input_scale", ".input_zero_point", ".output_scale", ".output_zero_point", ".q_scale", ".k_scale", ".v_scale"})
    for (const auto& module : table.modules_with(ending)) table.drop(module + ending);
  table.finish();
  return {};
}

}  // namespace

extern constinit const Quantizer compressed_tensors_entry{"compressed-tensors", unpack_all};

}  // namespace hearth::transformers::quantizers
