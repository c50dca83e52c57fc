// bitsandbytes. Of 4 bits: X.weight holds two codes a byte, the first in the high half, each an index into
// X.weight.quant_map, in blocks that share X.weight.absmax (itself of 8 bits and blocks when it is nested);
// X.weight.quant_state.bitsandbytes__nf4 (or fp4) is JSON in bytes. Of 8 bits: X.weight [outputs, inputs] and X.SCB,
// the largest magnitude of each row. Products with outliers in higher precision (LLM.int8()) are not made: the weights
// are those of dequantization. Source: bitsandbytes 0.50.2 functional.py (QuantState, dequantize_4bit,
// dequantize_blockwise, int8_vectorwise_dequant), backends/default/ops.py, nn/modules.py (weight_format);
// transformers 5.23.0 integrations/bitsandbytes.py.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "tensor/half.h"
#include "transformers/quantized_weights.h"

namespace hearth::transformers::quantizers {
namespace {

constexpr std::array kBlocks = {32, 64, 128, 256, 512, 1024, 2048, 4096};
constexpr std::string_view kState = ".weight.quant_state.bitsandbytes__";

Result<DType> dtype_of(std::string_view name) {
  for (const auto& [known, dtype] :
       {std::pair{"float16", DType::f16}, std::pair{"bfloat16", DType::bf16}, std::pair{"float32", DType::f32}})
    if (name == known) return dtype;
  return Status(Code::bad_input, cat("quant_state: dtype is '", name, "', not float16, bfloat16 or float32"));
}

void store(float value, DType dtype, size_t at, std::vector<std::byte>& out) {
  if (dtype == DType::f32) {
    std::memcpy(out.data() + at * 4, &value, 4);
    return;
  }
  const uint16_t half = dtype == DType::bf16 ? to_bf16(value) : to_f16(value);
  std::memcpy(out.data() + at * 2, &half, 2);
}

/// Rows of at most so many elements are decoded by one thread at a time.
constexpr int64_t kPiece = 1 << 16;

class FourBits final : public EncodedMatrix {
 public:
  WeightSource weight;
  std::vector<float> map, absmax;  // of 16 codes; of each block
  int64_t block = 64, count = 0;
  DType dtype = DType::f16;

  Result<std::shared_ptr<const std::vector<std::byte>>> decode() const override {
    auto out = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(count * block_bytes(dtype)));
    ThreadPool::shared().parallel_for(count, kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto byte = std::to_integer<uint32_t>(weight.data[static_cast<size_t>(i / 2)]);
        const auto code = i % 2 == 0 ? byte >> 4 : byte & 15;
        store(map[code] * absmax[static_cast<size_t>(i / block)], dtype, static_cast<size_t>(i), *out);
      }
    });
    forget(weight);
    return std::shared_ptr<const std::vector<std::byte>>(std::move(out));
  }
};

class EightBits final : public EncodedMatrix {
 public:
  WeightSource weight;
  std::vector<float> largest;  // magnitude of each row

  Result<std::shared_ptr<const std::vector<std::byte>>> decode() const override {
    const auto rows = weight.shape[0], cols = weight.shape[1];
    auto out = std::make_shared<std::vector<std::byte>>(weight.data.size() * sizeof(float));
    ThreadPool::shared().parallel_for(rows, std::max<int64_t>(1, kPiece / cols), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * cols; i < end * cols; ++i) {
        constexpr float kShare = 7.874015718698502e-3f;  // 1 / 127, as both libraries spell it
        const auto code = static_cast<int8_t>(weight.data[static_cast<size_t>(i)]);
        store(static_cast<float>(code) * largest[static_cast<size_t>(i / cols)] * kShare, DType::f32,
              static_cast<size_t>(i), *out);
      }
    });
    forget(weight);
    return std::shared_ptr<const std::vector<std::byte>>(std::move(out));
  }
};

Result<std::vector<float>> floats_of(const WeightSource& source, int64_t count) {
  if (source.dtype != DType::f32 || source.shape.numel() != count) return misfit(source, cat(count, " numbers of F32"));
  return numbers_of(source);
}

Result<int64_t> block_size(const Json& state, std::string_view key) {
  const auto size = state[key].as_int();
  if (std::ranges::find(kBlocks, size) == kBlocks.end())
    return Status(Code::bad_input,
                  cat("quant_state: ", key, " is ", state[key].dump(), ", not a power of two from 32 to 4096"));
  return size;
}

/// The largest magnitude of each of `count` blocks: f32, or codes of 8 bits in blocks of their own, around an offset.
Result<std::vector<float>> read_absmax(WeightTable& table, const std::string& weight, const Json& state,
                                       int64_t count) {
  const auto absmax = TRY(table.take(weight + ".absmax"));
  if (!table.find(weight + ".nested_absmax")) return floats_of(absmax, count);
  if (absmax.dtype != DType::u8 || absmax.shape.numel() != count) return misfit(absmax, cat(count, " codes of U8"));
  const auto block = TRY(block_size(state, "nested_blocksize"));
  const auto map = TRY(floats_of(TRY(table.take(weight + ".nested_quant_map")), 256));
  const auto outer = TRY(floats_of(TRY(table.take(weight + ".nested_absmax")), (count + block - 1) / block));
  const auto offset = static_cast<float>(state["nested_offset"].as_double());
  std::vector<float> out(static_cast<size_t>(count));
  for (size_t i = 0; i < out.size(); ++i) {
    const float share = map[std::to_integer<size_t>(absmax.data[i])] * outer[i / static_cast<size_t>(block)];
    out[i] = share + offset;
  }
  return out;
}

Status unpack_four_bits(WeightTable& table, const std::string& module, const std::string& state_name) {
  const auto weight_name = module + ".weight";
  const auto stored = TRY(table.take(state_name));
  const std::string_view text(reinterpret_cast<const char*>(stored.data.data()), stored.data.size());
  if (stored.dtype != DType::u8) return misfit(stored, "JSON in bytes");
  const auto state = TRY(Json::parse(text));
  const auto type = state["quant_type"].as_string();
  if (!state_name.ends_with(type) || (type != "nf4" && type != "fp4"))
    return {Code::bad_input,
            cat("quant_state: quant_type is ", state["quant_type"].dump(), ", not nf4 or fp4 as the name says")};
  const auto& sizes = state["shape"].array();
  Shape shape;
  int64_t count = 0;
  if (sizes.size() != 2 || sizes[0].as_int() < 1 || sizes[1].as_int() < 1 ||
      __builtin_mul_overflow(sizes[0].as_int(), sizes[1].as_int(), &count))
    return {Code::bad_input, cat("quant_state: shape is ", state["shape"].dump(), ", not [outputs, inputs]")};
  shape = {sizes[0].as_int(), sizes[1].as_int()};

  auto made = std::make_shared<FourBits>();
  made->dtype = TRY(dtype_of(state["dtype"].as_string()));
  made->block = TRY(block_size(state, "blocksize"));
  made->count = count;
  made->weight = TRY(table.take(weight_name));
  const auto bytes = static_cast<int64_t>(made->weight.data.size()), storage = block_bytes(made->weight.dtype);
  if (bytes < count / 2 + count % 2 || bytes >= count / 2 + count % 2 + storage)
    return misfit(made->weight, cat("two codes a byte of the quant_state's ", shape.text()));
  made->map = TRY(floats_of(TRY(table.take(weight_name + ".quant_map")), 16));
  made->absmax = TRY(read_absmax(table, weight_name, state, (count + made->block - 1) / made->block));
  const auto dtype = made->dtype;
  table.add(encoded_source(module, dtype, shape, std::move(made)));
  return {};
}

Status unpack_eight_bits(WeightTable& table, const std::string& module) {
  auto made = std::make_shared<EightBits>();
  made->weight = TRY(table.take(module + ".weight"));
  const auto& weight = made->weight;
  if (weight.dtype != DType::i8 || weight.shape.size() != 2 || weight.shape.numel() < 1)
    return misfit(weight, "a matrix of I8");
  made->largest = TRY(floats_of(TRY(table.take(module + ".SCB")), weight.shape[0]));
  if (const auto* format = table.find(module + ".weight_format")) {
    if (std::ranges::any_of(format->data, [](std::byte b) { return b != std::byte{0}; }))
      return {Code::unsupported,
              cat(format->name, " is not 0: rows in their order are read, not those of a GPU's tiles")};
    table.drop(module + ".weight_format");
  }
  table.add(encoded_source(module, DType::f32, weight.shape, made));
  return {};
}

Status unpack_all(std::vector<WeightSource>& sources, const Json&) {
  WeightTable table(sources);
  for (const auto* type : {"nf4", "fp4"}) {
    const auto ending = cat(kState, type);
    for (const auto& module : table.modules_with(ending)) {
      auto status = unpack_four_bits(table, module, module + ending);
      if (!status.ok()) return std::move(status).with(module);
    }
  }
  for (const auto& module : table.modules_with(".SCB")) TRY(unpack_eight_bits(table, module));
  table.finish();
  return {};
}

}  // namespace

extern constinit const Quantizer bitsandbytes_entry{"bitsandbytes", unpack_all};

}  // namespace hearth::transformers::quantizers
