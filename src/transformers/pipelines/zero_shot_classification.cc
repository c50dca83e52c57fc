// zero-shot-classification: labels that are named with the text, each judged as a sentence that the text implies.
// Source: transformers 5.23.0 pipelines/zero_shot_classification.py.
#include <algorithm>

#include "base/text.h"
#include "transformers/pipeline_parts.h"

namespace hearth::transformers::pipelines {
namespace {

/// Python's template.format(label): "{}" or "{0}" is the label, doubled braces are braces. bad_input when it has no
/// place for the label.
Result<std::string> hypothesis(std::string_view text, std::string_view label) {
  std::string out;
  int places = 0, unnamed = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto rest = text.substr(i);
    if (rest.starts_with("{{") || rest.starts_with("}}")) {
      out += text[i++];
    } else if (rest.starts_with("{}") || rest.starts_with("{0}")) {
      const bool is_unnamed = rest[1] == '}';
      out += label;
      unnamed += is_unnamed;
      ++places;
      i += is_unnamed ? 1 : 2;
    } else if (text[i] == '{' || text[i] == '}') {
      places = 0;
      break;
    } else {
      out += text[i];
    }
  }
  if (places == 0 || unnamed > 1)
    return Status(Code::bad_input,
                  cat("the hypothesis_template \"", text, "\" has no place for a label: \"This example is {}.\""));
  return out;
}

/// A list, or one text with commas between.
std::vector<std::string> read_labels(PipelineParameters& parameters) {
  const auto* given = parameters.find("candidate_labels");
  if (!given || !given->is_string()) return parameters.texts("candidate_labels", "a text or a list of texts");
  std::vector<std::string> out;
  for (const auto part : split(given->as_string(), ','))
    if (const auto label = trim(part); !label.empty()) out.emplace_back(label);
  return out;
}

class ZeroShotClassification final : public Pipeline {
 public:
  explicit ZeroShotClassification(TextReader reader) : reader_(std::move(reader)) {
    const auto& raw = model().config().raw;
    labels_ = model().config().num_labels;
    entailment_ = labels_ - 1;
    for (const auto& [label, id] : raw["label2id"].object()) {
      if (!to_lower_ascii(label).starts_with("entail") || id.as_int(-1) < 0 || id.as_int() >= labels_) continue;
      entailment_ = id.as_int();
      has_entailment_ = true;
      break;
    }
  }
  const PreTrainedModel& model() const override { return *reader_.model; }

 private:
  /// The text alone is cut, where the model's limit asks for it; not where it is shorter than what must go.
  Result<Encoding> encode(const EncodeInput& input) const {
    auto made = reader_.tokenizer({&input, 1}, {.truncation = Truncate::only_first});
    if (!made.ok()) made = reader_.tokenizer({&input, 1}, {.truncation = Truncate::do_not_truncate});
    if (!made.ok()) return std::move(made).status();
    return std::move(made->encodings.front());
  }

  Json rank(std::string_view text, const std::vector<std::string>& labels, std::vector<float> scores) const {
    Json::Array names, numbers;
    std::vector<size_t> order(labels.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = order.size() - 1 - i;  // of equal ones, the last comes first
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    for (const auto i : order) {
      names.emplace_back(labels[i]);
      numbers.emplace_back(double{scores[i]});
    }
    return Json::Object{{"sequence", text}, {"labels", std::move(names)}, {"scores", std::move(numbers)}};
  }

  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    const auto labels = read_labels(parameters);
    const auto pattern = parameters.text("hypothesis_template", "This example is {}.");
    const bool is_multi_label = parameters.flag("multi_label", false) || labels.size() == 1;
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    if (labels.empty())
      return Status(Code::bad_input, "no candidate_labels: give a list, or words with commas between");
    std::vector<std::string> hypotheses;
    for (const auto& label : labels) hypotheses.push_back(TRY(hypothesis(pattern, label)));
    const auto asked = TRY(PipelineInputs::texts(inputs));
    std::vector<Encoding> encodings;
    for (const auto* item : asked.items) {
      if (item->as_string().empty()) return Status(Code::bad_input, "an empty text has no label");
      for (const auto& text : hypotheses)
        encodings.push_back(TRY(encode({.text = {.text = item->as_string()}, .pair = TextInput{.text = text}})));
    }
    std::vector<float> scores(encodings.size());
    const auto judge = [&](size_t i, std::span<const std::span<const float>> values) {
      const auto entails = values[0][static_cast<size_t>(entailment_)];
      // Against what the text contradicts: the first label, or the last where entailment is the first.
      const auto against = values[0][has_entailment_ && entailment_ == 0 ? values[0].size() - 1 : 0];
      scores[i] = is_multi_label ? sigmoid(entails - against) : entails;
    };
    TRY(reader_.run(encodings, passes, {&ModelOutput::logits}, judge));
    Json::Array out;
    for (size_t i = 0; i < asked.items.size(); ++i) {
      const auto begin = scores.begin() + static_cast<ptrdiff_t>(i * labels.size());
      std::vector<float> own(begin, begin + static_cast<ptrdiff_t>(labels.size()));
      if (!is_multi_label) softmax_in_place(own);
      out.push_back(rank(asked.items[i]->as_string(), labels, std::move(own)));
    }
    return asked.answer(std::move(out));
  }

  TextReader reader_;
  int64_t labels_ = 0, entailment_ = 0;
  bool has_entailment_ = false;  // else the last label stands for it
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  return std::make_unique<ZeroShotClassification>(TRY(TextReader::from(Task::sequence_classification, path, options)));
}

}  // namespace

extern constinit const PipelineTask zero_shot_classification_entry{.tasks = {"zero-shot-classification"},
                                                                   .build = build};

}  // namespace hearth::transformers::pipelines
