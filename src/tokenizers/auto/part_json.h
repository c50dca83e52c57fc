// The parts of a tokenizer.json, written as JSON: what the Python classes say with tokenizers.normalizers.Replace(...)
// and the like. The registries of the room build them.
// Source: tokenizers 0.23, the serialized form of each part.
#pragma once

#include <string_view>
#include <utility>

#include "base/json.h"

namespace hearth::tokenizers::part {

constexpr std::string_view kUnderline = "▁";  // U+2581

inline Json typed(std::string_view type, Json::Object members = {}) {
  Json::Object out{{"type", type}};
  for (auto& member : members) out.push_back(std::move(member));
  return out;
}

inline Json normalizers(Json::Array steps) {
  return typed("Sequence", {{"normalizers", std::move(steps)}});
}
inline Json pre_tokenizers(Json::Array steps) {
  return typed("Sequence", {{"pretokenizers", std::move(steps)}});
}
inline Json decoders(Json::Array steps) {
  return typed("Sequence", {{"decoders", std::move(steps)}});
}

inline Json replace(std::string_view from, std::string_view to) {
  return typed("Replace", {{"pattern", Json::Object{{"String", from}}}, {"content", to}});
}
inline Json replace_regex(std::string_view from, std::string_view to) {
  return typed("Replace", {{"pattern", Json::Object{{"Regex", from}}}, {"content", to}});
}
inline Json strip(bool left, bool right) {
  return typed("Strip", {{"strip_left", left}, {"strip_right", right}});
}
inline Json precompiled(const Json& charsmap_base64) {
  return typed("Precompiled", {{"precompiled_charsmap", charsmap_base64}});
}

/// Serves as pre-tokenizer and as decoder.
inline Json metaspace(std::string_view scheme, bool split = true) {
  return typed("Metaspace", {{"replacement", kUnderline}, {"prepend_scheme", scheme}, {"split", split}});
}
/// Serves as pre-tokenizer, post-processor and decoder.
inline Json byte_level(bool add_prefix_space, bool use_regex = true, bool trim_offsets = true) {
  return typed("ByteLevel",
               {{"add_prefix_space", add_prefix_space}, {"trim_offsets", trim_offsets}, {"use_regex", use_regex}});
}
inline Json split_regex(std::string_view pattern, std::string_view behavior = "Isolated", bool invert = false) {
  return typed("Split", {{"pattern", Json::Object{{"Regex", pattern}}}, {"behavior", behavior}, {"invert", invert}});
}
inline Json split_string(std::string_view text, std::string_view behavior) {
  return typed("Split", {{"pattern", Json::Object{{"String", text}}}, {"behavior", behavior}, {"invert", false}});
}
inline Json digits(bool individual) {
  return typed("Digits", {{"individual_digits", individual}});
}

/// "▁" to spaces, <0x..> to bytes, all joined: the decoder of SentencePiece BPE; `strip` takes the first space away.
inline Json byte_fallback_decoder(bool strip) {
  Json::Array steps{replace(kUnderline, " "), typed("ByteFallback"), typed("Fuse")};
  if (strip) steps.push_back(typed("Strip", {{"content", " "}, {"start", 1}, {"stop", 0}}));
  return decoders(std::move(steps));
}

inline Json cls_sep(std::string_view type, std::pair<std::string_view, int64_t> sep,
                    std::pair<std::string_view, int64_t> cls, Json::Object more = {}) {
  Json::Object members{{"sep", Json::Array{sep.first, sep.second}}, {"cls", Json::Array{cls.first, cls.second}}};
  for (auto& member : more) members.push_back(std::move(member));
  return typed(type, std::move(members));
}

}  // namespace hearth::tokenizers::part
