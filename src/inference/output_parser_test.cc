#include <doctest/doctest.h>

#include "base/text.h"
#include "inference/output_format.h"

using namespace hearth;             // NOLINT(google-build-using-namespace): a test file
using namespace hearth::inference;  // NOLINT(google-build-using-namespace): a test file

namespace {

using Kind = wire::AnswerPart::Kind;

wire::Tool tool(std::string name, std::string_view parameters = R"({"type":"object"})") {
  return {.name = std::move(name), .description = {}, .parameters = *Json::parse(parameters)};
}
const std::vector<wire::Tool> kTools = {
    tool("get_weather", R"({"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}}})"),
    tool("get_time")};

struct Made {
  std::string text, reasoning;
  std::vector<std::pair<std::string, Json>> calls;
};

Made parse(OutputParser::Options options, const std::vector<std::string_view>& pieces) {
  OutputParser parser(std::move(options));
  std::vector<wire::AnswerPart> parts;
  const auto add = [&](std::vector<wire::AnswerPart> more) {
    for (auto& part : more) append_part(parts, std::move(part));
  };
  for (const auto piece : pieces) add(parser.push(piece));
  add(parser.end());
  Made out{text_of(parts, Kind::text), text_of(parts, Kind::reasoning), {}};
  for (const auto& part : parts) {
    if (part.kind != Kind::call) continue;
    CHECK(!part.id.empty());
    const auto arguments = Json::parse(part.text);
    CHECK_MESSAGE(arguments.ok(), part.text);
    out.calls.emplace_back(part.name, arguments.ok() ? *arguments : Json());
  }
  return out;
}

OutputParser::Options of(std::string_view format) {
  OutputParser::Options out;
  out.format = &output_format(format);
  out.context.tools = kTools;
  return out;
}

// The same whatever the pieces: whole, cut in two at every byte, byte by byte.
Made every_way(const OutputParser::Options& options, std::string_view text) {
  auto whole = parse(options, {text});
  std::vector<std::string_view> bytes;
  for (size_t cut = 0; cut < text.size(); ++cut) {
    bytes.push_back(text.substr(cut, 1));
    const auto two = parse(options, {text.substr(0, cut), text.substr(cut)});
    CHECK_MESSAGE(two.text == whole.text, cut);
    CHECK_MESSAGE(two.reasoning == whole.reasoning, cut);
    CHECK_MESSAGE(two.calls == whole.calls, cut);
  }
  const auto one = parse(options, bytes);
  CHECK(one.text == whole.text);
  CHECK(one.calls == whole.calls);
  return whole;
}

struct Sample {
  std::string_view format, output, text;
  size_t calls = 1;
};

}  // namespace

TEST_CASE("output formats: the calls of each model's own documentation") {
  // Each calls get_weather with {"city": "Paris"...}; a second call is get_time without arguments.
  const Sample samples[] = {
      {"hermes", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>", ""},
      {"hermes",
       "Let me look.\n<tool_call>\n{\"arguments\": {\"city\": \"Paris\", \"x\": [1, {\"y\": \"}\"}]}, \"name\": "
       "\"get_weather\"}\n</tool_call>\n<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>",
       "Let me look.\n", 2},
      {"hermes", "<tool_call>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}]</tool_call>", ""},
      {"llama3_json", "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}", ""},
      {"llama3_json",
       "<|python_tag|>{\"type\": \"function\", \"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}; "
       "{\"name\": \"get_time\", \"parameters\": {}}",
       "", 2},
      {"mistral", "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}]", ""},
      {"mistral", "[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Paris\"}[TOOL_CALLS]get_time[CALL_ID]abc[ARGS]{}", "", 2},
      {"deepseek_v3",
       "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": "
       "\"Paris\"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_time\n```json\n{}\n```"
       "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
       "", 2},
      {"deepseek_v31",
       "Looking.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Paris\"}"
       "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
       "Looking."},
      {"kimi_k2",
       "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{\"city\": "
       "\"Paris\"}<|tool_call_end|><|tool_calls_section_end|>",
       ""},
      {"phi4", "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}]<|/tool_call|>", ""},
      {"phi4", "functools[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}]", ""},
      {"jamba",
       "<tool_calls>[\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}},\n{\"name\": \"get_time\", "
       "\"arguments\": \"{}\"}\n]</tool_calls>",
       "", 2},
      {"internlm2",
       "I need it.<|action_start|><|plugin|>\n{\"name\": \"get_weather\", \"parameters\": {\"city\": "
       "\"Paris\"}}<|action_end|>",
       "I need it."},
      {"qwen3_coder",
       "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
       "</function>\n</tool_call>\n<tool_call>\n<function=get_time>\n</function>\n</tool_call>",
       "", 2},
      {"glm45",
       "Ok.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n"
       "<arg_value>3</arg_value>\n</tool_call>",
       "Ok.\n"},
      {"minimax_m2",
       "<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Paris</parameter>\n</invoke>\n"
       "<invoke name=\"get_time\">\n</invoke>\n</minimax:tool_call>",
       "", 2},
      {"pythonic", "[get_weather(city=\"Paris\", days=3), get_time()]", "", 2},
      {"lfm2", "<|tool_call_start|>[get_weather(city='Paris', ok=True, list=[1, None])]<|tool_call_end|>Checking.",
       "Checking."},
      {"function_gemma", "<start_function_call>call:get_weather{city:<escape>Paris<escape>,days:3}<end_function_call>",
       ""},
      {"harmony",
       "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\": \"Paris\"}<|call|>", ""},
  };
  for (const auto& sample : samples) {
    CAPTURE(sample.output);
    const auto made = every_way(of(sample.format), sample.output);
    CHECK(made.text == sample.text);
    REQUIRE(made.calls.size() == sample.calls);
    CHECK(made.calls[0].first == "get_weather");
    CHECK(made.calls[0].second["city"].as_string() == "Paris");
    if (made.calls[0].second.find("days")) CHECK(made.calls[0].second["days"].as_int() == 3);
    if (sample.calls == 2) CHECK(made.calls[1] == std::pair<std::string, Json>("get_time", Json::Object{}));
  }
}

TEST_CASE("output formats: what is no call stays text") {
  const Sample samples[] = {
      {"hermes", "a < b, <tool_calls are> not <tool_", "a < b, <tool_calls are> not <tool_"},
      {"hermes", "<tool_call>what</tool_call>", "<tool_call>what</tool_call>"},
      {"llama3_json", "{\"name\": \"Ada\", \"age\": 3}", "{\"name\": \"Ada\", \"age\": 3}"},
      {"llama3_json", "{\"a\": 1} is JSON", "{\"a\": 1} is JSON"},
      {"pythonic", "[1, 2] is a list", "[1, 2] is a list"},
      {"pythonic", "[see(1)]", "[see(1)]"},
      {"mistral", "nothing [TOOL", "nothing [TOOL"},
      {"qwen3_coder", "<tool_call>text</tool_call>", "<tool_call>text</tool_call>"},
  };
  for (const auto& sample : samples) {
    CAPTURE(sample.output);
    const auto made = every_way(of(sample.format), sample.output);
    CHECK(made.calls.empty());
    CHECK(made.text == sample.text);
  }
}

TEST_CASE("output formats: one call where only one is wanted") {
  auto options = of("hermes");
  options.parallel = false;
  const auto made = every_way(options,
                              "<tool_call>{\"name\": \"get_time\", \"arguments\": {}}</tool_call>"
                              "<tool_call>{\"name\": \"get_weather\", \"arguments\": {}}</tool_call>");
  CHECK(made.calls.size() == 1);
  CHECK(made.text == "");
}

TEST_CASE("output formats: reasoning is told from the answer") {
  auto options = of("hermes");
  options.reasoning = ReasoningMarks{"<think>", "</think>"};
  const auto made = every_way(options, "<think>\nhm </thin\n</think>\n\nIt is 4.");
  CHECK(made.reasoning == "\nhm </thin\n");
  CHECK(made.text == "It is 4.");
  options.in_reasoning = true;
  const auto open = every_way(options, "so</think><tool_call>{\"name\":\"get_time\",\"arguments\":{}}</tool_call>");
  CHECK(open.reasoning == "so");
  CHECK(open.calls.size() == 1);
  const auto channels = every_way(of("harmony"),
                                  "<|channel|>analysis<|message|>Think.<|end|><|start|>assistant"
                                  "<|channel|>final<|message|>Four.");
  CHECK(channels.reasoning == "Think.");
  CHECK(channels.text == "Four.");
}

TEST_CASE("output formats: the chat template shows which it is") {
  const auto named = [](std::string_view source) {
    const auto* format = find_output_format(source);
    return format ? format->name : std::string_view("none");
  };
  CHECK(named("... <tool_call>\\n{\"name\": ...") == "hermes");
  CHECK(named("<tool_call>\\n<function=example>") == "qwen3_coder");
  CHECK(named("<tool_call>{name}<arg_key>") == "glm45");
  CHECK(named("{{ \"<|python_tag|>\" }}") == "llama3_json");
  CHECK(named("[AVAILABLE_TOOLS] [TOOL_CALLS]") == "mistral");
  CHECK(named("{% for message in messages %}") == "none");
}

TEST_CASE("output formats: what a frame allows, its reader reads") {
  const std::vector<wire::Tool> tools = {
      tool("get_weather", R"({"type":"object","properties":{"city":{"enum":["Paris"]}},"required":["city"]})"),
      tool("get_time", R"({"type":"object","properties":{},"additionalProperties":false})")};
  for (const std::string_view name :
       {"hermes", "llama3_json", "mistral", "deepseek_v3", "deepseek_v31", "kimi_k2", "phi4", "jamba", "internlm2"}) {
    CAPTURE(name);
    const auto& format = output_format(name);
    const auto grammar = Grammar::from_parts(calls_grammar(*format.frame, tools, true, false));
    REQUIRE(grammar.ok());
    for (uint64_t seed = 0; seed < 8; ++seed) {
      const auto text = grammar->sample(seed, 4000);
      if (!text) continue;
      auto options = of(name);
      options.context.tools = tools;
      const auto made = parse(options, {*text});
      CHECK_MESSAGE(!made.calls.empty(), *text);
      CHECK_MESSAGE(made.text == "", *text);
      for (const auto& [called, arguments] : made.calls)
        CHECK(arguments.dump() == (called == "get_time" ? "{}" : R"({"city":"Paris"})"));
    }
  }
}
