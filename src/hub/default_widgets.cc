// What a model's widget offers to try when its card names nothing.
// Source: @huggingface/tasks 0.21.46 src/default-widget-inputs.ts (MAPPING_EN).
#include "hub/tasks.h"

namespace hearth::hub {
namespace {

struct Widget {
  std::string_view task, examples;  // JSON
};
constexpr Widget kWidgets[] = {
    {"text-classification", R"([{"text":"I like you. I love you"}])"},
    {"token-classification", R"([{"text":"My name is Wolfgang and I live in Berlin"},
       {"text":"My name is Sarah and I live in London"},
       {"text":"My name is Clara and I live in Berkeley, California."}])"},
    {"table-question-answering", R"([{"text":"How many stars does the transformers repository have?",
       "table":{"Repository":["Transformers","Datasets","Tokenizers"],"Stars":[36542,4512,3934],
       "Contributors":[651,77,34],"Programming language":["Python","Python","Rust, Python and NodeJS"]}}])"},
    {"question-answering", R"([{"text":"Where do I live?","context":"My name is Wolfgang and I live in Berlin"},
       {"text":"Where do I live?","context":"My name is Sarah and I live in London"},
       {"text":"What's my name?","context":"My name is Clara and I live in Berkeley."}])"},
    {"zero-shot-classification", R"([{"text":"I have a problem with my iphone that needs to be resolved asap!",
       "candidate_labels":"urgent, not urgent, phone, tablet, computer","multi_class":true},
       {"text":"Last week I upgraded my iOS version and ever since then my phone has been overheating whenever I use your app.",
       "candidate_labels":"mobile, website, billing, account access","multi_class":false}])"},
    {"translation", R"([{"text":"My name is Wolfgang and I live in Berlin"},
       {"text":"My name is Sarah and I live in London"}])"},
    {"summarization",
     R"([{"text":"The tower is 324 metres (1,063 ft) tall, about the same height as an 81-storey building, and the tallest structure in Paris. Its base is square, measuring 125 metres (410 ft) on each side."}])"},
    {"text-generation", R"([{"text":"My name is Julien and I like to"},{"text":"I like traveling by train because"},
       {"text":"Paris is an amazing place to visit,"},{"text":"Once upon a time,"}])"},
    {"text2text-generation", R"([{"text":"My name is Julien and I like to"}])"},
    {"fill-mask", R"([{"text":"Paris is the <mask> of France."},{"text":"The goal of life is <mask>."}])"},
    {"feature-extraction", R"([{"text":"My name is Wolfgang and I live in Berlin"}])"},
    {"sentence-similarity", R"([{"source_sentence":"That is a happy person",
       "sentences":["That is a happy dog","That is a very happy person","Today is a sunny day"]}])"},
    {"text-ranking", R"([{"source_sentence":"That is a happy person",
       "sentences":["That is a happy dog","That is a very happy person","Today is a sunny day"]}])"},
};

}  // namespace

Json default_widget(std::string_view task) {
  for (const auto& widget : kWidgets)
    if (widget.task == task) return Json::parse(widget.examples).value_or({});
  return {};
}

}  // namespace hearth::hub
