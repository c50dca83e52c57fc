#include "base/prometheus.h"

#include <doctest/doctest.h>

namespace hearth {
namespace {

TEST_CASE("prometheus: a histogram's buckets count what is not above them, and quantiles lie inside their bucket") {
  Histogram histogram({1, 2, 4});
  for (const double value : {0.5, 1.0, 1.5, 3.0, 9.0}) histogram.add(value);
  PrometheusText page;
  page.single("x", "What it is.", histogram, "a=\"b\"");
  CHECK(page.take() ==
        "# HELP x What it is.\n# TYPE x histogram\n"
        "x_bucket{a=\"b\",le=\"1\"} 2\nx_bucket{a=\"b\",le=\"2\"} 3\nx_bucket{a=\"b\",le=\"4\"} 4\n"
        "x_bucket{a=\"b\",le=\"+Inf\"} 5\nx_sum{a=\"b\"} 15\nx_count{a=\"b\"} 5\n");
  CHECK(histogram.quantile(0.5) == doctest::Approx(1.5));
  CHECK(histogram.quantile(1) == 4);
  CHECK(Histogram({1}).quantile(0.5) == 0);
}

TEST_CASE("prometheus: pages of several processes become one with a label") {
  PrometheusPages pages("model");
  pages.add("a", "# HELP x X.\n# TYPE x counter\nx 1\nx{b=\"c\"} 2\nnonsense\n");
  pages.add("q\"", "# HELP y Y.\n# TYPE y gauge\ny 3\n# HELP x X.\n# TYPE x counter\nx 4\n");
  CHECK(pages.take() ==
        "# HELP x X.\n# TYPE x counter\nx{model=\"a\"} 1\nx{model=\"a\",b=\"c\"} 2\nx{model=\"q\\\"\"} 4\n"
        "# HELP y Y.\n# TYPE y gauge\ny{model=\"q\\\"\"} 3\n");
}

}  // namespace
}  // namespace hearth
