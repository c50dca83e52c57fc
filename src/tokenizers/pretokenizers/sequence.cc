// Sequence: each step cuts the pieces of the one before.
// Source: tokenizers pre_tokenizers/sequence.rs.
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> steps) : steps_(std::move(steps)) {}

  void split(std::string_view text, bool at_start, PiecesView& out) const override {
    std::vector<std::string_view> before = {text}, after;
    for (size_t i = 0; i + 1 < steps_.size(); ++i) {
      after.clear();
      after.swap(out.pieces);  // what is there already stays: this step's pieces are gathered beside it
      for (size_t k = 0; k < before.size(); ++k) steps_[i]->split(before[k], at_start && k == 0, out);
      after.swap(out.pieces);
      before.swap(after);
    }
    for (size_t k = 0; k < before.size(); ++k) {
      if (steps_.empty()) {
        out.add(before[k]);
      } else {
        steps_.back()->split(before[k], at_start && k == 0, out);
      }
    }
  }
  bool leave_bytes() override { return !steps_.empty() && steps_.back()->leave_bytes(); }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

Built<PreTokenizer> build(const ConfigView& config) {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  for (const auto& step : TRY(config["pretokenizers"].elements())) steps.push_back(TRY(build_pretokenizer(step)));
  return std::unique_ptr<PreTokenizer>(std::make_unique<Sequence>(std::move(steps)));
}

}  // namespace

extern constinit const Entry sequence_entry{"Sequence", build};

}  // namespace hearth::tokenizers::pretokenizers
