// text-classification: which label a text, or a pair of texts, has.
// Source: transformers 5.23.0 pipelines/text_classification.py.
#include <algorithm>

#include "base/text.h"
#include "transformers/pipeline_parts.h"

namespace hearth::transformers::pipelines {
namespace {

/// A text; {"text", "text_pair"}; or [[text, text_pair]].
Result<EncodeInput> read_input(const Json& item) {
  if (item.is_string()) return EncodeInput{.text = {.text = item.as_string()}};
  const auto& pair_text = item["text_pair"];
  const bool is_known = std::ranges::all_of(
      item.object(), [](const Json::Member& m) { return m.first == "text" || m.first == "text_pair"; });
  if (item["text"].is_string() && is_known && (pair_text.is_null() || pair_text.is_string())) {
    EncodeInput out{.text = {.text = item["text"].as_string()}};
    if (pair_text.is_string()) out.pair = TextInput{.text = pair_text.as_string()};
    return out;
  }
  if (item.is_array() && item.size() == 1 && item.array()[0].size() == 2) {
    const auto& pair = item.array()[0].array();
    if (pair.size() == 2 && pair[0].is_string() && pair[1].is_string())
      return EncodeInput{.text = {.text = pair[0].as_string()}, .pair = TextInput{.text = pair[1].as_string()}};
  }
  return Status(Code::bad_input,
                cat("the inputs are no text, no {\"text\", \"text_pair\"} and no list of such: there is ",
                    item.dump().substr(0, 80)));
}

class TextClassification final : public Pipeline {
 public:
  explicit TextClassification(TextReader reader) : reader_(std::move(reader)) {}
  const PreTrainedModel& model() const override { return *reader_.model; }

 private:
  /// What the model's configuration asks for.
  std::string default_function() const {
    const auto& config = model().config();
    const auto problem = config.raw["problem_type"].as_string();
    if (problem == "regression") return "none";
    return problem == "multi_label_classification" || config.num_labels == 1 ? "sigmoid" : "softmax";
  }

  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    const auto* top_k = parameters.find("top_k");
    const auto count = parameters.integer("top_k", std::max<int64_t>(model().config().num_labels, 1), 0);
    const auto function = parameters.choice("function_to_apply", default_function(), {"sigmoid", "softmax", "none"});
    const auto call = tokenizer_options(parameters);
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    const auto asked = TRY(PipelineInputs::from(inputs));
    std::vector<EncodeInput> texts;
    for (const auto* item : asked.items) texts.push_back(TRY(read_input(*item)));
    const auto encodings = TRY(reader_.tokenizer(texts, call)).encodings;
    Json::Array out(texts.size());
    const auto judge = [&](size_t i, std::span<const std::span<const float>> values) {
      std::vector<float> scores(values[0].begin(), values[0].end());
      if (function == "softmax") softmax_in_place(scores);
      if (function == "sigmoid") std::ranges::transform(scores, scores.begin(), sigmoid);
      Json::Array row;
      for (const auto label : top_of(scores, top_k ? count : 1))
        row.push_back(Json::Object{{"label", reader_.label(label)}, {"score", double{scores[label]}}});
      out[i] = top_k ? Json(std::move(row)) : std::move(row.front());
    };
    TRY(reader_.run(encodings, passes, {&ModelOutput::logits}, judge));
    // One text alone is answered by a list, one pair alone is not.
    if (inputs.is_string() && !top_k) return Json(std::move(out));
    return asked.answer(std::move(out));
  }

  TextReader reader_;
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  return std::make_unique<TextClassification>(TRY(TextReader::from(Task::sequence_classification, path, options)));
}

}  // namespace

extern constinit const PipelineTask text_classification_entry{
    .tasks = {"text-classification"},
    .aliases = {{"sentiment-analysis", "text-classification"}},
    .heads = {Task::sequence_classification},
    .build = build};

}  // namespace hearth::transformers::pipelines
