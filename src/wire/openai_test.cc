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
                                                                     {"grammar", "3"}};
  for (const auto& [key, value] : wrong) {
    const auto request = chat(cat("{", kHi, ",\"", key, "\":", value, "}"));
    CHECK(request.status().code() == Code::bad_input);
    CHECK(contains(request.status().message(), cat("'", key, "'")));
  }
  for (const auto* other :
       {R"("logprobs":true)", R"("response_format":{"type":"xml"})", R"("structured_outputs":{"structural_tag":"x"})"})
    CHECK(chat(cat("{", kHi, ",", std::string_view(other), "}")).status().code() == Code::unsupported);
  CHECK(chat(R"({"messages":[]})").status().code() == Code::bad_input);
  CHECK(chat(R"({"messages":[{"content":"x"}]})").status().code() == Code::bad_input);
  CHECK(chat(R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})").status().code() ==
        Code::unsupported);
  CHECK(completion(R"({"prompt":[[1,2]]})").status().code() == Code::unsupported);
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

TEST_CASE("openai: a stream's events") {
  const AnswerHead head{true, "chatcmpl-1", 7, "m", "f"};
  CHECK(event_text(head, 0, "a\"", true) ==
        "data: "
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"system_"
        "fingerprint\":\"f\","
        "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\\"\"},\"logprobs\":null,\"finish_reason\":null}],"
        "\"usage\":null}\n\n");
  CHECK(contains(event_finish(head, 0, FinishReason::length, false),
                 "\"delta\":{},\"logprobs\":null,\"finish_reason\":\"length\""));
  CHECK(contains(event_usage(head, {2, 3}),
                 "\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,\"total_tokens\":5}"));
}
