// pipeline("text-classification"): classification MODEL TEXT.
#include "example.h"
#include "transformers/pipeline.h"

using namespace hearth;

int main(int, char** argv) {
  const auto classifier = must(pipeline("text-classification", argv[1]));
  print(must((*classifier)(argv[2])).dump());
}
