// ByteFallback: runs of <0xNN> become the text whose bytes they are, or one U+FFFD a byte when they are none.
// Source: tokenizers decoders/byte_fallback.rs.
#include <charconv>

#include "tokenizers/decoders_registry.h"

namespace hearth::tokenizers::decoders {
namespace {

class ByteFallback final : public Decoder {
 public:
  void decode(std::vector<std::string>& tokens) const override {
    std::vector<std::string> out;
    std::string bytes;
    const auto finish = [&] {
      if (bytes.empty()) return;
      if (is_utf8(bytes)) {
        out.push_back(std::move(bytes));
      } else {
        out.insert(out.end(), bytes.size(), "\uFFFD");
      }
      bytes.clear();
    };
    for (auto& token : tokens) {
      unsigned byte = 0;
      const char* const end = token.data() + 5;
      if (token.size() == 6 && token.starts_with("<0x") && token.back() == '>' &&
          std::from_chars(token.data() + 3, end, byte, 16).ptr == end) {
        bytes.push_back(static_cast<char>(byte));
        continue;
      }
      finish();
      out.push_back(std::move(token));
    }
    finish();
    tokens = std::move(out);
  }
};

Built<Decoder> build(const ConfigView&) {
  return std::unique_ptr<Decoder>(std::make_unique<ByteFallback>());
}

}  // namespace

extern constinit const Entry byte_fallback_entry{"ByteFallback", build};

}  // namespace hearth::tokenizers::decoders
