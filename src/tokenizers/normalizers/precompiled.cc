// Precompiled: the character map of a SentencePiece model (pipeline/chars_map.h).
// Source: tokenizers normalizers/precompiled.rs; crate spm_precompiled 0.1.4.
//
// As the original has it, the map is asked for each grapheme cluster of up to five bytes, whose shortest prefix in the
// map decides for the whole of it; else for each of its characters.
#include <array>

#include "base/encoding.h"
#include "tokenizers/normalizers_registry.h"
#include "tokenizers/pipeline/chars_map.h"
#include "tokenizers/pipeline/unicode_ranges.h"

namespace hearth::tokenizers::normalizers {
namespace {

constexpr size_t kClusterMax = 5;

// Writes only the text.
struct TextSink {
  std::string out = {};
  void keep(std::string_view text) { out += text; }
  void replace(std::string_view, std::string_view by) { out += by; }
};

// Writes the changes, as transform() takes them.
struct ChangeSink {
  std::vector<unicode::Normalized> out = {};
  void keep(std::string_view text) {
    for (size_t i = 0; i < text.size();) out.push_back({utf8_next(text, i), 0});
  }
  void replace(std::string_view text, std::string_view by) {
    keep(by);
    auto diff = static_cast<ptrdiff_t>(utf8_length(by)) - static_cast<ptrdiff_t>(utf8_length(text));
    // What is more than before was added; what is less went after the last character, whichever that was.
    for (size_t i = out.size(); diff > 0; --diff) out[--i].change = 1;
    if (diff < 0 && !out.empty()) out.back().change += static_cast<int32_t>(diff);
  }
};

class Precompiled final : public Normalizer {
 public:
  explicit Precompiled(CharsMap map) : map_(std::move(map)) {
    for (size_t c = 0; c < 128; ++c) {
      const char text = static_cast<char>(c);
      plain_[c] = c != '\r' && !map_.find_shortest({&text, 1});
    }
  }

  bool may_change(std::string_view text) const override { return plain_end(text, 0) < text.size(); }

  void normalize(AlignedText& text) const override {
    if (!may_change(text.text())) return;
    if (text.aligned()) {
      ChangeSink sink;
      if (run(text.text(), sink)) transform(text, sink.out);
    } else {
      TextSink sink;
      sink.out.reserve(text.text().size() + 16);
      if (run(text.text(), sink)) text.become(std::move(sink.out));
    }
  }

 private:
  size_t plain_end(std::string_view text, size_t at) const {
    while (at < text.size() && plain_[static_cast<unsigned char>(text[at])]) ++at;
    return at;
  }

  // True when anything changed.
  template <class Sink>
  bool run(std::string_view text, Sink& sink) const {
    bool changed = false;
    const auto replace = [&](std::string_view part, std::string_view by) {
      changed = true;
      sink.replace(part, by);
    };
    for (size_t at = 0; at < text.size();) {
      // A plain character is a cluster of its own if another one-byte character follows.
      size_t end = plain_end(text, at);
      if (end < text.size() && (text[end] & 0x80) != 0 && end > at) --end;
      if (end > at) {
        sink.keep(text.substr(at, end - at));
        at = end;
        continue;
      }
      end = grapheme_end(text, at);
      const auto cluster = text.substr(at, end - at);
      at = end;
      if (cluster.size() <= kClusterMax) {
        if (const auto by = map_.find_shortest(cluster)) {
          replace(cluster, *by);
          continue;
        }
      }
      for (size_t i = 0; i < cluster.size();) {
        const size_t begin = i;
        utf8_next(cluster, i);
        const auto part = cluster.substr(begin, i - begin);
        if (const auto by = map_.find_shortest(part)) {
          replace(part, *by);
        } else {
          sink.keep(part);
        }
      }
    }
    return changed;
  }

  CharsMap map_;
  std::array<bool, 256> plain_{};  // ASCII that the map leaves, whatever is beside it
};

Built<Normalizer> build(const ConfigView& config) {
  const auto field = config["precompiled_charsmap"];
  const auto text = TRY(field.as_string());
  const auto blob = from_base64(text);
  if (!blob.ok()) return field.bad("must be base64");
  auto map = CharsMap::parse(*blob);
  if (!map.ok()) return std::move(map).status().with(field.place());
  return std::unique_ptr<Normalizer>(std::make_unique<Precompiled>(*std::move(map)));
}

}  // namespace

extern constinit const Entry precompiled_entry{"Precompiled", build, "precompiled_charsmap"};

}  // namespace hearth::tokenizers::normalizers
