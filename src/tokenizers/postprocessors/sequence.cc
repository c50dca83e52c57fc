// Sequence: one after another.
// Source: tokenizers processors/sequence.rs.
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
namespace {

class Sequence final : public PostProcessor {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PostProcessor>> steps) : steps_(std::move(steps)) {}
  size_t added_tokens(bool is_pair) const override {
    size_t out = 0;
    for (const auto& step : steps_) out += step->added_tokens(is_pair);
    return out;
  }
  void process(std::vector<Encoding>& parts, bool add_special_tokens, const TokenTexts& texts) const override {
    for (const auto& step : steps_) step->process(parts, add_special_tokens, texts);
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
