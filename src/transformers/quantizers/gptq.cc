// GPTQ: X.qweight holds the codes of a column of inputs as a stream of bits down the rows, X.qzeros those of a group's
// zeros along the outputs, X.scales a factor for each group and output, X.g_idx the group of each input. Weights are
// scale * (code - zero) in the type of the scales.
// Source: GPTQModel 7.7.0 nn_modules/qlinear/__init__.py (PackableQuantLinear.dequantize_weight), utils/model.py
// (convert_gptq_v1_to_v2_format_module), utils/model_dequant.py (_shift_gptq_qzeros); transformers 5.23.0 GPTQConfig.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "transformers/quantized_weights.h"

namespace hearth::transformers::quantizers {
namespace {

constexpr std::array kBits = {2, 3, 4, 8};

struct Parts {
  WeightSource qweight, qzeros, scales;
  std::vector<int32_t> groups;  // of the inputs
};

/// What is added to every word of zeros, of which the format `gptq` holds one less: carries go from zero to zero, as
/// they do where the format is written and read. Zeros of three bits cross words and wrap one by one.
uint32_t word_correction(int bits) {
  return bits == 2 ? 0x55555555u : bits == 4 ? 0x11111111u : bits == 8 ? 0x01010101u : 0;
}

class Matrix final : public CodedMatrix {
 public:
  Matrix(Parts parts, int bits, bool is_v1)
      : CodedMatrix(parts.scales.dtype, bits, parts.scales.shape[1], static_cast<int64_t>(parts.groups.size()),
                    parts.scales.shape[0]),
        parts_(std::move(parts)),
        is_v1_(is_v1) {}

 private:
  Result<CodeMeaning> meaning() const override {
    for (size_t i = 0; i < parts_.groups.size(); ++i)
      if (parts_.groups[i] < 0 || parts_.groups[i] >= groups_)
        return Status(Code::bad_input,
                      cat("g_idx says that input ", i, " is of group ", parts_.groups[i], "; there are ", groups_));
    CodeMeaning out{.scales = std::vector<float>(static_cast<size_t>(outputs_ * groups_)),
                    .zeros = std::vector<float>(static_cast<size_t>(outputs_ * groups_)),
                    .group_of_input = parts_.groups};
    const auto scales = TRY(numbers_of(parts_.scales));
    for (int64_t group = 0; group < groups_; ++group)
      for (int64_t row = 0; row < outputs_; ++row) {
        const auto at = static_cast<size_t>(row * groups_ + group);
        out.scales[at] = scales[static_cast<size_t>(group * outputs_ + row)];
        out.zeros[at] = static_cast<float>(zero(group, row));
      }
    return out;
  }
  void read_codes(int64_t begin, int64_t end, uint8_t* out) const override {
    for (int64_t i = 0; i < inputs_; ++i)
      for (int64_t row = begin; row < end; ++row)
        out[(row - begin) * inputs_ + i] =
            static_cast<uint8_t>(code_at(parts_.qweight.data.data() + row * 4, outputs_, i, bits_));
  }
  void forget_codes() const override { forget(parts_.qweight); }
  uint32_t zero(int64_t group, int64_t row) const {
    const auto* const words = parts_.qzeros.data.data() + group * parts_.qzeros.shape[1] * 4;
    const auto correction = is_v1_ ? word_correction(bits_) : 0;
    const auto mask = (1u << bits_) - 1;
    if (correction == 0) return (code_at(words, 1, row, bits_) + (is_v1_ ? 1 : 0)) & mask;
    const int64_t bit = row * bits_;
    return (word_at(words, bit / 32) + correction) >> (bit % 32) & mask;
  }

  const Parts parts_;
  const bool is_v1_;
};

Result<int> checked_bits(int64_t bits, std::string_view where) {
  if (std::ranges::find(kBits, bits) != kBits.end()) return static_cast<int>(bits);
  return Status(Code::unsupported, cat(where, ": GPTQ codes of ", bits, " bits; read are 2, 3, 4 and 8"));
}

/// The bits of a code: those of the configuration, unless its `dynamic` gives some modules others.
Result<int> bits_of(const WeightSource& qweight, int64_t inputs, const Json& settings) {
  const bool may_differ = settings["dynamic"].size() > 0;
  const auto stored = qweight.shape[0] * 32 / inputs;
  const auto bits = TRY(checked_bits(may_differ ? stored : settings["bits"].as_int(4), qweight.name));
  if (qweight.shape[0] == words_of(inputs, bits)) return bits;
  return misfit(qweight,
                cat("the ", words_of(inputs, bits), " rows of words that ", inputs, " inputs of ", bits, " bits take"));
}

Result<std::vector<int32_t>> groups_of(WeightTable& table, const std::string& module, const WeightSource& qweight,
                                       const WeightSource& scales, const Json& settings) {
  if (table.find(module + ".g_idx")) {
    const auto stored = TRY(table.take(module + ".g_idx"));
    if (stored.dtype != DType::i32 || stored.shape.size() != 1 || stored.shape[0] < 1)
      return misfit(stored, "a group for each input as I32");
    return integers_of(stored);
  }
  const auto bits = TRY(checked_bits(settings["bits"].as_int(4), qweight.name));
  const auto inputs = qweight.shape[0] * 32 / bits;
  const auto asked = settings["group_size"].as_int(128), size = asked > 0 ? asked : inputs;
  if (size < 1 || scales.shape[0] != (inputs + size - 1) / size)
    return misfit(scales, cat("a row for each ", size, " of ", inputs, " inputs"));
  std::vector<int32_t> out(static_cast<size_t>(inputs));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<int32_t>(static_cast<int64_t>(i) / size);
  return out;
}

Status unpack_module(WeightTable& table, const std::string& module, const Json& settings, bool is_v1) {
  Parts parts{.qweight = TRY(table.take(module + ".qweight")),
              .qzeros = TRY(table.take(module + ".qzeros")),
              .scales = TRY(table.take(module + ".scales")),
              .groups = {}};
  const auto& [qweight, qzeros, scales, unused] = parts;
  for (const auto* part : {&qweight, &qzeros})
    if (part->dtype != DType::i32 || part->shape.size() != 2) return misfit(*part, "a matrix of I32");
  if (scales.shape.size() != 2 || scales.shape.numel() < 1 || scales.shape[1] != qweight.shape[1])
    return misfit(scales, cat("a factor for each group and each of ", qweight.shape[1], " outputs"));
  if (is_block_type(scales.dtype) || !kernels::can_pack(scales.dtype)) return misfit(scales, "F16, BF16 or F32");
  parts.groups = TRY(groups_of(table, module, qweight, scales, settings));
  const auto inputs = static_cast<int64_t>(parts.groups.size());
  if (inputs < 1) return misfit(qweight, "a matrix with inputs");
  const auto bits = TRY(bits_of(qweight, inputs, settings));
  const Shape shape{scales.shape[1], inputs};
  if (qzeros.shape != Shape{scales.shape[0], words_of(shape[0], bits)})
    return misfit(qzeros, cat("the zeros of ", scales.shape[0], " groups and ", shape[0], " outputs"));
  const auto dtype = scales.dtype;
  table.add(encoded_source(module, dtype, shape, std::make_shared<Matrix>(std::move(parts), bits, is_v1)));
  return {};
}

Status unpack_all(std::vector<WeightSource>& sources, const Json& settings) {
  auto format = settings["checkpoint_format"].as_string();
  if (format.empty()) format = settings["format"].as_string("gptq");
  if (format != "gptq" && format != "gptq_v2")
    return {Code::unsupported, cat("quantization_config: GPTQ weights in the format '", format,
                                   "', which is made for one kind of GPU; read are gptq and gptq_v2")};
  WeightTable table(sources);
  for (const auto& module : table.modules_with(".qweight"))
    TRY(unpack_module(table, module, settings, /*is_v1=*/format == "gptq"));
  table.finish();
  return {};
}

}  // namespace

extern constinit const Quantizer gptq_entry{"gptq", unpack_all};

}  // namespace hearth::transformers::quantizers
