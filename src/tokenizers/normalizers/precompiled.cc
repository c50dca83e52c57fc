// Precompiled: the character map of a SentencePiece model: a double array of texts, each with what takes its place.
// Source: tokenizers normalizers/precompiled.rs; crate spm_precompiled 0.1.4; the units of the array: darts-clone.
//
// As the original has it, the map is asked for each grapheme cluster of up to five bytes, whose shortest prefix in the
// map decides for the whole of it; else for each of its characters.
#include <array>
#include <bit>
#include <cstring>

#include "base/encoding.h"
#include "tokenizers/normalizers_registry.h"
#include "tokenizers/pipeline/unicode_ranges.h"

namespace hearth::tokenizers::normalizers {
namespace {

constexpr size_t kClusterMax = 5;

class CharsMap {
 public:
  static Result<CharsMap> parse(std::string_view blob) {
    uint32_t size = 0;
    if (blob.size() >= 4) std::memcpy(&size, blob.data(), 4);
    if (blob.size() < 4 || size > blob.size() - 4 || size < 4) {
      return Status(Code::bad_input,
                    cat("the map begins with the size of its array, ", size, " of ", blob.size(), " bytes"));
    }
    static_assert(std::endian::native == std::endian::little);
    CharsMap out;
    out.units_.resize(size / 4);
    std::memcpy(out.units_.data(), blob.data() + 4, out.units_.size() * 4);
    out.texts_ = blob.substr(4 + out.units_.size() * 4);
    if (!is_utf8(out.texts_)) return Status(Code::bad_input, "the map's texts are not UTF-8");
    return out;
  }

  /// What takes the place of `text`, by its shortest prefix in the map.
  std::optional<std::string_view> find(std::string_view text) const {
    size_t at = offset(units_[0]);
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      at ^= byte;
      if (byte == 0 || at >= units_.size() || (units_[at] & (1u << 31 | 0xFF)) != byte) return std::nullopt;
      const bool has_leaf = (units_[at] >> 8 & 1) != 0;
      at ^= offset(units_[at]);
      if (!has_leaf) continue;
      const size_t begin = at < units_.size() ? units_[at] & ~(1u << 31) : texts_.size();
      if (begin >= texts_.size() || (texts_[begin] & 0xC0) == 0x80) return std::nullopt;
      return std::string_view(texts_).substr(begin, texts_.find('\0', begin) - begin);
    }
    return std::nullopt;
  }

 private:
  static size_t offset(uint32_t unit) { return static_cast<size_t>(unit >> 10) << ((unit & 1u << 9) >> 6); }

  std::vector<uint32_t> units_;
  std::string texts_;
};

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
      plain_[c] = c != '\r' && !map_.find({&text, 1});
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
        if (const auto by = map_.find(cluster)) {
          replace(cluster, *by);
          continue;
        }
      }
      for (size_t i = 0; i < cluster.size();) {
        const size_t begin = i;
        utf8_next(cluster, i);
        const auto part = cluster.substr(begin, i - begin);
        if (const auto by = map_.find(part)) {
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
