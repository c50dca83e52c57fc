// GenerationConfig: the same seed draws the same answers as Python's: generation_config MODEL TEXT.
#include "example.h"
#include "tokenizers/auto_tokenizer.h"
#include "transformers/auto.h"
#include "transformers/generate.h"

using namespace hearth;

int main(int, char** argv) {
  const auto tokenizer = must(AutoTokenizer::from_pretrained(argv[1]));
  const auto model = must(AutoModelForCausalLM::from_pretrained(argv[1], {.backend = "aten"}));
  const auto ids = must(tokenizer.encode(argv[2]));
  auto config = must(GenerationConfig::from_pretrained(argv[1], model->config()));
  config.max_new_tokens = 8;
  config.do_sample = true;
  config.top_p = 0.9;
  config.temperature = 0.8;
  config.num_return_sequences = 2;
  config.seed = 7;
  const ModelInputs inputs{
      .batch = 1, .length = static_cast<int64_t>(ids.size()), .input_ids = {ids.begin(), ids.end()}};
  for (const auto& row : must(generate(*model, inputs, config)).sequences)
    print(tokenizer.decode({row.begin(), row.end()}));
}
