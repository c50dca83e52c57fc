#include "wire/anthropic.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace hearth;        // NOLINT(google-build-using-namespace): a test file
using namespace hearth::wire;  // NOLINT(google-build-using-namespace): a test file

namespace {
Result<GenerateRequest> messages(std::string_view body) {
  return parse_messages_request(*Json::parse(body), true);
}
}  // namespace

TEST_CASE("anthropic: messages, results of tools among them, become a chat's") {
  const auto request =
      messages(R"({"max_tokens":5,"system":[{"type":"text","text":"s"}],"stop_sequences":["x"],"messages":[
    {"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"tool_use","id":"1","name":"f","input":{"a":1}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r"}]},{"type":"text","text":"go"}]}],
    "tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true}})");
  REQUIRE_MESSAGE(request.ok(), request.status().message());
  const auto& all = request->messages.array();
  REQUIRE(all.size() == 4);
  CHECK(all[0]["role"].as_string() == "system");
  CHECK(all[1]["tool_calls"].array()[0]["function"]["arguments"]["a"].as_int() == 1);
  CHECK(all[2]["role"].as_string() == "tool");
  CHECK(all[2]["content"].as_string() == "r");
  CHECK(all[3]["content"].as_string() == "go");
  CHECK(request->stop == std::vector<std::string>{"x"});
  CHECK(request->tool_choice.kind == ToolChoice::Kind::named);
  CHECK(!request->parallel_tool_calls);
}

TEST_CASE("anthropic: what is wrong is told") {
  CHECK(messages(R"({"messages":[{"role":"user","content":"x"}]})").status().code() == Code::bad_input);
  for (const std::string_view rest :
       {R"("messages":3)", R"("messages":[{"role":"x","content":"y"}])", R"("messages":[{"role":"user"}])",
        R"("messages":[{"role":"user","content":"x"}],"tools":[{"name":"f"}])",
        R"("messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"any"})"})
    CHECK(messages(cat("{\"max_tokens\":5,", rest, "}")).status().code() == Code::bad_input);
  CHECK(messages(R"({"max_tokens":5,"messages":[{"role":"user","content":[{"type":"image"}]}]})").status().code() ==
        Code::unsupported);
}

TEST_CASE("anthropic: a stream opens and closes each block") {
  const auto to = messages_writer({"msg_1", 7, "m", "f", 9});
  CHECK(contains(to->open(0), R"("input_tokens":9)"));
  using Kind = AnswerPart::Kind;
  const AnswerPart parts[] = {
      {Kind::text, "a", {}, {}}, {Kind::call, {}, "f", "call_1"}, {Kind::arguments, "{}", {}, {}}};
  auto events = to->more(0, parts, {});
  events += to->finish({});
  events += to->end({9, 3, 4});
  std::vector<std::string> kinds;
  for (const auto line : split(events, '\n'))
    if (line.starts_with("event: ")) kinds.emplace_back(line.substr(7));
  CHECK(join(kinds, " ") ==
        "content_block_start content_block_delta content_block_stop content_block_start "
        "content_block_delta content_block_stop message_delta message_stop");
  CHECK(contains(events, R"({"type":"tool_use","id":"toolu_1","name":"f","input":{}})"));
  CHECK(contains(events, R"("stop_reason":"tool_use")"));
  CHECK(contains(events, R"("input_tokens":5,"cache_creation_input_tokens":0,"cache_read_input_tokens":4)"));
}
