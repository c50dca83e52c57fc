// What methods of Python's str do that other standards do otherwise. Texts are well-formed UTF-8.
// Source: CPython 3.11 Objects/unicodeobject.c (lower, strip, isspace).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hearth::tokenizers::python {

/// str.isspace() of one character.
bool is_space(char32_t c);
std::string_view strip(std::string_view text);

/// Whether a letter has a case.
bool is_cased(char32_t c);
/// str.lower() of the code point at `i`: a capital sigma at a word's end is the final one.
void append_lower(std::string& out, std::span<const char32_t> text, size_t i);
std::string lower(std::string_view text);

}  // namespace hearth::tokenizers::python
