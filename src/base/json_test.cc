#include "base/json.h"

#include <doctest/doctest.h>

using hearth::Code;
using hearth::Json;
using hearth::JsonWriter;

TEST_CASE("json: objects keep their order and the last duplicate wins") {
  const auto json = Json::parse(R"({"b": 1, "a": [1, 2.0, "x", null, true], "b": 2})");
  REQUIRE(json.ok());
  CHECK((*json)["b"].as_int() == 2);
  CHECK(json->object()[0].first == "b");
  CHECK((*json)["a"].array()[0].is_int());
  CHECK((*json)["a"].array()[1].is_double());
  CHECK((*json)["a"].dump() == R"([1,2.0,"x",null,true])");
  CHECK(json->find("absent") == nullptr);
}

TEST_CASE("json: text that is not JSON is refused with a reason") {
  for (const char* text : {"", "{", "[1,]", "{\"a\":\"\xff\"}", "nul", "{\"a\" 1}"}) {
    const auto json = Json::parse(text);
    CHECK_FALSE(json.ok());
    CHECK(json.status().code() == Code::bad_input);
  }
  CHECK_FALSE(Json::parse(std::string(5000, '[') + std::string(5000, ']')).ok());
}

TEST_CASE("json: the writer nests and escapes") {
  JsonWriter out;
  out.begin_object().field("id", "a\"\n\x01").key("list").begin_array().value(1).value(0.5).value(true).null().end();
  out.key("empty").begin_object().end().end();
  CHECK(out.text() == R"({"id":"a\"\n\u0001","list":[1,0.5,true,null],"empty":{}})");
}

TEST_CASE("json: indent is Python's") {
  const auto json = Json::parse(R"({"a":[1,{"b":"é"}],"c":{},"d":[]})");
  REQUIRE(json.ok());
  CHECK(json->dump(2) == "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"é\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}");
}

TEST_CASE("json: integers of any length are numbers, as Python writes them") {
  const auto json = Json::parse(
      R"({"big": 1000000000000000019884624838656, "s": "10000000000000000000000 \" 1", "n": [-5, 18446744073709551616]})");
  REQUIRE(json.ok());
  CHECK((*json)["big"].as_double() == 1e30);
  CHECK((*json)["s"].as_string() == "10000000000000000000000 \" 1");
  CHECK((*json)["n"].array()[0].is_int());
  CHECK((*json)["n"].array()[1].as_double() == 18446744073709551616.0);
  CHECK_FALSE(Json::parse("1000000000000000000000000-").ok());
}

TEST_CASE("json: the members of an object, as text") {
  const std::string text = R"( {"a" : {"b":[1, "}"]} , "é\n":null,"n":-1.5e3 , "l":[[],{}], "s":"x, y"} )";
  const auto members = hearth::json_members(text);
  REQUIRE(members.ok());
  const std::vector<std::pair<std::string, std::string_view>> expected = {
      {"a", R"({"b":[1, "}"]})"}, {"é\n", "null"}, {"n", "-1.5e3"}, {"l", "[[],{}]"}, {"s", R"("x, y")"}};
  CHECK(*members == expected);
  CHECK(members->front().second.data() >= text.data());  // they are views of the text itself
  for (const auto* broken : {"", "[]", "1", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":[}", "{} x"})
    CHECK_FALSE(hearth::json_members(broken).ok());
}
