// Sequence: each step cuts the pieces of the one before.
// Source: tokenizers pre_tokenizers/sequence.rs.
#include <algorithm>

#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> steps) : steps_(std::move(steps)) {}

  void split(TextView view, PiecesView& out) const override {
    if (steps_.empty()) return out.add(view);
    run(0, view, out);
  }
  bool leave_bytes(bool leave) override { return !steps_.empty() && steps_.back()->leave_bytes(leave); }
  bool asks_start() const override {
    return std::any_of(steps_.begin(), steps_.end(), [](const auto& step) { return step->asks_start(); });
  }
  bool asks_start_of_pieces() const override {
    return std::any_of(steps_.begin(), steps_.end(), [&](const auto& step) {
      return step->asks_start_of_pieces() || (step != steps_.front() && step->asks_start());
    });
  }
  FindPieces find_pieces() const override {
    if (steps_.size() == 1) return steps_[0]->find_pieces();
    if (steps_.size() != 2) return nullptr;
    if (steps_[1]->passes_on()) return steps_[0]->find_pieces();
    return steps_[0]->isolates_digits() && steps_[1]->find_pieces() == find_gpt2 ? find_gpt2_digits : nullptr;
  }

 private:
  // A piece of the first step goes through the others before the next piece is cut: no list of pieces in between.
  void run(size_t i, TextView view, PiecesView& out) const {
    if (i + 1 == steps_.size()) return steps_[i]->split(view, out);
    const size_t before = out.size();
    steps_[i]->split(view, out);
    for (const auto& piece : out.take_from(before)) run(i + 1, piece, out);
  }

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
