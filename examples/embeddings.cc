// SentenceTransformer: how alike the first text is to the others: embeddings MODEL TEXT TEXT...
#include <numeric>

#include "example.h"
#include "transformers/sentence_transformer.h"

using namespace hearth;

int main(int argc, char** argv) {
  const auto model = must(SentenceTransformer::from_pretrained(argv[1]));
  const std::vector<std::string> texts(argv + 2, argv + argc);
  const auto vectors = must(model.encode(texts, {.normalize_embeddings = true}));
  for (size_t i = 1; i < texts.size(); ++i)
    std::printf("%.5f  %s\n", std::inner_product(vectors[0].begin(), vectors[0].end(), vectors[i].begin(), 0.0),
                texts[i].c_str());
}
