// The processors that sampling adds: they take unlikely tokens out. Each works on what the ones before have left.
// Source: transformers 5.23.0 generation/logits_process.py, from TemperatureLogitsWarper to EtaLogitsWarper. Sums run
// in double and are rounded to f32 where torch's cumsum rounds.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "transformers/logits_process.h"

namespace hearth {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// A token that is still possible.
struct Candidate {
  float score;
  float p;  ///< softmax(score)
  uint32_t id;
};

/// The possible tokens of a row in the order of their ids.
std::vector<Candidate> candidates(std::span<const float> scores) {
  std::vector<Candidate> out;
  for (size_t i = 0; i < scores.size(); ++i)
    if (scores[i] > kNever) out.push_back({scores[i], 0, static_cast<uint32_t>(i)});
  if (out.empty()) return out;
  const float highest = std::ranges::max_element(out, {}, &Candidate::score)->score;
  double sum = 0;
  for (auto& c : out) sum += c.p = std::exp(c.score - highest);
  for (auto& c : out) c.p = static_cast<float>(c.p / sum);
  return out;
}

bool is_likelier(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.id < b.id;
}

/// The k-th best of at least one score; the last when there are fewer.
float kth_best(std::vector<float> scores, size_t k) {
  k = std::min(k, scores.size());
  std::nth_element(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(k) - 1, scores.end(), std::greater<>());
  return scores[k - 1];
}

/// -sum p log p.
double entropy(std::span<const Candidate> of) {
  double out = 0;
  for (const auto& c : of)
    if (c.p > 0) out -= static_cast<double>(c.p) * std::log(static_cast<double>(c.p));
  return out;
}

template <class Judge>
LogitsProcessor warper(Judge judge) {
  return [judge](std::span<const int32_t>, size_t, std::span<float> scores) {
    auto left = candidates(scores);
    if (!left.empty()) judge(left, scores);
  };
}

LogitsProcessor by_temperature(float temperature) {
  return [temperature](std::span<const int32_t>, size_t, std::span<float> scores) {
    for (auto& score : scores) score /= temperature;
  };
}

LogitsProcessor top_k(size_t k) {
  return [k](std::span<const int32_t>, size_t, std::span<float> scores) {
    const float kth = kth_best({scores.begin(), scores.end()}, k);
    for (auto& score : scores)
      if (score < kth) score = kNever;
  };
}

/// The likeliest that reach a mass of p; a tail whose running sum stays within 1 - p goes.
LogitsProcessor top_p(double p, size_t least) {
  return warper([=](std::vector<Candidate>& left, std::span<float> scores) {
    std::ranges::sort(left, [](const Candidate& a, const Candidate& b) { return is_likelier(b, a); });
    double sum = 0;
    for (size_t i = 0; i + least < left.size(); ++i) {
      sum += left[i].p;
      if (static_cast<float>(sum) <= static_cast<float>(1 - p)) scores[left[i].id] = kNever;
    }
  });
}

/// The likeliest whose share of the entropy reaches h (Top-H sampling, arXiv:2509.02510), of the first hundred.
LogitsProcessor top_h(double h) {
  return warper([=](std::vector<Candidate>& left, std::span<float> scores) {
    constexpr size_t kLooked = 100;
    std::ranges::sort(left, is_likelier);
    std::vector<float> kept(scores.begin(), scores.end());
    const std::span<Candidate> top(left.data(), std::min(kLooked, left.size()));
    double mass = 0;
    for (const auto& c : top) mass += c.p;
    for (auto& c : top) c.p = static_cast<float>(c.p / mass);
    const double limit = entropy(top) * h;
    std::ranges::fill(scores, kNever);
    double sum = 0;
    for (size_t i = 0; i < top.size(); ++i) {
      if (top[i].p > 0) sum -= static_cast<double>(top[i].p) * std::log(static_cast<double>(top[i].p));
      if (i == 0 || static_cast<float>(sum) <= static_cast<float>(limit)) scores[top[i].id] = kept[top[i].id];
    }
  });
}

LogitsProcessor min_p(float share, size_t least) {
  return warper([=](std::vector<Candidate>& left, std::span<float> scores) {
    std::ranges::sort(left, is_likelier);
    const float limit = share * left.front().p;
    for (size_t i = least; i < left.size(); ++i)
      if (left[i].p < limit) scores[left[i].id] = kNever;
  });
}

/// Those whose surprise is nearest to the entropy, up to a mass (arXiv:2202.00666).
LogitsProcessor typical_p(double mass, size_t least) {
  return warper([=](std::vector<Candidate>& left, std::span<float> scores) {
    const auto expected = static_cast<float>(entropy(left));
    std::vector<float> shifted(left.size());  // how far each one's surprise is from the expected one
    std::ranges::transform(left, shifted.begin(), &Candidate::score);
    log_softmax(shifted);
    for (auto& value : shifted) value = std::abs(-value - expected);
    std::vector<size_t> order(left.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return shifted[i]; });
    double sum = 0;
    size_t last = 0;
    for (; last < order.size(); ++last)
      if (sum += left[order[last]].p; static_cast<float>(sum) >= static_cast<float>(mass)) break;
    if (last == order.size()) return;  // the mass is more than all of them: rounding
    const float limit = shifted[order[last]];
    for (size_t i = least; i < order.size(); ++i)
      if (shifted[order[i]] > limit) scores[left[order[i]].id] = kNever;
  });
}

/// Those below a probability go, but for the `least` best.
void cut_below(float limit, size_t least, std::span<const Candidate> left, std::span<float> scores) {
  std::vector<float> order(left.size());
  std::ranges::transform(left, order.begin(), &Candidate::score);
  const float kth = kth_best(std::move(order), least);
  for (const auto& c : left)
    if (c.p < limit && c.score < kth) scores[c.id] = kNever;
}

LogitsProcessor epsilon_cutoff(double epsilon, size_t least) {
  return warper([=](std::vector<Candidate>& left, std::span<float> scores) {
    cut_below(static_cast<float>(epsilon), least, left, scores);
  });
}

/// Below min(epsilon, sqrt(epsilon) * exp(-entropy)) (arXiv:2210.15191).
LogitsProcessor eta_cutoff(double epsilon, size_t least) {
  return warper([=](std::vector<Candidate>& left, std::span<float> scores) {
    const double eta = std::min(epsilon, std::sqrt(epsilon) * std::exp(-entropy(left)));
    cut_below(static_cast<float>(eta), least, left, scores);
  });
}

}  // namespace

void append_warpers(const GenerationConfig& c, size_t least, std::vector<LogitsProcessor>& out) {
  if (c.temperature != 1) out.push_back(by_temperature(static_cast<float>(c.temperature)));
  if (c.top_h > 0) out.push_back(top_h(c.top_h));
  if (c.top_k > 0) out.push_back(top_k(std::max(static_cast<size_t>(c.top_k), least)));
  if (c.top_p < 1) out.push_back(top_p(c.top_p, least));
  if (c.min_p > 0) out.push_back(min_p(static_cast<float>(c.min_p), least));
  if (c.typical_p < 1) out.push_back(typical_p(c.typical_p, least));
  if (c.epsilon_cutoff > 0) out.push_back(epsilon_cutoff(c.epsilon_cutoff, least));
  if (c.eta_cutoff > 0) out.push_back(eta_cutoff(c.eta_cutoff, least));
}

}  // namespace hearth
