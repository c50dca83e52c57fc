#include "wire/openai_answer.h"

#include <limits>

#include <doctest/doctest.h>

#include "base/text.h"

using namespace hearth;        // NOLINT(google-build-using-namespace): a test file
using namespace hearth::wire;  // NOLINT(google-build-using-namespace): a test file

namespace {
using Kind = AnswerPart::Kind;
std::unique_ptr<AnswerWriter> writer(std::string_view body, bool is_chat = true) {
  const auto json = Json::parse(body);
  const auto request = is_chat ? parse_chat_request(*json) : parse_completion_request(*json);
  REQUIRE_MESSAGE(request.ok(), request.status().message());
  return openai_writer(*request, {"id-1", 7, "m", "f"});
}
AnswerPart part(Kind kind, std::string text, std::string name = {}) {
  return {kind, std::move(text), name, name.empty() ? "" : "call_1"};
}
constexpr std::string_view kStream =
    R"({"messages":[{"role":"user","content":"hi"}],"stream_options":{"include_usage":true}})";
constexpr std::string_view kPlain = R"({"messages":[{"role":"user","content":"hi"}],"logprobs":true})";
}  // namespace

TEST_CASE("openai: a stream's events are chunks") {
  const auto to = writer(kStream);
  const AnswerPart text[] = {part(Kind::text, "a\"")};
  CHECK(to->more(0, text, {}) ==
        "data: {\"id\":\"id-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\","
        "\"system_fingerprint\":\"f\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\\"\"},\"logprobs\":null,"
        "\"finish_reason\":null}],\"usage\":null}\n\n");
  Choice cut;
  cut.reason = FinishReason::length;
  CHECK(contains(to->finish(cut), "\"delta\":{},\"logprobs\":null,\"finish_reason\":\"length\""));
  const auto end = to->end({2, 3, 1});
  CHECK(contains(end,
                 "\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,\"total_tokens\":5,"
                 "\"prompt_tokens_details\":{\"cached_tokens\":1}"));
  CHECK(end.ends_with("\n\ndata: [DONE]\n\n"));
}

TEST_CASE("openai: calls in a stream are numbered, their arguments come in pieces") {
  const auto to = writer(kStream);
  const AnswerPart parts[] = {part(Kind::call, "", "f"), part(Kind::arguments, "{\"x\""), part(Kind::call, "", "g")};
  const auto events = to->more(0, parts, {});
  CHECK(contains(
      events, R"("tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}])"));
  CHECK(contains(events, R"("tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}])"));
  CHECK(contains(events, R"("tool_calls":[{"index":1,"id":"call_1")"));
  CHECK(contains(to->finish({}), R"("finish_reason":"tool_calls")"));
}

TEST_CASE("openai: a whole answer with calls, reasoning and probabilities") {
  Choice choice;
  choice.parts = {part(Kind::reasoning, "hm"), part(Kind::call, "{}", "f")};
  choice.logprobs = {{"\xC3", -0.5, {{"\xC3", -0.5}, {"b", -std::numeric_limits<double>::infinity()}}}};
  const auto json = *Json::parse(writer(kPlain)->whole({choice}, {}));
  const auto& made = json["choices"].array()[0];
  CHECK(made["message"]["content"].is_null());
  CHECK(made["message"]["reasoning_content"].as_string() == "hm");
  CHECK(made["message"]["tool_calls"].array()[0]["function"]["arguments"].as_string() == "{}");
  CHECK(made["finish_reason"].as_string() == "tool_calls");
  const auto& token = made["logprobs"]["content"].array()[0];
  CHECK(token["token"].as_string() == "\xEF\xBF\xBD");
  CHECK(token["bytes"].array()[0].as_int() == 0xC3);
  CHECK(token["top_logprobs"].array()[1]["logprob"].as_double() == -9999);
}

TEST_CASE("openai: a completion's probabilities are lists with the tokens' places") {
  Choice choice;
  choice.parts = {part(Kind::text, "é!")};
  choice.logprobs = {{"é", -1, {{"é", -1}}}, {"!", -2, {}}};
  const auto json = *Json::parse(writer(R"({"prompt":"x","logprobs":1})", false)->whole({choice}, {}));
  const auto& logprobs = json["choices"].array()[0]["logprobs"];
  CHECK(logprobs["tokens"].dump() == R"(["é","!"])");
  CHECK(logprobs["text_offset"].dump() == "[0,1]");
  CHECK(logprobs["token_logprobs"].array()[1].as_double() == -2);
  CHECK(logprobs["top_logprobs"].array()[0]["é"].as_double() == -1);
}

TEST_CASE("openai: errors name what clients look at") {
  const auto of = [](Code code, std::string_view message) {
    return (*Json::parse(error_json({code, std::string(message)})))["error"];
  };
  CHECK(of(Code::bad_input, "'top_p' must be over 0")["param"].as_string() == "top_p");
  CHECK(of(Code::too_large, "long")["code"].as_string() == "context_length_exceeded");
  CHECK(of(Code::repo_not_found, "no model")["code"].as_string() == "model_not_found");
  CHECK(of(Code::unauthenticated, "no")["code"].as_string() == "invalid_api_key");
  CHECK(error_status({Code::too_large, "long"}) == 400);
}

TEST_CASE("openai: bytes that are no text are shown as such") {
  CHECK(readable("a\xFF"
                 "b\xC3\xA9\xE2\x82") ==
        "a\xEF\xBF\xBD"
        "bé\xEF\xBF\xBD\xEF\xBF\xBD");
}
