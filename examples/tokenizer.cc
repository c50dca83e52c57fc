// AutoTokenizer: a text to ids and back: tokenizer MODEL TEXT.
#include "example.h"
#include "tokenizers/auto_tokenizer.h"

using namespace hearth;

int main(int, char** argv) {
  const auto tokenizer = must(AutoTokenizer::from_pretrained(argv[1]));
  const EncodeInput input{.text = {.text = argv[2]}};
  print(must(tokenizer({&input, 1})).to_json(/*batched=*/false).dump());
  print(tokenizer.decode(must(tokenizer.encode(argv[2])), /*skip_special_tokens=*/true));
}
