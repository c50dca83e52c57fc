// Sequence: one after another.
// Source: tokenizers processors/sequence.rs.
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
namespace {

class Sequence final : public PostProcessor {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PostProcessor>> steps) : steps_(std::move(steps)) {}
  void process(Encoding& encoding, bool add_special_tokens) const override {
    for (const auto& step : steps_) step->process(encoding, add_special_tokens);
  }

 private:
  std::vector<std::unique_ptr<PostProcessor>> steps_;
};

Built<PostProcessor> build(const ConfigView& config) {
  std::vector<std::unique_ptr<PostProcessor>> steps;
  for (const auto& step : TRY(config["processors"].elements())) steps.push_back(TRY(build_postprocessor(step)));
  return std::unique_ptr<PostProcessor>(std::make_unique<Sequence>(std::move(steps)));
}

}  // namespace

extern constinit const Entry sequence_entry{"Sequence", build};

}  // namespace hearth::tokenizers::postprocessors
