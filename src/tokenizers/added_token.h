// AddedToken: a token that is cut out of the text before the model sees it, with its flags: of a tokenizer.json, of a
// configuration, of a trainer's `special_tokens`, or added later.
// Source: tokenizers 0.23 tokenizer/added_vocabulary.rs AddedToken.
#pragma once

#include <string>

#include "base/result.h"
#include "tokenizers/encoding.h"

namespace hearth {

class Json;

struct AddedToken {
  std::string content;
  TokenId id = -1;           ///< -1: not known yet; the tokenizer that takes the token gives it its own
  bool special = false;      ///< decoding leaves it out when asked to
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space after it
  bool normalized = false;   ///< looked for in the normalized text, its content normalized too
  friend bool operator==(const AddedToken&, const AddedToken&) = default;
};

/// Equal but for the id.
bool same_token(const AddedToken& a, const AddedToken& b);
/// A text, which has no flags, or an object of the fields above, absent ones as Python's AddedToken has them; the id is
/// not read. bad_input names `place`.
Result<AddedToken> added_token_of(const Json& json, std::string_view place);
/// The object, without the id.
Json added_token_json(const AddedToken& token);

}  // namespace hearth
