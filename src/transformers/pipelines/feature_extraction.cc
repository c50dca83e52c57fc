// feature-extraction: a model's first output for a text, token by token.
// Source: transformers 5.23.0 pipelines/feature_extraction.py.
// Differs: T5's decoder reads the text, shifted by one, as BART's does; Python refuses T5Model here because it gives
// its decoder nothing to read.
#include "base/text.h"
#include "transformers/pipeline_parts.h"

namespace hearth::transformers::pipelines {
namespace {

/// [rows, width] as the nested list of a batch of one.
Json nested(std::span<const float> values, size_t rows) {
  Json::Array list;
  const auto width = values.size() / rows;
  for (size_t i = 0; i < rows; ++i) {
    Json::Array row;
    row.reserve(width);
    for (const float value : values.subspan(i * width, width)) row.emplace_back(double{value});
    list.emplace_back(std::move(row));
  }
  return Json::Array{Json(std::move(list))};
}

class FeatureExtraction final : public Pipeline {
 public:
  explicit FeatureExtraction(TextReader reader) : reader_(std::move(reader)) {}
  const PreTrainedModel& model() const override { return *reader_.model; }

 private:
  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    const auto call = nested_tokenizer_options(parameters, "tokenize_kwargs", /*also=*/{"truncation"});
    parameters.flag("return_tensors", false);  // JSON has lists alone
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    const auto asked = TRY(PipelineInputs::texts(inputs));
    std::vector<EncodeInput> texts;
    for (const auto* item : asked.items) texts.push_back({.text = {.text = item->as_string()}});
    const auto encodings = TRY(reader_.tokenizer(texts, call)).encodings;
    Json::Array out(texts.size());
    TRY(reader_.run(encodings, passes, {&ModelOutput::last_hidden_state},
                    [&](size_t i, std::span<const std::span<const float>> values) {
                      out[i] = nested(values[0], encodings[i].size());
                    }));
    return asked.answer(std::move(out));
  }

  TextReader reader_;
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  return std::make_unique<FeatureExtraction>(TRY(TextReader::from(Task::base, path, options)));
}

}  // namespace

extern constinit const PipelineTask feature_extraction_entry{
    .tasks = {"feature-extraction"}, .heads = {Task::base}, .build = build};

}  // namespace hearth::transformers::pipelines
