#include "transformers/quantized_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/text.h"
#include "tensor/half.h"
#include "tensor/linear_kernels.h"
#include "transformers/quantizers_registry.h"

namespace hearth {
namespace {

/// A number between two of f32's becomes the one of them whose last bit is 1: rounding that to f16 is rounding `x`
/// once.
float to_odd(double x) {
  const auto nearest = static_cast<float>(x);
  const auto bits = std::bit_cast<uint32_t>(nearest);
  if (static_cast<double>(nearest) == x || (bits & 1) || !std::isfinite(x)) return nearest;
  return std::bit_cast<float>(std::abs(static_cast<double>(nearest)) < std::abs(x) ? bits + 1 : bits - 1);
}

template <class T>
T rounded(double x, DType dtype) {
  if constexpr (sizeof(T) == sizeof(float)) return static_cast<float>(x);
  return dtype == DType::bf16 ? to_bf16(to_odd(x)) : to_f16(to_odd(x));
}

/// Rows of weights. The sum or product of what a code can be is exact in f64, so every weight is rounded once.
template <class T>
void decode_rows(const CodeMeaning& codes, int64_t groups, const uint8_t* values, DType dtype, int bits, int64_t begin,
                 int64_t end, T* out) {
  const auto inputs = static_cast<int64_t>(codes.group_of_input.size());
  const auto weight = [&](int64_t row, int64_t group, int code) {
    const auto at = static_cast<size_t>(row * groups + group);
    const double scale = codes.scales[at], zero = codes.zeros[at];
    return rounded<T>(codes.are_zeros_scaled ? scale * code + zero : scale * (code - zero), dtype);
  };
  const bool has_table = groups << bits <= inputs;  // all weights that there are, where those are fewer
  std::vector<T> table(has_table ? static_cast<size_t>(groups << bits) : 0);
  for (int64_t row = begin; row < end; ++row, values += inputs, out += inputs) {
    if (!has_table) {
      for (int64_t i = 0; i < inputs; ++i)
        out[i] = weight(row, codes.group_of_input[static_cast<size_t>(i)], values[i]);
      continue;
    }
    for (int64_t i = 0; i < groups << bits; ++i)
      table[static_cast<size_t>(i)] = weight(row, i >> bits, static_cast<int>(i & ((1 << bits) - 1)));
    for (int64_t i = 0; i < inputs; ++i)
      out[i] = table[static_cast<size_t>((int64_t{codes.group_of_input[static_cast<size_t>(i)]} << bits) + values[i])];
  }
}

constexpr int64_t kBlock = 32;

/// A block of Q4_1: scale, minimum, code i in the low half of byte i and code i + 16 in its high half. Of Q8_0: scale,
/// codes around 0. Source: ggml-common.h block_q4_1, block_q8_0.
void write_block(const uint8_t* codes, DType type, float scale, float minimum, std::byte* out) {
  const auto store = [&out](uint16_t half) {
    std::memcpy(out, &half, sizeof half);
    out += sizeof half;
  };
  store(to_f16(scale));
  if (type == DType::q8_0) {
    for (int64_t i = 0; i < kBlock; ++i) out[i] = static_cast<std::byte>(codes[i] ^ 0x80);
    return;
  }
  store(to_f16(minimum));
  for (int64_t i = 0; i < kBlock / 2; ++i) out[i] = static_cast<std::byte>(codes[i] | codes[i + kBlock / 2] << 4);
}

/// A matrix of codes as blocks.
class BlockMatrix final : public EncodedMatrix {
 public:
  BlockMatrix(std::shared_ptr<const CodedMatrix> codes, DType type) : codes_(std::move(codes)), type_(type) {}
  Result<std::shared_ptr<const std::vector<std::byte>>> decode() const override { return codes_->decode_blocks(type_); }

 private:
  const std::shared_ptr<const CodedMatrix> codes_;
  const DType type_;
};

/// Puts blocks in the place of codes that fit them.
Status use_blocks(std::vector<WeightSource>& sources) {
  for (auto& source : sources) {
    auto codes = std::dynamic_pointer_cast<const CodedMatrix>(source.encoded);
    if (!codes) continue;
    auto type = codes->block_type();
    if (!type.ok()) return std::move(type).status().with(source.name);
    if (!*type) continue;
    source.dtype = **type;
    source.encoded = std::make_shared<BlockMatrix>(std::move(codes), **type);
  }
  return {};
}

constexpr std::string_view kUntold = "fp8";  // its tensors have a type of their own, so no configuration need tell

/// Files of before `quant_method` say what they hold by a flag.
/// Source: transformers 5.23.0 quantizers/auto.py AutoQuantizationConfig.from_dict.
std::string method_of(const Json& settings) {
  if (settings.find("quant_method")) return std::string(settings["quant_method"].as_string());
  return settings["load_in_4bit"].as_bool() || settings["load_in_8bit"].as_bool() ? "bitsandbytes" : "";
}

}  // namespace

Status unpack_quantized(std::vector<WeightSource>& sources, const Json& config, Numerics numerics) {
  const auto& settings =
      config["quantization_config"].is_object() ? config["quantization_config"] : config["compression_config"];
  const auto packed =
      std::ranges::find_if(sources, [](const WeightSource& source) { return source.name.ends_with(".qweight"); });
  if (!settings.is_object() && packed != sources.end())
    return {
        Code::bad_input,
        cat(packed->name, " holds quantized weights, and config.json has no quantization_config that says how: put ",
            "the settings of quantize_config.json or quant_config.json there, with their quant_method")};
  const auto method = settings.is_object() ? method_of(settings) : std::string(kUntold);
  std::vector<std::string> known;
  for (const auto* entry : transformers::quantizers::entries()) {
    if (entry->method == method) {
      TRY(entry->unpack(sources, settings));
      return numerics == Numerics::fast ? use_blocks(sources) : Status();
    }
    known.emplace_back(entry->method);
  }
  return {Code::unsupported,
          cat("quantization_config.quant_method is '", method, "'; read are ", join(known, ", "),
              ": take the model's unquantized weights, a checkpoint of one of these methods, or a GGUF file")};
}

WeightTable::WeightTable(std::vector<WeightSource>& sources) : sources_(sources), is_taken_(sources.size()) {
  for (size_t i = 0; i < sources.size(); ++i) by_name_.emplace(sources[i].name, i);
}

std::vector<std::string> WeightTable::modules_with(std::string_view ending) const {
  std::vector<std::string> out;
  for (size_t i = 0; i < sources_.size(); ++i)
    if (!is_taken_[i] && sources_[i].name.ends_with(ending))
      out.push_back(sources_[i].name.substr(0, sources_[i].name.size() - ending.size()));
  return out;
}

const WeightSource* WeightTable::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() || is_taken_[found->second] ? nullptr : &sources_[found->second];
}

Result<WeightSource> WeightTable::take(const std::string& name) {
  const auto* found = find(name);
  if (!found) return Status(Code::bad_input, cat(name, " is missing, without which its module's weights mean nothing"));
  is_taken_[by_name_[name]] = true;
  return *found;
}

void WeightTable::drop(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) is_taken_[found->second] = true;
}

void WeightTable::finish() {
  std::vector<WeightSource> out;
  for (size_t i = 0; i < sources_.size(); ++i)
    if (!is_taken_[i]) out.push_back(std::move(sources_[i]));
  std::ranges::move(added_, std::back_inserter(out));
  sources_ = std::move(out);
}

namespace {
constexpr int64_t kRows = 64;  // a piece: where codes of neighbouring rows share words, they fill cache lines
}

Result<std::shared_ptr<const std::vector<std::byte>>> CodedMatrix::decode() const {
  const auto meaning = TRY(this->meaning());
  const auto width = block_bytes(dtype_);
  auto out = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(outputs_ * inputs_ * width));
  ThreadPool::shared().parallel_for(outputs_, kRows, [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> codes(static_cast<size_t>((end - begin) * inputs_));
    read_codes(begin, end, codes.data());
    auto* const to = out->data() + begin * inputs_ * width;
    if (dtype_ == DType::f32)
      decode_rows(meaning, groups_, codes.data(), dtype_, bits_, begin, end, reinterpret_cast<float*>(to));
    else
      decode_rows(meaning, groups_, codes.data(), dtype_, bits_, begin, end, reinterpret_cast<uint16_t*>(to));
  });
  forget_codes();
  return std::shared_ptr<const std::vector<std::byte>>(std::move(out));
}

Result<std::optional<DType>> CodedMatrix::block_type() const {
  if ((bits_ != 4 && bits_ != 8) || inputs_ % kBlock != 0) return std::optional<DType>();
  const auto meaning = TRY(this->meaning());
  for (int64_t i = 0; i < inputs_; ++i)
    if (meaning.group_of_input[static_cast<size_t>(i)] !=
        meaning.group_of_input[static_cast<size_t>(i / kBlock * kBlock)])
      return std::optional<DType>();
  const bool is_around_middle =
      !meaning.are_zeros_scaled && std::ranges::all_of(meaning.zeros, [](float zero) { return zero == 128; });
  if (bits_ == 8 && !is_around_middle) return std::optional<DType>();
  constexpr float kSmallest = 0x1p-14f, kLargest = 2048;  // such a scale and its minimum are normal numbers of f16
  const bool is_f16 = std::ranges::all_of(meaning.scales, [this](float scale) {
    return std::abs(scale) <= kLargest && (dtype_ == DType::f16 || scale == 0 || std::abs(scale) >= kSmallest);
  });
  if (!is_f16) return std::optional<DType>();
  return std::optional(bits_ == 4 ? DType::q4_1 : DType::q8_0);
}

Result<std::shared_ptr<const std::vector<std::byte>>> CodedMatrix::decode_blocks(DType type) const {
  const auto meaning = TRY(this->meaning());
  const auto width = block_bytes(type), blocks = inputs_ / kBlock;
  auto out = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(outputs_ * blocks * width));
  ThreadPool::shared().parallel_for(outputs_, kRows, [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> codes(static_cast<size_t>((end - begin) * inputs_));
    read_codes(begin, end, codes.data());
    for (int64_t row = begin; row < end; ++row)
      for (int64_t block = 0; block < blocks; ++block) {
        const auto group = meaning.group_of_input[static_cast<size_t>(block * kBlock)];
        const auto at = static_cast<size_t>(row * groups_ + group);
        const float scale = meaning.scales[at], zero = meaning.zeros[at];
        write_block(codes.data() + (row - begin) * inputs_ + block * kBlock, type, scale,
                    meaning.are_zeros_scaled ? zero : -scale * zero, out->data() + (row * blocks + block) * width);
      }
  });
  forget_codes();
  return std::shared_ptr<const std::vector<std::byte>>(std::move(out));
}

std::array<float, 256> values_of_fp8(DType dtype) {
  const bool is_e4m3 = dtype == DType::f8_e4m3;
  const int fraction_bits = is_e4m3 ? 3 : 2, bias = is_e4m3 ? 7 : 15;
  std::array<float, 256> out{};
  for (int byte = 0; byte < 256; ++byte) {
    const int magnitude = byte & 0x7F, exponent = magnitude >> fraction_bits;
    const int fraction = magnitude & ((1 << fraction_bits) - 1);
    const int whole = exponent > 0 ? 1 << fraction_bits : 0;  // subnormal numbers have none
    float value = std::ldexp(static_cast<float>(whole + fraction), std::max(exponent, 1) - bias - fraction_bits);
    if (is_e4m3 && magnitude == 0x7F) value = std::numeric_limits<float>::quiet_NaN();
    if (!is_e4m3 && exponent == 31)
      value = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    out[static_cast<size_t>(byte)] = byte < 128 ? value : -value;
  }
  return out;
}

Result<std::vector<float>> numbers_of(const WeightSource& source) {
  if (source.dtype != DType::f32 && source.dtype != DType::f16 && source.dtype != DType::bf16)
    return misfit(source, "F32, F16 or BF16");
  std::vector<float> out(static_cast<size_t>(source.shape.numel()));
  TRY(kernels::dequantize(source.dtype, source.data, out));
  return out;
}

std::vector<int32_t> integers_of(const WeightSource& source) {
  std::vector<int32_t> out(source.data.size() / sizeof(int32_t));
  std::memcpy(out.data(), source.data.data(), out.size() * sizeof(int32_t));
  return out;
}

Status misfit(const WeightSource& part, std::string_view expected) {
  return {Code::bad_input, cat(part.name, " is ", part.shape.text(), " of ", name(part.dtype), ", not ", expected)};
}

}  // namespace hearth
