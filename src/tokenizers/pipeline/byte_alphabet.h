// GPT-2's byte alphabet: every byte spelt as one printable character, so that any bytes are text.
// Source: openai/gpt-2 encoder.py bytes_to_unicode; tokenizers pre_tokenizers/byte_level.rs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"

namespace hearth::tokenizers {

struct ByteAlphabet {
  std::array<char32_t, 256> of_byte{};
  std::array<int16_t, 324> to_byte{};  ///< by code point; -1: not in the alphabet

  constexpr ByteAlphabet() {
    for (auto& b : to_byte) b = -1;
    char32_t next = 256;
    for (int b = 0; b < 256; ++b) {
      const bool itself = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      const char32_t c = itself ? static_cast<char32_t>(b) : next++;
      of_byte[static_cast<size_t>(b)] = c;
      to_byte[c] = static_cast<int16_t>(b);
    }
  }
};

inline constexpr ByteAlphabet kByteAlphabet;

/// The bytes in the alphabet's spelling.
inline std::string spell_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char b : bytes) utf8_append(out, kByteAlphabet.of_byte[static_cast<unsigned char>(b)]);
  return out;
}

/// The bytes that a text spells, or nothing when it has a character outside the alphabet.
inline std::optional<std::string> unspell_bytes(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const char32_t c = utf8_next(text, i);
    if (c >= kByteAlphabet.to_byte.size() || kByteAlphabet.to_byte[c] < 0) return std::nullopt;
    out.push_back(static_cast<char>(kByteAlphabet.to_byte[c]));
  }
  return out;
}

}  // namespace hearth::tokenizers
