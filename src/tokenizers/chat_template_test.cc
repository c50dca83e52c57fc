// What holds beside the comparison with Python (tests/oracle/test_chat_templates.py): lines in errors, limits, threads.
#include "tokenizers/chat_template.h"

#include <doctest/doctest.h>

#include <thread>

namespace hearth {
namespace {

Json json(std::string_view text) {
  auto parsed = Json::parse(text);
  REQUIRE(parsed.ok());
  return *std::move(parsed);
}

Result<std::string> render(std::string source, std::string_view variables = "{}", const RenderLimits& limits = {}) {
  return TRY(ChatTemplate::parse(std::move(source))).render(json(variables), limits);
}

TEST_CASE("chat template: an error names the line where it happened") {
  CHECK(render("a\nb\n{{ x.y }}\n").status().message() == "line 3: 'x' is undefined");
  CHECK(render("a\n{% if true %}\n{{ 1 +\n 'b' }}{% endif %}").status().message().starts_with("line 3: "));
  CHECK(ChatTemplate::parse("a\n\n{% nope %}").status().message() == "line 3: Encountered unknown tag 'nope'");
  CHECK(ChatTemplate::parse("\n{{ 1 ").status().message().starts_with("line 2: "));
}

TEST_CASE("chat template: what the template raises is the whole message") {
  const auto raised = render("\n\n{{ raise_exception('Roles must alternate') }}");
  CHECK(raised.status().code() == Code::bad_input);
  CHECK(raised.status().message() == "Roles must alternate");
}

TEST_CASE("chat template: limits end a rendering") {
  CHECK(render("{% for i in range(1000) %}{{ i }}{% endfor %}", "{}", {.steps = 100})
            .status()
            .message()
            .ends_with("more than 100 steps"));
  CHECK(render("{{ 'x' * 1000 }}", "{}", {.allocated_bytes = 500}).status().code() == Code::bad_input);
  CHECK(render("{% for i in range(9) %}0123456789{% endfor %}", "{}", {.output_bytes = 50}).status().message() ==
        "line 1: the text is longer than 50 bytes");
  CHECK(render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").status().message() ==
        "line 1: maximum recursion depth exceeded");
}

TEST_CASE("chat template: spans cover what generation blocks made, in bytes") {
  const auto parsed =
      ChatTemplate::parse("é{% for m in ms %}<{% generation %}{{ m }}!{% endgeneration %}>{% endfor %}");
  REQUIRE(parsed.ok());
  const auto rendered = parsed->render_with_spans(json(R"({"ms": ["ab", "ü"]})"));
  REQUIRE(rendered.ok());
  CHECK(rendered->text == "é<ab!><ü!>");
  CHECK(rendered->generated == std::vector<std::pair<size_t, size_t>>{{3, 6}, {8, 11}});
}

TEST_CASE("chat template: a conversation without messages is refused, and so is continuing with a new prompt") {
  const auto parsed = ChatTemplate::parse("{% for m in messages %}{{ m.content }}{% endfor %}");
  REQUIRE(parsed.ok());
  CHECK(parsed->apply({.messages = Json(Json::Array{})}).status().code() == Code::bad_input);
  CHECK(parsed->apply({.messages = json(R"(["x"])")}).status().code() == Code::bad_input);
  CHECK(parsed
            ->apply({.messages = json(R"([{"role": "assistant", "content": "x"}])"),
                     .add_generation_prompt = true,
                     .continue_final_message = true})
            .status()
            .code() == Code::bad_input);
}

TEST_CASE("chat template: threads render one template at once") {
  const auto parsed = ChatTemplate::parse(
      "{% set ns = namespace(t='') %}{% for i in range(200) %}{% set ns.t = ns.t ~ who %}{% endfor %}{{ ns.t }}");
  REQUIRE(parsed.ok());
  std::vector<std::string> texts(4);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < texts.size(); ++i)
      threads.emplace_back([&, i] {
        const auto text = parsed->render(Json(Json::Object{{"who", static_cast<int64_t>(i)}}));
        if (text.ok()) texts[i] = *text;
      });
  }
  for (size_t i = 0; i < texts.size(); ++i) CHECK(texts[i] == std::string(200, static_cast<char>('0' + i)));
}

}  // namespace
}  // namespace hearth
