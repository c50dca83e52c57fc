#include "transformers/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "base/text.h"

namespace hearth {
namespace {

/// theta^(2i / dim) for each pair, in f32 as torch computes it.
std::vector<float> base_powers(double theta, int64_t dim) {
  std::vector<float> out;
  for (int64_t i = 0; i < dim; i += 2)
    out.push_back(std::pow(static_cast<float>(theta), static_cast<float>(i) / static_cast<float>(dim)));
  return out;
}

std::vector<float> default_frequencies(double theta, int64_t dim) {
  auto out = base_powers(theta, dim);
  for (auto& power : out) power = 1.0f / power;
  return out;
}

std::vector<float> llama3_frequencies(const RopeParameters& p, int64_t dim, int64_t original) {
  auto out = default_frequencies(p.rope_theta, dim);
  const auto low = static_cast<float>(static_cast<double>(original) / p.low_freq_factor);
  const auto high = static_cast<float>(static_cast<double>(original) / p.high_freq_factor);
  const auto factor = static_cast<float>(p.factor);
  for (auto& inv : out) {
    const float wavelength = static_cast<float>(2 * std::numbers::pi) / inv;
    if (wavelength > low) {
      inv /= factor;
    } else if (wavelength >= high) {
      const float smooth = (static_cast<float>(original) / wavelength - static_cast<float>(p.low_freq_factor)) /
                           static_cast<float>(p.high_freq_factor - p.low_freq_factor);
      inv = (1 - smooth) * inv / factor + smooth * inv;
    }
  }
  return out;
}

std::vector<float> yarn_frequencies(const RopeParameters& p, int64_t dim, int64_t original, double factor) {
  const auto dimension_of = [&](double rotations) {
    return static_cast<double>(dim) * std::log(static_cast<double>(original) / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(p.rope_theta));
  };
  double low = dimension_of(p.beta_fast), high = dimension_of(p.beta_slow);
  if (p.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high) high += 0.001;
  const auto powers = base_powers(p.rope_theta, dim);
  std::vector<float> out;
  for (size_t i = 0; i < powers.size(); ++i) {
    const float ramp =
        std::clamp((static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0f, 1.0f);
    const float extrapolated = 1.0f / powers[i], interpolated = 1.0f / (static_cast<float>(factor) * powers[i]);
    out.push_back(interpolated * ramp + extrapolated * (1 - ramp));
  }
  return out;
}

double yarn_attention_factor(const RopeParameters& p, double factor) {
  const auto mscale = [factor](double m) { return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1.0; };
  if (p.mscale != 0 && p.mscale_all_dim != 0) return mscale(p.mscale) / mscale(p.mscale_all_dim);
  return mscale(1);
}

}  // namespace

Result<RopeFrequencies> RopeFrequencies::from(const Config& config, const RopeParameters& parameters,
                                              int64_t head_dim) {
  RopeFrequencies out;
  auto& p = out.p_;
  p = parameters;
  const auto whole = head_dim > 0 ? head_dim : config.head_dim;
  out.dim_ = static_cast<int64_t>(static_cast<double>(whole) * p.partial_rotary_factor);
  out.max_position_embeddings_ = config.max_position_embeddings;
  if (out.dim_ < 2 || out.dim_ % 2 != 0)
    return Status(Code::bad_input, cat("config.json: ", out.dim_, " of ", whole,
                                       " dimensions of a head would rotate, not an even number"));
  const auto original =
      p.original_max_position_embeddings > 0 ? p.original_max_position_embeddings : config.max_position_embeddings;
  const double stretch = static_cast<double>(config.max_position_embeddings) / static_cast<double>(original);

  if (p.rope_type == "linear") {
    out.fixed_ = default_frequencies(p.rope_theta, out.dim_);
    for (auto& inv : out.fixed_) inv /= static_cast<float>(p.factor);
  } else if (p.rope_type == "llama3") {
    out.fixed_ = llama3_frequencies(p, out.dim_, original);
  } else if (p.rope_type == "yarn") {
    const double factor = p.has_factor ? p.factor : stretch;
    out.fixed_ = yarn_frequencies(p, out.dim_, original, factor);
    out.attention_factor_ =
        static_cast<float>(p.attention_factor != 0 ? p.attention_factor : yarn_attention_factor(p, factor));
  } else if (p.rope_type == "longrope") {
    const auto pairs = static_cast<size_t>(out.dim_ / 2);
    if (p.short_factor.size() != pairs || p.long_factor.size() != pairs)
      return Status(Code::bad_input, cat("config.json: short_factor has ", p.short_factor.size(), " and long_factor ",
                                         p.long_factor.size(), " numbers; each needs ", pairs));
    p.original_max_position_embeddings = original;
    const double factor = p.has_factor ? p.factor : stretch;
    out.attention_factor_ =
        static_cast<float>(p.attention_factor != 0 ? p.attention_factor
                           : factor <= 1           ? 1.0
                                         : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original))));
  } else if (p.rope_type == "default") {
    out.fixed_ = default_frequencies(p.rope_theta, out.dim_);
  }
  return out;
}

bool RopeFrequencies::depends_on_length() const {
  return fixed_.empty();
}

std::vector<float> RopeFrequencies::inv_freq(int64_t length) const {
  if (!fixed_.empty()) return fixed_;
  if (p_.rope_type == "longrope") {
    const auto& factors = length > p_.original_max_position_embeddings ? p_.long_factor : p_.short_factor;
    auto out = base_powers(p_.rope_theta, dim_);
    for (size_t i = 0; i < out.size(); ++i) out[i] = 1.0f / (static_cast<float>(factors[i]) * out[i]);
    return out;
  }
  // dynamic: the base grows once a sequence is longer than what the model was trained on.
  const double seen = static_cast<double>(std::max(length, max_position_embeddings_));
  const double dim = static_cast<double>(dim_);
  const double grown = p_.factor * seen / static_cast<double>(max_position_embeddings_) - (p_.factor - 1);
  return default_frequencies(p_.rope_theta * std::pow(grown, dim / (dim - 2)), dim_);
}

Rope::Rope(const Batch& batch, const RopeFrequencies& frequencies) {
  std::vector<float> inv_freq, cosines, sines;
  for (const auto& s : batch.sequences) {
    const auto rows = std::span(batch.positions).subspan(static_cast<size_t>(s.begin), static_cast<size_t>(s.count));
    if (inv_freq.empty() || frequencies.depends_on_length()) {
      const auto last = rows.empty() ? 0 : *std::ranges::max_element(rows);
      const auto length = std::max(batch.rope_length, s.rope_length);
      inv_freq = frequencies.inv_freq(length > 0 ? length : int64_t{last} + 1);
    }
    for (const auto position : rows) {
      for (const float inv : inv_freq) {
        const float angle = static_cast<float>(position) * inv;
        cosines.push_back(std::cos(angle) * frequencies.attention_factor());
        sines.push_back(std::sin(angle) * frequencies.attention_factor());
      }
    }
  }
  const Shape shape{batch.rows(), static_cast<int64_t>(inv_freq.size())};
  cos_ = batch.backend.from_host(cosines, shape);
  sin_ = batch.backend.from_host(sines, shape);
}

}  // namespace hearth
