// Prometheus' text format: families of counters, gauges and histograms.
// Source: Prometheus text exposition format 0.0.4.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace hearth {

/// A distribution over fixed buckets.
class Histogram {
 public:
  /// `bounds`: the buckets' upper ones, ascending.
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  /// `first`, `first` * `factor`, ...: `count` of them.
  static Histogram geometric(double first, double factor, int count);
  /// `step`, 2 * `step`, ...: `count` of them.
  static Histogram linear(double step, int count);

  void add(double value, uint64_t times = 1);
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }
  /// About the value that a share of all are below: inside its bucket by a straight line. 0 where there are none.
  double quantile(double share) const;

  const std::vector<double>& bounds() const { return bounds_; }
  const std::vector<uint64_t>& counts() const { return counts_; }  ///< one more: above the last bound

 private:
  std::vector<double> bounds_;
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ = 0;
};

/// A label's value as it is written between quotes.
std::string prometheus_label(std::string_view value);

/// The page as it grows. `labels`: `a="x",b="y"`, or nothing.
class PrometheusText {
 public:
  void family(std::string_view name, std::string_view kind, std::string_view help);
  template <class N>
  void sample(std::string_view name, std::string_view labels, N value) {
    out_ += labels.empty() ? cat(name, " ", value, "\n") : cat(name, "{", labels, "} ", value, "\n");
  }
  template <class N>
  void single(std::string_view name, std::string_view kind, std::string_view help, N value,
              std::string_view labels = {}) {
    family(name, kind, help);
    sample(name, labels, value);
  }
  /// The samples of one histogram of a family.
  void samples(std::string_view name, std::string_view labels, const Histogram& histogram);
  void single(std::string_view name, std::string_view help, const Histogram& histogram, std::string_view labels = {}) {
    family(name, "histogram", help);
    samples(name, labels, histogram);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Pages of several processes as one: their families are joined, and each sample gets `label`="name". What is not of
/// the format is left out.
class PrometheusPages {
 public:
  explicit PrometheusPages(std::string label) : label_(std::move(label)) {}
  void add(std::string_view name, std::string_view page);
  std::string take() const;

 private:
  struct Family {
    std::string name, head, samples;
  };
  Family& family(std::string_view name);

  const std::string label_;
  std::vector<Family> families_;
};

}  // namespace hearth
