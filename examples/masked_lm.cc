// AutoModelForMaskedLM: the likeliest word behind each mask: masked_lm MODEL "The cat [MASK] down."
#include "example.h"
#include "tokenizers/auto_tokenizer.h"
#include "transformers/auto.h"

using namespace hearth;

int main(int, char** argv) {
  const auto tokenizer = must(AutoTokenizer::from_pretrained(argv[1]));
  const auto model = must(AutoModel::from_pretrained(Task::masked_lm, argv[1]));
  const auto ids = must(tokenizer.encode(argv[2]));
  const auto mask = tokenizer.convert_tokens_to_ids(*tokenizer.special_token("mask_token"));
  const auto logits =
      must(model->forward(
               {.batch = 1, .length = static_cast<int64_t>(ids.size()), .input_ids = {ids.begin(), ids.end()}}))
          .logits;
  for (size_t i = 0; i < ids.size(); ++i)
    if (ids[i] == mask) {
      const TokenId best = static_cast<TokenId>(argmax(to_vector(logits.narrow(0, static_cast<int64_t>(i), 1))));
      print(tokenizer.decode({&best, 1}));
    }
}
