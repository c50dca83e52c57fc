// Two things that several decoders do to a token.
#pragma once

#include <string>
#include <string_view>

namespace hearth::tokenizers {

/// As Rust's str::replace: with an empty `from`, `to` stands before each character and at the end.
std::string replace_each(std::string_view text, std::string_view from, std::string_view to);
/// English punctuation and short forms go back to the word before them: " ." is ".", " n't" is "n't".
/// Source: tokenizers decoders/wordpiece.rs cleanup.
std::string clean_up(std::string_view text);

}  // namespace hearth::tokenizers
