// sentence-similarity: how near sentences are to another, as cosines of their vectors.
// Source: huggingface_hub 2.4.0 inference/_generated/types/sentence_similarity.py; sentence-transformers 5
// util.cos_sim.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "transformers/pipeline_parts.h"
#include "transformers/sentence_transformer.h"

namespace hearth::transformers::pipelines {
namespace {

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, a_square = 0, b_square = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * b[i];
    a_square += double{a[i]} * a[i];
    b_square += double{b[i]} * b[i];
  }
  return product / (std::max(std::sqrt(a_square), 1e-12) * std::max(std::sqrt(b_square), 1e-12));
}

class SentenceSimilarity final : public Pipeline {
 public:
  explicit SentenceSimilarity(SentenceTransformer encoder) : encoder_(std::move(encoder)) {}
  const PreTrainedModel& model() const override { return encoder_.model(); }

 private:
  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    SentenceEncodeOptions options{.prompt_name = parameters.text("prompt_name", "")};
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    options.batch_size = passes.batch_size;
    const auto& sentences = inputs["sentences"];
    const bool is_right = inputs.size() == 2 && inputs["source_sentence"].is_string() && sentences.is_array() &&
                          std::ranges::all_of(sentences.array(), &Json::is_string);
    if (!is_right)
      return Status(Code::bad_input, cat("the inputs are no {\"source_sentence\": a text, \"sentences\": [texts]}: ",
                                         inputs.dump().substr(0, 80)));
    if (sentences.array().empty()) return Status(Code::bad_input, "an empty list of sentences");
    std::vector<std::string> texts{std::string(inputs["source_sentence"].as_string())};
    for (const auto& sentence : sentences.array()) texts.emplace_back(sentence.as_string());
    if (stop.stop_requested()) return Status(Code::cancelled, "stopped");
    const auto vectors = TRY(encoder_.encode(texts, options));
    Json::Array out;
    for (size_t i = 1; i < vectors.size(); ++i) out.emplace_back(cosine(vectors[0], vectors[i]));
    return out;
  }

  SentenceTransformer encoder_;
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  return std::make_unique<SentenceSimilarity>(TRY(SentenceTransformer::from_pretrained(path, options)));
}

}  // namespace

extern constinit const PipelineTask sentence_similarity_entry{.tasks = {"sentence-similarity"}, .build = build};

}  // namespace hearth::transformers::pipelines
