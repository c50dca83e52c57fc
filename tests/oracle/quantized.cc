// Asked by test_quantized_checkpoints.py. Usage: oracle_quantized FOLDER NAME > f32 numbers of a checkpoint's matrix,
// as models are given them.
#include <cstdio>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "safetensors/shards.h"
#include "tensor/linear_kernels.h"
#include "transformers/quantized_weights.h"

using namespace hearth;

namespace {

Status print(const std::string& folder, const std::string& name) {
  const auto weights = TRY(Weights::open(folder));
  const auto config = TRY(Json::parse(TRY(read_file(folder + "/config.json", 1 << 20))));
  std::vector<WeightSource> sources;
  for (const auto* tensor : weights->tensors())
    sources.push_back({.name = tensor->name,
                       .dtype = tensor->dtype,
                       .shape = Shape(tensor->shape),
                       .data = tensor->data,
                       .owner = weights,
                       .file = weights});
  TRY(unpack_quantized(sources, config, Numerics::exact));
  for (auto& source : sources) {
    if (source.name != name) continue;
    if (source.encoded) source.take(TRY(source.encoded->decode()));
    const auto numbers = TRY(numbers_of(source));
    std::fwrite(numbers.data(), sizeof(float), numbers.size(), stdout);
    return {};
  }
  return {Code::not_found, name};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto status = print(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
