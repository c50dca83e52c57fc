// Distances as torch counts them: where make_log_bucket_position of transformers 5.23.0 steps to another bin.
#include "transformers/deberta_encoder.h"

#include <doctest/doctest.h>

namespace hearth {
namespace {

/// The distances below 600, beyond the single ones, whose row is not that of the one before.
std::vector<int64_t> steps(const DebertaDistances& distances) {
  std::vector<int64_t> out;
  for (int64_t away = distances.buckets / 2 + 1; away < 600; ++away)
    if (distances.row(away) != distances.row(away - 1)) out.push_back(away);
  return out;
}

}  // namespace

TEST_CASE("deberta distances: logarithmic bins step where torch steps") {
  const DebertaDistances wide{.span = 100, .buckets = 32, .max_distance = 512};
  CHECK(steps(wide) == std::vector<int64_t>{17, 21, 26, 32, 41, 51, 64, 81, 102, 128, 162, 203, 256, 322, 406, 512});
  CHECK(wide.row(511) == 131);
  CHECK(wide.row(-511) == 69);
  CHECK(steps({.span = 100, .buckets = 6, .max_distance = 20}) == std::vector<int64_t>{4, 8, 20, 48, 121, 303});
  const DebertaDistances usual{.span = 256, .buckets = 256, .max_distance = 512};
  CHECK(usual.row(511) == 511);
  CHECK(usual.row(512) == 511);  // the table's last row
  CHECK(usual.row(-100'000) == 0);
  CHECK(usual.row(128) == 384);
  CHECK(usual.row(129) == 385);
  CHECK(usual.row(132) == 387);
}

TEST_CASE("deberta distances: without bins each has a row, up to the table's ends") {
  const DebertaDistances plain{.span = 4, .max_distance = 4};
  CHECK(plain.row(0) == 4);
  CHECK(plain.row(3) == 7);
  CHECK(plain.row(9) == 7);
  CHECK(plain.row(-4) == 0);
  CHECK(plain.row(-9) == 0);
}

}  // namespace hearth
