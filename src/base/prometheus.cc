#include "base/prometheus.h"

#include <algorithm>

namespace hearth {

Histogram Histogram::geometric(double first, double factor, int count) {
  std::vector<double> bounds;
  for (double at = first; static_cast<int>(bounds.size()) < count; at *= factor) bounds.push_back(at);
  return Histogram(std::move(bounds));
}

Histogram Histogram::linear(double step, int count) {
  std::vector<double> bounds;
  for (int i = 1; i <= count; ++i) bounds.push_back(step * i);
  return Histogram(std::move(bounds));
}

void Histogram::add(double value, uint64_t times) {
  counts_[static_cast<size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin())] += times;
  count_ += times;
  sum_ += value * static_cast<double>(times);
}

double Histogram::quantile(double share) const {
  const auto wanted = share * static_cast<double>(count_);
  double below = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    const auto here = static_cast<double>(counts_[i]);
    const double from = i == 0 ? 0 : bounds_[i - 1];
    if (here > 0 && below + here >= wanted) return from + (bounds_[i] - from) * (wanted - below) / here;
    below += here;
  }
  return count_ == 0 || bounds_.empty() ? 0 : bounds_.back();
}

std::string prometheus_label(std::string_view value) {
  return replace_all(replace_all(replace_all(value, "\\", "\\\\"), "\"", "\\\""), "\n", "\\n");
}

void PrometheusText::family(std::string_view name, std::string_view kind, std::string_view help) {
  out_ += cat("# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n");
}

void PrometheusText::samples(std::string_view name, std::string_view labels, const Histogram& histogram) {
  uint64_t total = 0;
  const auto before = labels.empty() ? std::string() : cat(labels, ",");
  for (size_t i = 0; i < histogram.counts().size(); ++i) {
    total += histogram.counts()[i];
    const auto bound = i < histogram.bounds().size() ? cat(histogram.bounds()[i]) : std::string("+Inf");
    sample(cat(name, "_bucket"), cat(before, "le=\"", bound, "\""), total);
  }
  sample(cat(name, "_sum"), labels, histogram.sum());
  sample(cat(name, "_count"), labels, histogram.count());
}

PrometheusPages::Family& PrometheusPages::family(std::string_view name) {
  auto found = std::ranges::find(families_, name, &Family::name);
  if (found == families_.end()) found = families_.insert(found, {std::string(name), {}, {}});
  return *found;
}

void PrometheusPages::add(std::string_view name, std::string_view page) {
  const auto own = cat(label_, "=\"", prometheus_label(name), "\"");
  Family* to = nullptr;
  bool is_new = false;
  for (const auto line : split(page, '\n')) {
    if (line.starts_with("# ")) {
      const auto words = split(line, ' ');
      if (words.size() < 4) continue;
      if (words[1] == "HELP") is_new = std::ranges::find(families_, words[2], &Family::name) == families_.end();
      to = &family(words[2]);
      if (is_new) to->head += cat(line, "\n");
      continue;
    }
    const auto end = line.find_first_of("{ ");
    if (to == nullptr || end == std::string_view::npos) continue;
    const auto rest = line.substr(end);
    to->samples += rest[0] == '{' ? cat(line.substr(0, end), "{", own, ",", rest.substr(1), "\n")
                                  : cat(line.substr(0, end), "{", own, "}", rest, "\n");
  }
}

std::string PrometheusPages::take() const {
  std::string out;
  for (const auto& one : families_) out += cat(one.head, one.samples);
  return out;
}

}  // namespace hearth
