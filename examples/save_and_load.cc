// save_pretrained and from_pretrained: a checkpoint written anew in bf16 and loaded again: save_and_load MODEL TO.
#include "example.h"
#include "transformers/auto.h"
#include "transformers/save_pretrained.h"

using namespace hearth;

int main(int, char** argv) {
  must(save_pretrained(argv[1], argv[2], {.dtype = DType::bf16, .max_shard_bytes = 20'000}));
  const auto model = must(AutoModelForCausalLM::from_pretrained(argv[2]));
  print(model->config().model_type);
}
