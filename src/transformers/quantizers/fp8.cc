// fp8: 8-bit floating-point weights, as DeepSeek-V3 and Qwen3-FP8 repositories have them: beside `X.weight` stands
// `X.weight_scale_inv`, a factor for each block of rows and columns. They become f32 at once.
// Source: transformers 5.23.0 integrations/finegrained_fp8.py; OCP 8-bit floating point specification 1.0.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/text.h"
#include "transformers/quantized_weights.h"

namespace hearth::transformers::quantizers {
namespace {

constexpr std::string_view kWeight = ".weight", kScale = ".weight_scale_inv", kActivation = ".activation_scale";
constexpr int64_t kBlock = 128;  // where the configuration says nothing

bool is_fp8(DType dtype) {
  return dtype == DType::f8_e4m3 || dtype == DType::f8_e5m2;
}

/// [rows of blocks, columns of blocks]; one factor stands for the whole tensor.
struct Scales {
  std::vector<float> values = {1.0f};
  int64_t row_block = 1, col_block = 1, columns = 1;
};

Result<Scales> read_scales(const WeightSource& weight, const WeightSource& scale, const Json& settings) {
  const auto bad = [&] {
    return Status(Code::bad_input, cat(scale.name, " is ", scale.shape.text(), " of ", name(scale.dtype),
                                       ", which does not fit ", weight.name, " ", weight.shape.text()));
  };
  if (scale.dtype != DType::f32) return bad();
  Scales out;
  out.values.resize(scale.data.size() / sizeof(float));
  std::memcpy(out.values.data(), scale.data.data(), out.values.size() * sizeof(float));
  if (weight.shape.size() != 2) {
    if (out.values.size() != 1) return bad();
    return out;
  }
  const auto rows = weight.shape[0], cols = weight.shape[1];
  if (out.values.size() == 1) {
    out.row_block = std::max<int64_t>(rows, 1);
    out.col_block = std::max<int64_t>(cols, 1);
    return out;
  }
  const auto& block = settings["weight_block_size"];
  out.row_block = block.is_array() && block.size() == 2 ? block.array()[0].as_int(0) : kBlock;
  out.col_block = block.is_array() && block.size() == 2 ? block.array()[1].as_int(0) : kBlock;
  if (out.row_block < 1 || out.col_block < 1)
    return Status(Code::bad_input, cat("config.json: weight_block_size is ", block.dump()));
  out.columns = (cols + out.col_block - 1) / out.col_block;
  if (scale.shape != Shape{(rows + out.row_block - 1) / out.row_block, out.columns}) return bad();
  return out;
}

Status unpack(WeightSource& weight, const Scales& scales) {
  const auto values = values_of_fp8(weight.dtype);
  auto made = std::make_shared<std::vector<float>>(weight.data.size());
  const auto cols = weight.shape.size() == 2 ? weight.shape[1] : static_cast<int64_t>(weight.data.size());
  for (size_t i = 0; i < made->size(); ++i) {
    const auto row = cols > 0 ? static_cast<int64_t>(i) / cols : 0, col = cols > 0 ? static_cast<int64_t>(i) % cols : 0;
    const auto at = scales.values.size() == 1
                        ? 0
                        : static_cast<size_t>(row / scales.row_block * scales.columns + col / scales.col_block);
    (*made)[i] = values[std::to_integer<size_t>(weight.data[i])] * scales.values[at];
  }
  weight.dtype = DType::f32;
  weight.data = std::as_bytes(std::span(*made));
  weight.owner = std::move(made);
  return {};
}

Status unpack_all(std::vector<WeightSource>& sources, const Json& settings) {
  std::unordered_map<std::string, const WeightSource*> scales;
  bool has_fp8 = false;
  for (const auto& source : sources) {
    has_fp8 |= is_fp8(source.dtype);
    if (source.name.ends_with(kScale)) scales.emplace(source.name, &source);
  }
  if (!has_fp8) return {};
  for (auto& source : sources) {
    if (!is_fp8(source.dtype)) continue;
    const auto stem = source.name.substr(0, source.name.size() - kWeight.size());
    const auto found = source.name.ends_with(kWeight) ? scales.find(cat(stem, kScale)) : scales.end();
    TRY(unpack(source, found == scales.end() ? Scales() : TRY(read_scales(source, *found->second, settings))));
  }
  std::erase_if(sources, [](const WeightSource& source) {
    return source.name.ends_with(kScale) || source.name.ends_with(kActivation);
  });
  return {};
}

}  // namespace

extern constinit const Quantizer fp8_entry{"fp8", unpack_all};

}  // namespace hearth::transformers::quantizers
