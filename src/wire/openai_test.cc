#include "wire/openai.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace hearth;        // NOLINT(google-build-using-namespace): a test file
using namespace hearth::wire;  // NOLINT(google-build-using-namespace): a test file

namespace {
Result<GenerateRequest> chat(std::string_view body) {
  return parse_chat_request(*Json::parse(body));
}
Result<GenerateRequest> completion(std::string_view body) {
  return parse_completion_request(*Json::parse(body));
}
constexpr std::string_view kHi = R"("messages":[{"role":"user","content":"hi"}])";
}  // namespace

TEST_CASE("openai: a chat request with everything the client sends") {
  const auto request = chat(R"({"model":"a/b","messages":[{"role":"developer","content":[{"type":"text","text":"x"},
    {"type":"text","text":"y"}]},{"role":"assistant","content":null}],"temperature":0.5,"top_p":1,"max_tokens":5,
    "max_completion_tokens":7,"stop":"END","stream":true,"stream_options":{"include_usage":true},"seed":3,"n":2,
    "logprobs":false,"user":"someone","unknown":1})");
  REQUIRE(request.ok());
  CHECK(request->messages.array()[0]["role"].as_string() == "system");
  CHECK(request->messages.array()[0]["content"].as_string() == "xy");
  CHECK(request->messages.array()[1]["content"].as_string() == "");
  CHECK(request->max_tokens == 7);
  CHECK(request->stop == std::vector<std::string>{"END"});
  CHECK(request->n == 2);
  CHECK(request->stream);
  CHECK(request->include_usage);
}

TEST_CASE("openai: what is wrong is named, what is not done is said") {
  constexpr std::pair<std::string_view, std::string_view> wrong[] = {{"temperature", "3"},
                                                                     {"temperature", "\"hot\""},
                                                                     {"top_p", "0"},
                                                                     {"max_tokens", "0"},
                                                                     {"n", "0"},
                                                                     {"n", "100"},
                                                                     {"seed", "\"x\""},
                                                                     {"presence_penalty", "3"},
                                                                     {"response_format", "3"},
                                                                     {"grammar", "3"},
                                                                     {"logprobs", "3"},
                                                                     {"top_logprobs", "3"},
                                                                     {"logit_bias", "{\"x\":1}"},
                                                                     {"logit_bias", "{\"3\":101}"},
                                                                     {"stop", "3"},
                                                                     {"min_p", "2"},
                                                                     {"repetition_penalty", "0"},
                                                                     {"tools", "{}"},
                                                                     {"tools", "[{\"function\":{\"name\":\"a b\"}}]"},
                                                                     {"tool_choice", "\"required\""},
                                                                     {"tool_choice", "3"}};
  for (const auto& [key, value] : wrong) {
    const auto request = chat(cat("{", kHi, ",\"", key, "\":", value, "}"));
    CHECK(request.status().code() == Code::bad_input);
    CHECK(contains(request.status().message(), cat("'", key, "'")));
  }
  for (const auto* other : {R"("best_of":3)", R"("suffix":"x")", R"("tools":[{"type":"retrieval"}])",
                            R"("response_format":{"type":"xml"})", R"("structured_outputs":{"structural_tag":"x"})"})
    CHECK(chat(cat("{", kHi, ",", std::string_view(other), "}")).status().code() == Code::unsupported);
  CHECK(chat(R"({"messages":[]})").status().code() == Code::bad_input);
  CHECK(chat(R"({"messages":[{"content":"x"}]})").status().code() == Code::bad_input);
  CHECK(chat(R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})").status().code() ==
        Code::unsupported);
  CHECK(completion(R"({"prompt":[[1,-2]]})").status().code() == Code::bad_input);
  CHECK(completion(R"({})").status().code() == Code::bad_input);
  CHECK(parse_chat_request(Json(3)).status().code() == Code::bad_input);
}

TEST_CASE("openai: what an answer has to be, as each client says it") {
  using Kind = AnswerForm::Kind;
  const auto form = [](std::string_view member) {
    auto request = chat(cat("{", kHi, ",", member, "}"));
    REQUIRE_MESSAGE(request.ok(), request.status().message());
    return request->form;
  };
  CHECK(form(R"("response_format":{"type":"text"})").kind == Kind::any);
  CHECK(form(R"("response_format":{"type":"json_object"})").kind == Kind::json_object);
  for (const std::string_view schema :
       {R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"null"},"strict":true}})",
        R"("response_format":{"type":"json_object","value":{"type":"null"}})", R"("json_schema":{"type":"null"})",
        R"("response_format":{"type":"json_schema","value":{"name":"n","schema":{"type":"null"}}})",
        R"("grammar":{"type":"json","value":{"type":"null"}})", R"("structured_outputs":{"json":{"type":"null"}})"}) {
    const auto said = form(schema);
    CHECK(said.kind == Kind::json_schema);
    CHECK(said.schema["type"].as_string() == "null");
  }
  CHECK(form(R"("response_format":{"type":"regex","value":"a+"})").text == "a+");
  CHECK(form(R"("grammar":"root ::= \"a\"")").kind == Kind::grammar);
  CHECK(form(R"("guided_choice":["a.b","c"])").text == "a\\.b|c");
  CHECK(chat(cat("{", kHi, R"(,"guided_regex":"a","response_format":{"type":"json_object"}})")).status().code() ==
        Code::bad_input);
}

TEST_CASE("openai: prompts are texts, token ids, or lists of these") {
  CHECK(completion(R"({"prompt":"a"})")->prompts[0].text == "a");
  CHECK(completion(R"({"prompt":[1,2]})")->prompts[0].ids == std::vector<int32_t>{1, 2});
  const auto two = completion(R"({"prompt":[[1],[2,3]],"logprobs":2})");
  REQUIRE(two.ok());
  CHECK(two->prompts.size() == 2);
  CHECK(two->prompts[1].ids == std::vector<int32_t>{2, 3});
  CHECK(two->logprobs == 2);
}

TEST_CASE("openai: tools, and what is said of their use") {
  constexpr std::string_view tools =
      R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}},{"type":"function","function":{"name":"g"}}])";
  using Kind = ToolChoice::Kind;
  const auto of = [&](std::string_view choice) {
    return chat(cat("{", kHi, ",", tools, ",\"tool_choice\":", choice, "}"));
  };
  CHECK(of("null")->tools.size() == 2);
  CHECK(of("null")->tools[0].strict);
  CHECK(of("\"required\"")->tool_choice.kind == Kind::required);
  CHECK(of("\"none\"")->tools.empty());
  CHECK(of(R"({"type":"function","function":{"name":"g"}})")->tool_choice.name == "g");
  CHECK(of(R"({"type":"function","function":{"name":"h"}})").status().code() == Code::bad_input);
  const auto allowed = of(
      R"({"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}})");
  REQUIRE(allowed.ok());
  CHECK(allowed->tools.size() == 1);
  CHECK(allowed->tool_choice.kind == Kind::required);
  const auto said = chat(
      R"({"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]}]})");
  REQUIRE(said.ok());
  CHECK(said->messages.array()[0]["tool_calls"].array()[0]["function"]["arguments"]["x"].as_int() == 1);
}
