// Scripts, and how characters join to what a reader takes for one: extended grapheme clusters.
// Source: tokenizers pre_tokenizers/unicode_scripts; Unicode Standard Annex 29 (Unicode 17), as the crate
// unicode-segmentation 1.13 has it. The tables are written by scripts/unicode_tables.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth::tokenizers {

/// A number for the script: 0 goes with any.
uint8_t script_of(char32_t code_point);

/// The end of the grapheme cluster that begins at `at` < text.size(). A cluster begins there indeed: at the text's
/// begin or another cluster's end.
size_t grapheme_end(std::string_view text, size_t at);

}  // namespace hearth::tokenizers
