// Sequence: one after another.
// Source: tokenizers decoders/sequence.rs.
#include "tokenizers/decoders_registry.h"

namespace hearth::tokenizers::decoders {
namespace {

class Sequence final : public Decoder {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Decoder>> steps) : steps_(std::move(steps)) {}
  void decode(std::vector<std::string>& tokens) const override {
    for (const auto& step : steps_) step->decode(tokens);
  }
  std::optional<std::string> token_bytes(std::string_view token) const override {
    return steps_.size() == 1 ? steps_[0]->token_bytes(token) : std::nullopt;
  }

 private:
  std::vector<std::unique_ptr<Decoder>> steps_;
};

Built<Decoder> build(const ConfigView& config) {
  std::vector<std::unique_ptr<Decoder>> steps;
  for (const auto& step : TRY(config["decoders"].elements())) steps.push_back(TRY(build_decoder(step)));
  return std::unique_ptr<Decoder>(std::make_unique<Sequence>(std::move(steps)));
}

}  // namespace

extern constinit const Entry sequence_entry{"Sequence", build};

}  // namespace hearth::tokenizers::decoders
