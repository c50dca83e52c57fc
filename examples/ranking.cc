// CrossEncoder: how well each text answers the first: ranking MODEL QUESTION TEXT...
#include "example.h"
#include "transformers/sentence_transformer.h"

using namespace hearth;

int main(int argc, char** argv) {
  const auto model = must(CrossEncoder::from_pretrained(argv[1]));
  std::vector<std::pair<std::string, std::string>> pairs;
  for (int i = 3; i < argc; ++i) pairs.emplace_back(argv[2], argv[i]);
  const auto scores = must(model.predict(pairs));
  for (size_t i = 0; i < pairs.size(); ++i) {
    for (const float score : scores[i]) std::printf("%.5f  ", score);
    print(pairs[i].second);
  }
}
