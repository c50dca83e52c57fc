#include "wire/tasks.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "wire/text_generation.h"

using namespace hearth;        // NOLINT(google-build-using-namespace): a test file
using namespace hearth::wire;  // NOLINT(google-build-using-namespace): a test file

namespace {

Json json(std::string_view text) {
  auto out = Json::parse(text);
  REQUIRE(out.ok());
  return *std::move(out);
}
std::string answer(std::string_view task, std::string_view body, std::string_view made) {
  const auto call = parse_task_call(task, json(body));
  REQUIRE(call.ok());
  return task_answer(task, *call, json(made)).dump();
}
std::string parameters(std::string_view task, std::string_view body) {
  const auto call = parse_task_call(task, json(body));
  REQUIRE_MESSAGE(call.ok(), call.status().message());
  return call->parameters.dump();
}
Status refusal(std::string_view task, std::string_view body) {
  return parse_task_call(task, json(body)).status().clone();
}

}  // namespace

TEST_CASE("tasks: answers have the forms that both clients read") {
  CHECK(answer("text-classification", R"({"inputs":"a"})", R"([{"label":"A","score":1}])") ==
        R"([[{"label":"A","score":1}]])");
  CHECK(answer("text-classification", R"({"inputs":["a"]})", R"([[{"label":"A","score":1}]])") ==
        R"([[{"label":"A","score":1}]])");
  constexpr auto kZeroShot = R"({"sequence":"a","labels":["x","y"],"scores":[0.75,0.25]})";
  constexpr auto kLabels = R"({"inputs":"a","parameters":{"candidate_labels":["x","y"]}})";
  CHECK(answer("zero-shot-classification", kLabels, kZeroShot) ==
        R"([{"label":"x","score":0.75},{"label":"y","score":0.25}])");
  constexpr auto kQuestion = R"({"inputs":{"question":"q","context":"c"}})";
  CHECK(answer("question-answering", kQuestion, R"([{"answer":"c"}])") == R"({"answer":"c"})");
  CHECK(answer("table-question-answering", R"({"inputs":{"question":"q","table":{"a":["1"]}}})",
               R"([{"answer":"1","coordinates":[[0,0]],"cells":["1"]}])") ==
        R"({"answer":"1","coordinates":[[0,0]],"cells":["1"],"aggregator":"NONE"})");
  CHECK(answer("translation_en_to_de", R"({"inputs":"a"})", R"({"translation_text":"b"})") ==
        R"([{"translation_text":"b"}])");
}

TEST_CASE("tasks: parameters are without nulls, with the task's defaults, and generate's unfolded") {
  CHECK(parameters("fill-mask", R"({"inputs":"a","parameters":{"top_k":2,"targets":null}})") == R"({"top_k":2})");
  CHECK(parameters("text-classification", R"({"inputs":"a","options":{"use_cache":true}})") == R"({"top_k":null})");
  CHECK(parameters("token-classification", R"({"inputs":"a"})") == R"({"aggregation_strategy":"simple"})");
  CHECK(parameters("summarization", R"({"inputs":"a","parameters":{"generate_parameters":{"num_beams":2}}})") ==
        R"({"num_beams":2})");
  CHECK(parameters("text2text-generation",
                   R"({"inputs":"a","stream":false,"parameters":{"details":false,"stop":[],"max_new_tokens":3}})") ==
        R"({"max_new_tokens":3})");
}

TEST_CASE("tasks: what is missing or not known is named") {
  for (const auto& [task, body] :
       {std::pair("fill-mask", "{}"), std::pair("fill-mask", "[]"), std::pair("fill-mask", R"({"inputs":3})"),
        std::pair("question-answering", R"({"inputs":"a"})"),
        std::pair("zero-shot-classification", R"({"inputs":"a"})"),
        std::pair("table-question-answering", R"({"inputs":{"query":"a"}})")})
    CHECK(refusal(task, body).code() == Code::bad_input);
  const auto unused =
      refusal("text2text-generation", R"({"inputs":"a","parameters":{"watermark":true,"details":true}})");
  CHECK(unused.code() == Code::unsupported);
  CHECK(contains(unused.message(), "The following `model_kwargs` are not used by the model: ['details', 'watermark']"));
  std::string many = "[\"a\"";
  for (int i = 0; i < 2000; ++i) many += ",\"a\"";
  CHECK(contains(refusal("fill-mask", cat("{\"inputs\":", many, "]}")).message(), "takes up to 1024"));
}

TEST_CASE("tasks: text generation takes TGI's parameters and asks for a draw when one of them needs it") {
  const auto parse = [](std::string_view body) {
    return parse_text_generation_call(json(body), {.max_input_tokens = 9, .max_total_tokens = 10});
  };
  CHECK_FALSE(parse(R"({"inputs":"a","parameters":{"best_of":1,"watermark":false,"seed":3}})")->do_sample);
  CHECK(parse(R"({"inputs":"a","parameters":{"top_p":0.5}})")->do_sample);
  CHECK(parse(R"({"inputs":"a","parameters":{"grammar":{"type":"regex","value":"a+"}}})")->form.text == "a+");
  CHECK(parse(R"({"inputs":"a","parameters":{"watermark":true}})").status().code() == Code::unsupported);
  CHECK(parse(R"({"inputs":"a"})")->do_sample);
  CHECK_FALSE(parse(R"({"inputs":"a","parameters":{}})")->do_sample);
  for (const auto* wrong :
       {R"({"inputs":"a","parameters":{"top_k":0}})", R"({"inputs":["a"]})",
        R"({"inputs":"a","parameters":{"stop":"x"}})", R"({"inputs":"a","parameters":{"frequency_penalty":3}})"})
    CHECK(parse(wrong).status().message().starts_with("Input validation error: "));
}

TEST_CASE("tasks: vectors are f32 as short as they read back, or their bytes") {
  EmbeddingCall call{.is_list = false};
  CHECK(vectors_json({{0.1F, -2}}, call) == "[0.1,-2]");
  call = {.is_list = true, .base64 = true};
  CHECK(vectors_json({{1}}, call) == "[\"AACAPw==\"]");  // 00 00 80 3f
  CHECK(parse_openai_embedding_call(json(R"({"input":[1,2]})")).status().code() == Code::unsupported);
  CHECK(parse_feature_call(json(R"({"inputs":"a","dimensions":0})")).status().code() == Code::bad_input);
}
