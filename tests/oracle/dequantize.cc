// Asked by test_dequantize.py. Usage: oracle_dequantize TYPE < blocks > f32 values. As a matrix whose rows are a block
// (32 columns of what has none) they go through `pack` and `embedding_row` as well, and must give the same bits.
// oracle_dequantize TYPE quantize < f32 values > blocks.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "safetensors/dtype.h"
#include "tensor/linear_kernels.h"
#include "tensor/quantize.h"

using namespace hearth;

int main(int argc, char** argv) {
  const auto type = dtype_of_ggml(argc > 1 ? static_cast<uint32_t>(std::atoi(argv[1])) : 0);
  if (!type) return 2;
  std::vector<std::byte> data;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) data.push_back(static_cast<std::byte>(c));
  ThreadPool pool(1);
  if (argc > 2) {
    const auto rows = static_cast<int64_t>(data.size() / sizeof(float) / 32);
    const auto made =
        quantized({.name = "x", .dtype = DType::f32, .shape = {rows, 32}, .data = data, .owner = {}}, *type, pool);
    if (!made.ok()) return std::fprintf(stderr, "%s\n", made.status().message().c_str()), 6;
    std::fwrite(made->data.data(), 1, made->data.size(), stdout);
    return 0;
  }
  const int64_t count = static_cast<int64_t>(data.size()) / block_bytes(*type) * block_elements(*type);
  const int64_t cols = std::max<int64_t>(32, block_elements(*type));
  std::vector<float> out(static_cast<size_t>(count)), row(static_cast<size_t>(cols));
  if (!kernels::dequantize(*type, data, out).ok()) return 3;
  const auto weight = kernels::pack(*type, data, count / cols, cols, Numerics::exact, pool);
  if (!weight.ok()) return 4;
  for (int64_t r = 0; r < weight->rows(); ++r) {
    kernels::embedding_row(*weight, r, row.data());
    if (std::memcmp(row.data(), out.data() + r * cols, row.size() * sizeof(float)) != 0) return 5;
  }
  std::fwrite(out.data(), sizeof(float), out.size(), stdout);
  return 0;
}
