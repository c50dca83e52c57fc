// Sequence: one after another.
// Source: tokenizers normalizers/utils.rs.
#include "tokenizers/normalizers_registry.h"

namespace hearth::tokenizers::normalizers {
namespace {

class Sequence final : public Normalizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Normalizer>> steps) : steps_(std::move(steps)) {}
  bool may_change(std::string_view text) const override {
    for (const auto& step : steps_)
      if (step->may_change(text)) return true;
    return false;
  }
  void normalize(AlignedText& text) const override {
    for (const auto& step : steps_) step->normalize(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

Built<Normalizer> build(const ConfigView& config) {
  std::vector<std::unique_ptr<Normalizer>> steps;
  for (const auto& step : TRY(config["normalizers"].elements())) steps.push_back(TRY(build_normalizer(step)));
  return std::unique_ptr<Normalizer>(std::make_unique<Sequence>(std::move(steps)));
}

}  // namespace

extern constinit const Entry sequence_entry{"Sequence", build};

}  // namespace hearth::tokenizers::normalizers
