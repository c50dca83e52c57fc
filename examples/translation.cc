// AutoModelForSeq2SeqLM, as pipeline("translation") uses it: translation MODEL TEXT.
#include "example.h"
#include "transformers/text2text_generation.h"

using namespace hearth;

int main(int, char** argv) {
  const auto translator = must(Text2TextGenerationPipeline::from_pretrained(argv[1]));
  auto config = translator.generation_config();
  config.max_new_tokens = 12;
  config.num_beams = 4;
  const std::string text = argv[2];
  for (const auto& answer : must(translator({&text, 1}, config))) print(answer);
}
