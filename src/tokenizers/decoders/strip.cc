// Strip: up to `start` and `stop` times the character `content` off both ends of each token.
// Source: tokenizers decoders/strip.rs.
#include "tokenizers/decoders_registry.h"

namespace hearth::tokenizers::decoders {
namespace {

class Strip final : public Decoder {
 public:
  Strip(std::string content, int64_t start, int64_t stop) : content_(std::move(content)), start_(start), stop_(stop) {}
  void decode(std::vector<std::string>& tokens) const override {
    for (auto& token : tokens) {
      std::string_view rest = token;
      for (int64_t i = 0; i < start_ && rest.starts_with(content_); ++i) rest.remove_prefix(content_.size());
      for (int64_t i = 0; i < stop_ && rest.ends_with(content_); ++i) rest.remove_suffix(content_.size());
      token = std::string(rest);
    }
  }

 private:
  std::string content_;
  int64_t start_, stop_;
};

Built<Decoder> build(const ConfigView& config) {
  auto content = TRY(config.string("content"));
  if (utf8_length(content) != 1) return config["content"].bad("must be one character");
  const auto start = TRY(config.integer("start", 0, INT32_MAX)), stop = TRY(config.integer("stop", 0, INT32_MAX));
  return std::unique_ptr<Decoder>(std::make_unique<Strip>(std::move(content), start, stop));
}

}  // namespace

extern constinit const Entry strip_entry{"Strip", build, "content start stop"};

}  // namespace hearth::tokenizers::decoders
