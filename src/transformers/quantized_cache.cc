#include "transformers/quantized_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "tensor/tensor.h"

namespace hearth {
namespace {

/// Which group the number at `i` of a dense [rows, width] is in.
struct Groups {
  int64_t width, axis, group_size;
  size_t operator()(size_t i) const {
    const auto at = static_cast<int64_t>(i);
    return static_cast<size_t>(axis == 0 ? at / group_size : at / width / group_size * width + at % width);
  }
};

/// rows [count, heads, width] into out [heads, length, width] from `position` on.
template <class From, class Value>
void spread(std::span<const From> rows, int64_t heads, int64_t width, int64_t position, int64_t length, float* out,
            const Value& value) {
  const auto count = static_cast<int64_t>(rows.size()) / (heads * width);
  for (int64_t p = 0; p < count; ++p)
    for (int64_t h = 0; h < heads; ++h) {
      const From* from = rows.data() + (p * heads + h) * width;
      std::transform(from, from + width, out + (h * length + position + p) * width, value);
    }
}

constexpr float kFloat8Max = 448;

float same(float x) {
  return x;
}

}  // namespace

Result<QuantizedCacheConfig> QuantizedCacheConfig::from(const Json& cache_config) {
  QuantizedCacheConfig out;
  if (cache_config.is_null()) return out;
  if (!cache_config.is_object())
    return Status(Code::bad_input, cat("cache_config is ", cache_config.dump(), ", not an object"));
  const auto& backend = cache_config["backend"];
  const auto backend_name = backend.as_string(backend.is_null() ? "quanto" : "");
  if (backend_name == "hqq")
    return Status(Code::unsupported,
                  "cache_config.backend 'hqq' is not offered: its search for zero points ends where torch's sums of "
                  "floats say so; there are quanto, fp8");
  if (backend_name != "quanto" && backend_name != "fp8")
    return Status(Code::bad_input, cat("cache_config.backend is ", backend.dump(), ", not quanto or fp8"));
  if (backend_name == "fp8") out.kind = Kind::fp8;
  const std::pair<std::string_view, int64_t*> numbers[] = {{"nbits", &out.nbits},
                                                           {"axis_key", &out.axis_key},
                                                           {"axis_value", &out.axis_value},
                                                           {"q_group_size", &out.q_group_size},
                                                           {"residual_length", &out.residual_length}};
  for (const auto& [key, value] : cache_config.object()) {
    if (key == "backend" || value.is_null()) continue;
    const auto number = std::ranges::find(numbers, key, [](const auto& n) { return n.first; });
    if (number == std::end(numbers))
      return Status(Code::bad_input, cat("cache_config has no '", key,
                                         "' (backend, nbits, axis_key, axis_value, q_group_size, residual_length)"));
    if (out.kind == Kind::fp8)
      return Status(Code::bad_input, cat("cache_config.", key,
                                         ": the backend fp8 has one scale a tensor, and takes no "
                                         "such option"));
    if (!value.is_int())
      return Status(Code::bad_input, cat("cache_config.", key, " is ", value.dump(), ", not a whole number"));
    *number->second = value.as_int();
  }
  const auto expect = [](bool holds, std::string_view key, int64_t value, std::string_view wanted) -> Status {
    if (holds) return {};
    return {Code::bad_input, cat("cache_config.", key, " is ", value, ", not ", wanted)};
  };
  TRY(expect(out.nbits == 2 || out.nbits == 4, "nbits", out.nbits, "2 or 4"));
  TRY(expect(out.axis_key == 0 || out.axis_key == -1, "axis_key", out.axis_key, "0 or -1"));
  TRY(expect(out.axis_value == 0 || out.axis_value == -1, "axis_value", out.axis_value, "0 or -1"));
  TRY(expect(out.q_group_size >= 1, "q_group_size", out.q_group_size, "at least 1"));
  TRY(expect(out.residual_length >= 0, "residual_length", out.residual_length, "0 or above"));
  return out;
}

Status QuantizedCacheConfig::check(int64_t heads, int64_t positions, int64_t width) const {
  if (kind == Kind::fp8) return {};
  for (const auto axis : {axis_key, axis_value}) {
    const auto count = heads * positions * (axis == 0 ? width : 1);
    if (count >= q_group_size && count % q_group_size == 0) continue;
    return {Code::bad_input,
            cat("cache_config.q_group_size is ", q_group_size, ", not a divisor of ", count, ": ", positions,
                " positions of ", heads, " heads", axis == 0 ? cat(" of ", width, " numbers") : " along axis -1")};
  }
  return {};
}

GroupQuantized GroupQuantized::of(std::span<const float> x, int64_t width, int64_t nbits, int64_t axis,
                                  int64_t group_size) {
  GroupQuantized out{
      .width = width, .nbits = nbits, .axis = axis, .group_size = group_size, .packed = {}, .scales = {}, .shifts = {}};
  if (axis == 0 && x.size() == static_cast<size_t>(group_size)) out.group_size = 1;  // as there: one group is none
  const auto groups = x.size() / static_cast<size_t>(out.group_size);
  const Groups group_of{width, axis, out.group_size};
  std::vector<float> least(groups, std::numeric_limits<float>::infinity()), most(groups, -least[0]);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto group = group_of(i);
    least[group] = std::min(least[group], x[i]);
    most[group] = std::max(most[group], x[i]);
  }
  const auto top = static_cast<float>((1 << nbits) - 1);
  for (size_t group = 0; group < groups; ++group) {
    out.scales.push_back((most[group] - least[group]) / top);
    out.shifts.push_back(-least[group]);
  }
  const auto per_byte = static_cast<size_t>(8 / nbits);
  out.packed.resize((x.size() + per_byte - 1) / per_byte);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto group = group_of(i);
    const float q = std::nearbyint((x[i] + out.shifts[group]) / out.scales[group]);
    const auto code = q > 0 ? static_cast<unsigned>(std::min(q, top)) : 0U;  // 0 / 0, of equal numbers, is 0 too
    out.packed[i / per_byte] |= static_cast<uint8_t>(code << i % per_byte * static_cast<size_t>(nbits));
  }
  return out;
}

void GroupQuantized::to_floats(std::span<float> out) const {
  const Groups group_of{width, axis, group_size};
  const auto per_byte = static_cast<size_t>(8 / nbits);
  const auto mask = (1U << nbits) - 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const auto code = unsigned{packed[i / per_byte]} >> i % per_byte * static_cast<size_t>(nbits) & mask;
    out[i] = scales[group_of(i)] * static_cast<float>(code);
  }
  // Apart, so that no machine rounds once where torch rounds twice.
  for (size_t i = 0; i < out.size(); ++i) out[i] -= shifts[group_of(i)];
}

uint8_t to_float8(float x) {
  const auto sign = static_cast<uint8_t>(std::signbit(x) ? 0x80 : 0);
  const float magnitude = std::abs(x);
  if (std::isnan(x)) return sign | 0x7F;
  if (magnitude >= kFloat8Max) return sign | 0x7E;
  constexpr int kLeast = -6, kFraction = 3;  // the exponent of subnormal numbers
  const int exponent = magnitude > 0 ? std::max(std::ilogb(magnitude), kLeast) : kLeast;
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, kFraction - exponent)));
  // A carry out of the fraction adds one to the exponent, as it should.
  return sign | static_cast<uint8_t>(((exponent - kLeast) << kFraction) + steps);
}

float from_float8(uint8_t code) {
  const int magnitude = code & 0x7F, exponent = magnitude >> 3, whole = exponent > 0 ? 8 : 0;
  float out = std::ldexp(static_cast<float>(whole + (magnitude & 7)), std::max(exponent, 1) - 10);
  if (magnitude == 0x7F) out = std::numeric_limits<float>::quiet_NaN();
  return code < 0x80 ? out : -out;
}

std::vector<float> QuantizedStates::update(std::span<const float> rows) {
  const auto count = static_cast<int64_t>(rows.size()) / (heads_ * width_);
  auto out = config_.kind == QuantizedCacheConfig::Kind::fp8 ? update_float8(rows, count) : update_groups(rows, count);
  length_ += count;
  return out;
}

void QuantizedStates::quantize(std::span<const float> all) {
  const auto positions = static_cast<int64_t>(all.size()) / (heads_ * width_);
  if (const auto fits = config_.check(heads_, positions, width_); !fits.ok()) throw ShapeError(fits.message());
  old_ = std::make_shared<const GroupQuantized>(
      GroupQuantized::of(all, width_, config_.nbits, axis_, config_.q_group_size));
  recent_.clear();
}

std::vector<float> QuantizedStates::update_groups(std::span<const float> rows, int64_t count) {
  const auto total = length_ + count, recent = static_cast<int64_t>(recent_.size()) / (heads_ * width_);
  std::vector<float> out(static_cast<size_t>(heads_ * total * width_));
  if (const auto held = length_ - recent; held > 0) {
    std::vector<float> old(static_cast<size_t>(heads_ * held * width_));
    old_->to_floats(old);
    for (int64_t h = 0; h < heads_; ++h)
      std::copy_n(old.data() + h * held * width_, held * width_, out.data() + h * total * width_);
  }
  spread<float>(recent_, heads_, width_, length_ - recent, total, out.data(), same);
  spread<float>(rows, heads_, width_, length_, total, out.data(), same);
  if (length_ == 0 || recent + count >= config_.residual_length)
    quantize(out);
  else
    recent_.insert(recent_.end(), rows.begin(), rows.end());
  return out;
}

std::vector<float> QuantizedStates::update_float8(std::span<const float> rows, int64_t count) {
  static const auto values = [] {
    std::array<float, 256> out{};
    for (size_t code = 0; code < out.size(); ++code) out[code] = from_float8(static_cast<uint8_t>(code));
    return out;
  }();
  const auto total = length_ + count;
  if (length_ == 0) {
    float most = 0;
    for (const auto x : rows) most = std::max(most, std::abs(x));
    scale_ = std::max(most / kFloat8Max, std::numeric_limits<float>::min());
  }
  for (const auto x : rows) codes_.push_back(to_float8(x / scale_));
  std::vector<float> out(static_cast<size_t>(heads_ * total * width_));
  if (length_ == 0)
    spread<float>(rows, heads_, width_, 0, total, out.data(), same);  // the prompt itself is seen as it is
  else
    spread<uint8_t>(codes_, heads_, width_, 0, total, out.data(), [&](uint8_t code) { return values[code] * scale_; });
  return out;
}

int64_t QuantizedStates::size_bytes() const {
  const auto groups = old_ ? old_->packed.size() + (old_->scales.size() + old_->shifts.size()) * sizeof(float) : 0;
  return static_cast<int64_t>(groups + recent_.size() * sizeof(float) + codes_.size());
}

QuantizedLayers::QuantizedLayers(const QuantizedCacheConfig& config, int64_t layers, int64_t heads, int64_t width)
    : config_(config),
      empty_{{config, config.axis_key, heads, width}, {config, config.axis_value, heads, width}},
      layers_(static_cast<size_t>(layers), empty_),
      next_(layers_) {}

QuantizedLayers::Both QuantizedLayers::update(size_t layer, std::span<const float> k, std::span<const float> v) {
  auto& next = next_.at(layer);
  next = layers_[layer];  // of a pass that did not end something may be left
  return {next.k.update(k), next.v.update(v)};
}

void QuantizedLayers::commit() {
  for (size_t i = 0; i < layers_.size(); ++i) {
    layers_[i] = std::move(next_[i]);
    next_[i] = empty_;
  }
}

void QuantizedLayers::clear() {
  std::ranges::fill(layers_, empty_);
}

int64_t QuantizedLayers::size_bytes() const {
  int64_t out = 0;
  for (const auto& layer : layers_) out += layer.k.size_bytes() + layer.v.size_bytes();
  return out;
}

}  // namespace hearth
