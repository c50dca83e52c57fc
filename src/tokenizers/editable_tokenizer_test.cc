// What the original gives for the same calls is asked by tests/oracle/test_python_tokenizers.py; here is what only C++
// sees: that what did not change is shared, and what cannot be is refused.
#include "tokenizers/editable_tokenizer.h"

#include <doctest/doctest.h>

#include "tokenizers/pipeline/pipeline.h"

namespace {

using hearth::EditableTokenizer;
using hearth::Json;
using hearth::PartKind;
using hearth::TokenId;
using Ids = std::vector<TokenId>;

constexpr std::string_view kJson = R"({
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [{"id": 4, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true}],
  "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
  "use_regex": true}, "post_processor": null, "decoder": {"type": "ByteLevel"},
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": ["a b"]}})";

EditableTokenizer make() {
  auto made = EditableTokenizer::from_json(kJson);
  REQUIRE(made.ok());
  return *std::move(made);
}

Ids ids_of(EditableTokenizer& editable, std::string_view text) {
  const auto tokenizer = editable.tokenizer();
  REQUIRE(tokenizer.ok());
  const auto encoding = tokenizer->encode(text);
  REQUIRE(encoding.ok());
  return encoding->ids;
}

}  // namespace

TEST_CASE("editable tokenizer: a new token shares the model, an old tokenizer stays as it is") {
  auto editable = make();
  const auto before = *editable.tokenizer();
  CHECK(editable.add_tokens(std::vector<hearth::AddedToken>{{.content = "ba"}, {.content = ""}}) == 1);
  CHECK(editable.add_tokens(std::vector<hearth::AddedToken>{{.content = "ba"}}) == 0);
  CHECK(editable.add_tokens(std::vector<hearth::AddedToken>{{.content = "ba", .lstrip = true}}) == 1);
  CHECK(editable.token_to_id("ba") == 5);
  CHECK(editable.vocab_size() == 6);
  CHECK(editable.vocab_size(/*with_added_tokens=*/false) == 4);
  const auto after = *editable.tokenizer();
  CHECK(after.parts().model == before.parts().model);
  CHECK(ids_of(editable, "ab  bab</s>") == Ids{2, 5, 1, 4});
  CHECK(before.encode("ba")->ids == Ids{1, 0});
}

TEST_CASE("editable tokenizer: another pre-tokenizer gets a model that spells bytes as it does") {
  auto editable = make();
  CHECK(ids_of(editable, "ab ab") == Ids{2, 3, 2});
  const auto before = *editable.tokenizer();
  REQUIRE(editable.set_part(PartKind::pre_tokenizer, nullptr).ok());
  CHECK(ids_of(editable, "abĠ") == Ids{2, 3});
  CHECK(before.encode("ab ab")->ids == Ids{2, 3, 2});
  REQUIRE(editable.set_part(PartKind::pre_tokenizer, Json::Object{{"type", "ByteLevel"}}).ok());
  CHECK(ids_of(editable, "ab ab") == Ids{3, 2, 3, 2});
}

TEST_CASE("editable tokenizer: what is written is read as the same; what is no part changes nothing") {
  auto editable = make();
  CHECK_FALSE(editable.set_part(PartKind::decoder, Json::Object{{"type", "Nonsense"}}).ok());
  CHECK(editable.part(PartKind::decoder)["type"].as_string() == "ByteLevel");
  editable.truncation = Json::Object{{"max_length", 3}};
  REQUIRE(editable.set_part(PartKind::normalizer, Json::Object{{"type", "Lowercase"}}).ok());
  auto again = EditableTokenizer::from_json(editable.to_json(/*indent=*/2));
  REQUIRE(again.ok());
  CHECK(again->to_json() == editable.to_json());
  CHECK(again->truncation["max_length"].as_int() == 3);
  CHECK(ids_of(*again, "AB") == Ids{2});
  CHECK(again->added_tokens() == editable.added_tokens());
}

TEST_CASE("tokenizer part: by itself") {
  const auto lowercase = hearth::TokenizerPart::build(PartKind::normalizer, Json::Object{{"type", "Lowercase"}});
  REQUIRE(lowercase.ok());
  CHECK(*lowercase->normalize("ÀB") == "àb");
  CHECK_FALSE(lowercase->normalize("\xff").ok());
  const auto words = hearth::TokenizerPart::build(PartKind::pre_tokenizer, Json::Object{{"type", "WhitespaceSplit"}});
  REQUIRE(words.ok());
  const auto pieces = words->pre_tokenize("é  bc");
  REQUIRE(pieces.ok());
  REQUIRE(pieces->size() == 2);
  CHECK((*pieces)[1].text == "bc");
  CHECK((*pieces)[1].offsets == hearth::TextSpan{3, 5});
}
