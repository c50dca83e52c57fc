// FixedLength: pieces of so many characters each, the last one shorter.
// Source: tokenizers pre_tokenizers/fixed_length.rs.
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

class FixedLength final : public PreTokenizer {
 public:
  explicit FixedLength(int64_t length) : length_(length) {}

  void split(TextView view, PiecesView& out) const override {
    for (size_t begin = 0; begin < view.size();) {
      size_t end = begin;
      for (int64_t i = 0; i < length_ && end < view.size(); ++i) utf8_next(view.text, end);
      out.add(view.sub(begin, end));
      begin = end;
    }
  }

 private:
  int64_t length_;
};

Built<PreTokenizer> build(const ConfigView& config) {
  const int64_t length = config.has("length") ? TRY(config.integer("length", 1, INT64_MAX)) : 5;
  return std::unique_ptr<PreTokenizer>(std::make_unique<FixedLength>(length));
}

}  // namespace

extern constinit const Entry fixed_length_entry{"FixedLength", build};

}  // namespace hearth::tokenizers::pretokenizers
