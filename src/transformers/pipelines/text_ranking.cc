// text-ranking: which texts answer a question best, by a model that reads both together.
// Source: sentence-transformers 5 cross_encoder/CrossEncoder.py rank().
#include <algorithm>

#include "base/text.h"
#include "transformers/pipeline_parts.h"
#include "transformers/sentence_transformer.h"

namespace hearth::transformers::pipelines {
namespace {

class TextRanking final : public Pipeline {
 public:
  explicit TextRanking(CrossEncoder encoder) : encoder_(std::move(encoder)) {}
  const PreTrainedModel& model() const override { return encoder_.model(); }

 private:
  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    const auto top_k = parameters.integer("top_k", 1 << 30, 1);
    const bool has_text = parameters.flag("return_documents", false);
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    const auto& documents = inputs["documents"];
    const bool is_right = inputs.size() == 2 && inputs["query"].is_string() && documents.is_array() &&
                          std::ranges::all_of(documents.array(), &Json::is_string);
    if (!is_right)
      return Status(Code::bad_input, cat("the inputs are no {\"query\": a text, \"documents\": [texts]}: ",
                                         inputs.dump().substr(0, 80)));
    if (documents.array().empty()) return Status(Code::bad_input, "an empty list of documents");
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& text : documents.array()) pairs.emplace_back(inputs["query"].as_string(), text.as_string());
    if (stop.stop_requested()) return Status(Code::cancelled, "stopped");
    std::vector<float> scores;
    for (const auto& row : TRY(encoder_.predict(pairs, passes.batch_size))) {
      if (row.size() != 1)
        return Status(Code::bad_input, cat("the model gives ", row.size(), " scores; ranking asks for one label"));
      scores.push_back(row[0]);
    }
    Json::Array out;
    for (const auto i : top_of(scores, top_k)) {
      Json one(Json::Object{{"corpus_id", i}, {"score", double{scores[i]}}});
      if (has_text) one.set("text", pairs[i].second);
      out.push_back(std::move(one));
    }
    return out;
  }

  CrossEncoder encoder_;
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  return std::make_unique<TextRanking>(TRY(CrossEncoder::from_pretrained(path, options)));
}

}  // namespace

extern constinit const PipelineTask text_ranking_entry{.tasks = {"text-ranking"}, .build = build};

}  // namespace hearth::transformers::pipelines
