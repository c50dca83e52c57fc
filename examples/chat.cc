// A conversation through the model's chat template, written as it is made: chat MODEL QUESTION.
#include "example.h"
#include "transformers/text_generation.h"

using namespace hearth;

int main(int, char** argv) {
  const auto pipeline = must(TextGenerationPipeline::from_pretrained(argv[1], {.numerics = Numerics::exact}));
  const Json message(Json::Object{{"role", "user"}, {"content", argv[2]}});
  const auto prompt = must(pipeline.encode_chat({.messages = Json::Array{message}, .add_generation_prompt = true}));
  Session session(pipeline.model());
  auto config = pipeline.generation_config();
  config.max_new_tokens = 16;
  config.do_sample = false;
  const auto show = [](std::string_view piece) { return std::fwrite(piece.data(), 1, piece.size(), stdout) > 0; };
  must(pipeline.generate(session, prompt, config, show));
  print("");
}
