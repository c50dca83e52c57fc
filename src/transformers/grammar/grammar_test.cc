// Grammars: texts by hand; the originals are asked in tests/oracle/test_grammars.py.
#include "transformers/grammar.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

using hearth::Code;
using hearth::Constraint;
using hearth::Grammar;
using hearth::GrammarPart;
using hearth::Json;
using hearth::TokenTrie;

namespace {

bool matches(std::string_view pattern, std::string_view text) {
  const auto grammar = Grammar::from_regex(pattern);
  REQUIRE_MESSAGE(grammar.ok(), grammar.status().message());
  return grammar->accepts(text);
}

Grammar schema(std::string_view text) {
  auto grammar = Grammar::from_json_schema(*Json::parse(text));
  REQUIRE_MESSAGE(grammar.ok(), grammar.status().message());
  return *std::move(grammar);
}

hearth::Result<Grammar> refused(std::string_view text) {
  return Grammar::from_json_schema(*Json::parse(text));
}

std::vector<int32_t> allowed(const Constraint& constraint, std::vector<int32_t> made, size_t vocab_size) {
  std::vector<float> scores(vocab_size, 1);
  constraint.apply(made, scores);
  std::vector<int32_t> out;
  for (size_t id = 0; id < vocab_size; ++id)
    if (std::isfinite(scores[id])) out.push_back(static_cast<int32_t>(id));
  return out;
}

}  // namespace

TEST_CASE("grammar: a regular expression takes whole texts") {
  CHECK(matches("a|bc+", "bcc"));
  CHECK(!matches("a|bc+", "b"));
  CHECK(matches("^[^\\d]{2,3}$", "ä☃"));
  CHECK(!matches("[^\\d]{2,3}", "ä☃😀x"));
  CHECK(matches("(?:(?P<n>x)?y)*?", "yxy"));
  CHECK(matches("(a*)*b", "aab"));
}

TEST_CASE("grammar: what a pattern cannot mean is named") {
  CHECK(Grammar::from_regex("(a").status().code() == Code::bad_input);
  CHECK(Grammar::from_regex("(a)\\1").status().code() == Code::unsupported);
  CHECK(Grammar::from_regex("(?=a)").status().code() == Code::unsupported);
  CHECK(Grammar::from_regex("a^b").status().code() == Code::unsupported);
  CHECK(Grammar::from_regex("((a{1000}){1000}){1000}").status().code() == Code::too_large);
}

TEST_CASE("grammar: a schema's objects have their members in order, optional ones or not") {
  const auto person = schema(R"({"type": "object", "required": ["name"], "properties":
      {"id": {"type": "integer", "minimum": 5, "maximum": 120}, "name": {"type": "string", "minLength": 1},
       "tags": {"type": "array", "items": {"enum": ["a", 1, null]}, "maxItems": 2}}})");
  CHECK(person.accepts(R"({"id": 120, "name": "x", "tags": ["a",1]})"));
  CHECK(person.accepts("{\n  \"name\": \"\\u00e9\"\n}"));
  CHECK(!person.accepts(R"({"name": ""})"));
  CHECK(!person.accepts(R"({"id": 121, "name": "x"})"));
  CHECK(!person.accepts(R"({"id": 7})"));
  CHECK(!person.accepts(R"({"name": "x", "id": 7})"));
  CHECK(!person.accepts(R"({"name": "x", "other": 7})"));
}

TEST_CASE("grammar: a schema may name itself") {
  const auto tree = schema(R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties":
      {"left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "required": ["left"]}}})");
  CHECK(tree.accepts(R"({"left": {"left": {"left": null}}})"));
  CHECK(!tree.accepts(R"({"left": {"left": {"left": null}})"));
  CHECK(refused(R"({"$ref": "#"})").status().code() == Code::bad_input);
}

TEST_CASE("grammar: other members are any but the named ones") {
  const auto open = schema(R"({"properties": {"ab": {"const": 1}}, "additionalProperties": {"type": "boolean"}})");
  CHECK(open.accepts(R"({"ab": 1, "a": true, "abc": false, "b\"": true})"));
  CHECK(!open.accepts(R"({"ab": 1, "ab": true})"));
  CHECK(!open.accepts(R"({"\u0061b": true})"));
}

TEST_CASE("grammar: a keyword that texts cannot be held to is named") {
  for (const std::string_view key : {"not", "patternProperties", "if"}) {
    const auto status = refused("{\"" + std::string(key) + "\": {}}").status().clone();
    CHECK(status.code() == Code::unsupported);
    CHECK(status.message().find(key) != std::string::npos);
  }
  CHECK(refused(R"({"type": "number", "multipleOf": 0.5})").status().code() == Code::unsupported);
  CHECK(refused(R"({"type": "strin"})").status().code() == Code::bad_input);
  CHECK(refused(R"({"required": ["a"], "additionalProperties": false})").status().code() == Code::bad_input);
}

TEST_CASE("grammar: a schema of parts that double has an end") {
  std::string defs = R"("d40": {})";
  for (int i = 0; i < 40; ++i) {
    const auto ref = "{\"$ref\": \"#/$defs/d" + std::to_string(i + 1) + "\"}";
    defs += ", \"d" + std::to_string(i) + "\": {\"allOf\": [" + ref + ", " + ref + "]}";
  }
  CHECK(refused(R"({"$ref": "#/$defs/d0", "$defs": {)" + defs + "}}").status().code() == Code::bad_input);
}

TEST_CASE("grammar: GBNF") {
  const auto grammar =
      Grammar::from_gbnf("root ::= item (\",\"\n item)* # more\nitem ::= [a-c\\x21]{2} | \"\\\"\" .\n");
  REQUIRE(grammar.ok());
  CHECK(grammar->accepts("ab,!c,\"ö"));
  CHECK(!grammar->accepts("ab,c"));
  const auto message = [](std::string_view text) { return Grammar::from_gbnf(text).status().message(); };
  CHECK(message("root ::= x\n").find("'x'") != std::string::npos);
  CHECK(message("a ::= \"b\"\n").find("'root'") != std::string::npos);
  CHECK(message("root ::= a\na ::= b? root \"x\"\nb ::= \"y\"").find("left recursion") != std::string::npos);
  CHECK(message("root ::= \"a\"\n\nb := \"c\"").find("line 3") != std::string::npos);
}

TEST_CASE("grammar: of a vocabulary the tokens that go on are allowed, and the end where a text ends") {
  // 6 ends answers; 5 and 7 have no text.
  const auto vocabulary = std::make_shared<TokenTrie>(
      std::vector<std::string>{"a", "ab", "b", "abc", "\xC3", "", "", "", "abb", "\xA4", "a"});
  const Constraint constraint(*Grammar::from_regex("(ab)+|ä"), vocabulary, {6});
  CHECK(allowed(constraint, {}, 12) == std::vector<int32_t>{0, 1, 4, 10});
  CHECK(allowed(constraint, {0}, 12) == std::vector<int32_t>{2});
  CHECK(allowed(constraint, {0, 2}, 12) == std::vector<int32_t>{0, 1, 6, 10});
  CHECK(allowed(constraint, {4}, 12) == std::vector<int32_t>{9});
  CHECK(allowed(constraint, {4, 9}, 12) == std::vector<int32_t>{6});
  CHECK(constraint.is_complete(std::vector<int32_t>{4, 9}));
  CHECK(!constraint.is_complete(std::vector<int32_t>{1}));
  // Nothing in the vocabulary goes on with "abc": the end is all that is left.
  const Constraint stuck(*Grammar::from_regex("abcd"), vocabulary, {6});
  CHECK(allowed(stuck, {3}, 12) == std::vector<int32_t>{6});
}

TEST_CASE("grammar: texts in parts") {
  using Kind = GrammarPart::Kind;
  const GrammarPart marker{.kind = Kind::literal, .text = "<aab>"};
  const GrammarPart number{.kind = Kind::json_schema, .schema = *Json::parse(R"({"type":"integer"})")};
  const GrammarPart truth{.kind = Kind::json_schema, .schema = *Json::parse(R"({"type":"boolean"})")};
  const GrammarPart call{.parts = {marker, {.kind = Kind::any_of, .parts = {number, truth}}}};
  const auto grammar = Grammar::from_parts(
      {.parts = {{.kind = Kind::without, .text = "<aab>"}, {.kind = Kind::any_number, .parts = {call}}}});
  REQUIRE(grammar.ok());
  for (const auto* text : {"", "text", "<aab>12", "<aa<aab>true<aab>3", "é<aab", "<<aab>1"})
    CHECK_MESSAGE(grammar->accepts(text), text);
  for (const auto* text : {"<aab>", "x<aab>y", "<aab>1 <aab>", "<aab>1.5", "a<aab><aab>1"})
    CHECK_MESSAGE(!grammar->accepts(text), text);
}
