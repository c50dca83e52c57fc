#include "tokenizers/pipeline/serde_numbers.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace hearth::tokenizers {
namespace {

constexpr int kPowerMax = 308;

/// 10^0 to 10^308, each the nearest double.
const std::array<double, kPowerMax + 1>& powers_of_ten() {
  static const auto table = [] {
    std::array<double, kPowerMax + 1> out{};
    for (int i = 0; i <= kPowerMax; ++i) {
      char text[8];
      auto* end = std::to_chars(text + 2, text + sizeof text, i).ptr;
      text[0] = '1';
      text[1] = 'e';
      std::from_chars(text, end, out[static_cast<size_t>(i)]);
    }
    return out;
  }();
  return table;
}

}  // namespace

double as_serde_reads(double number) {
  if (!std::isfinite(number) || number == 0) return number;
  char text[32];
  const auto made = std::to_chars(text, text + sizeof text, std::abs(number), std::chars_format::scientific);
  // "d.ddde+xx": at most 17 digits, which a uint64 holds, and the exponent of the first.
  const std::string_view all(text, static_cast<size_t>(made.ptr - text));
  const auto e = all.find('e');
  uint64_t significand = 0;
  int exponent = 0;
  for (const char c : all.substr(0, e)) {
    if (c == '.') continue;
    significand = significand * 10 + static_cast<uint64_t>(c - '0');
    --exponent;
  }
  const auto* first = text + e + 1;
  if (*first == '+') ++first;
  int written = 0;
  std::from_chars(first, made.ptr, written);
  exponent += written + 1;
  auto out = static_cast<double>(significand);
  while (std::abs(exponent) > kPowerMax) {
    if (exponent > 0) return number;
    out /= powers_of_ten()[kPowerMax];
    exponent += kPowerMax;
  }
  const double power = powers_of_ten()[static_cast<size_t>(std::abs(exponent))];
  out = exponent >= 0 ? out * power : out / power;
  return std::signbit(number) ? -out : out;
}

void read_scores_as_serde(Json& file) {
  for (auto& [part, model] : file.object()) {
    if (part != "model" || !model.is_object()) continue;
    for (auto& [key, vocab] : model.object()) {
      if (key != "vocab" || !vocab.is_array()) continue;
      for (auto& row : vocab.array()) {
        if (!row.is_array() || row.size() != 2) continue;
        auto& score = row.array()[1];
        if (score.is_double()) score = as_serde_reads(score.as_double());
      }
    }
  }
}

}  // namespace hearth::tokenizers
