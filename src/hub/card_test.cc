#include "hub/card.h"

#include <doctest/doctest.h>

#include "base/text.h"

namespace hearth::hub {
namespace {

TEST_CASE("card: metadata and body part at the dashes") {
  const auto card = parse_card("---\r\nlicense: mit\r\n---\r\n# Title\n");
  REQUIRE(card.ok());
  CHECK(card->data["license"].as_string() == "mit");
  CHECK(card->body == "# Title\n");
  CHECK(parse_card("# no metadata\n---\nx: 1\n---\n")->data.is_null());
  CHECK(parse_card("---\nnever closed\n")->body == "---\nnever closed\n");
  CHECK(parse_card("---\n---\nbody")->data.is_null());
  CHECK(parse_card("")->data.is_null());
}

TEST_CASE("yaml: scalars by the core schema") {
  const auto yaml = parse_yaml(
      "a: no\nb: true\nc: 12\nd: 1.5\ne: ~\nf: '12'\ng: 2024-01-01\nh: 1e3\ni: [x, \"y\"]\nj:\n- k: -7\nl: 0123abc\nm: "
      ".\nn: yes\n");
  REQUIRE_MESSAGE(yaml.ok(), yaml.status().message());
  CHECK(
      yaml->dump() ==
      R"({"a":"no","b":true,"c":12,"d":1.5,"e":null,"f":"12","g":"2024-01-01","h":1000.0,"i":["x","y"],"j":[{"k":-7}],"l":"0123abc","m":".","n":"yes"})");
}

TEST_CASE("yaml: hostile and broken texts are refused") {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += cat("a", i, ": &a", i, " [");
    for (int n = 0; n < 10; ++n) bomb += cat(n ? "," : "", "*a", i - 1);
    bomb += "]\n";
  }
  const std::string deep(5000, '[');
  for (const std::string& text :
       {bomb, deep, std::string("a: [1"), std::string("a: *nowhere"), std::string("\xff\xfe"), std::string("a: b: c")})
    CHECK_MESSAGE(parse_yaml(text).status().code() == Code::bad_input, text.substr(0, 60));
  CHECK(contains(parse_yaml("a: 1\nb: [1").status().message(), "line "));
}

TEST_CASE("card: what the Hub says before a commit") {
  CHECK(validate_card("# Hi", RepoKind::model).warnings.size() == 1);
  CHECK(validate_card("---\nlicense: mit\n---\n", RepoKind::model).errors.empty());
  CHECK(validate_card("---\nlicense: {a: 1}\n---\n", RepoKind::model).errors.size() == 1);
  CHECK(validate_card("---\ntags: [a, 1]\n---\n", RepoKind::model).errors.size() == 1);
  CHECK(validate_card("---\nsdk: gradio\n---\n", RepoKind::space).errors.empty());
  CHECK(validate_card("---\nsdk: windows\n---\n", RepoKind::space).errors.size() == 1);
}

}  // namespace
}  // namespace hearth::hub
