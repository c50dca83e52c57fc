// The figures are PyTorch 2.13's on the CPU after torch.manual_seed(0), or the seed named.
#include "tensor/torch_generator.h"

#include <doctest/doctest.h>

#include <vector>

using namespace hearth;

TEST_CASE("torch generator: draws what torch draws") {
  const std::vector<float> p{.1f, .2f, .3f, .4f};
  TorchGenerator random(0);
  for (const int wanted : {2, 2, 3, 3, 1, 2, 0, 1, 1, 3, 1, 3}) CHECK(random.multinomial(p) == wanted);
  TorchGenerator without_zeros(7);
  const std::vector<float> q{0, .2f, .3f, .1f, .4f, 0};
  for (const std::vector<int32_t>& wanted : {std::vector<int32_t>{1, 4, 2}, {4, 1, 2}, {4, 1, 2}, {4, 2, 3}})
    CHECK(without_zeros.multinomial(q, 3) == wanted);
  TorchGenerator skipping(0);
  skipping.skip(2 * p.size());
  for (const int wanted : {3, 3, 1}) CHECK(skipping.multinomial(p) == wanted);
  TorchGenerator wide((uint64_t{1} << 32) + 5), narrow(5);
  for (const int wanted : {3, 2, 3, 2, 3, 2}) {
    CHECK(wide.multinomial(p) == wanted);
    CHECK(narrow.multinomial(p) == wanted);
  }
  TorchGenerator uniform(0);
  for (const float wanted : {0.49625658988952637f, 0.7682217955589294f, 0.08847743272781372f, 0.13203048706054688f})
    CHECK(uniform.uniform() == wanted);
}
