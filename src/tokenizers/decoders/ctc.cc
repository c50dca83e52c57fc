// CTC: the output of a model of speech: equal neighbours are one token, the pad token parts equal letters, the
// delimiter parts words.
// Source: tokenizers decoders/ctc.rs.
#include <algorithm>

#include "tokenizers/decoders_registry.h"
#include "tokenizers/pipeline/clean_up.h"

namespace hearth::tokenizers::decoders {
namespace {

class Ctc final : public Decoder {
 public:
  Ctc(std::string pad_token, std::string delimiter, bool cleanup)
      : pad_token_(std::move(pad_token)), delimiter_(std::move(delimiter)), cleanup_(cleanup) {}
  void decode(std::vector<std::string>& tokens) const override {
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (auto& token : tokens) {
      token = replace_each(token, pad_token_, "");
      if (cleanup_) token = replace_each(clean_up(token), delimiter_, " ");
    }
    std::erase(tokens, "");
  }

 private:
  std::string pad_token_, delimiter_;
  bool cleanup_;
};

Built<Decoder> build(const ConfigView& config) {
  auto pad_token = TRY(config.string("pad_token"));
  auto delimiter = TRY(config.string("word_delimiter_token"));
  return std::unique_ptr<Decoder>(
      std::make_unique<Ctc>(std::move(pad_token), std::move(delimiter), TRY(config.boolean("cleanup", true))));
}

}  // namespace

extern constinit const Entry ctc_entry{"CTC", build, "pad_token word_delimiter_token cleanup"};

}  // namespace hearth::tokenizers::decoders
