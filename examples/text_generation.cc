// AutoModelForCausalLM and AutoTokenizer continue a text: text_generation MODEL TEXT.
#include "transformers/text_generation.h"
#include "example.h"

using namespace hearth;

int main(int, char** argv) {
  const auto pipeline = must(TextGenerationPipeline::from_pretrained(argv[1]));
  Session session(pipeline.model());
  auto config = pipeline.generation_config();
  config.max_new_tokens = 12;
  config.do_sample = false;
  print(must(pipeline.generate(session, must(pipeline.encode(argv[2])), config)).text);
}
