// What transformers makes of a model's config.json: its Auto class, task and processor.
// Source: transformers 5.23.0 models/auto/modeling_auto.py; huggingface.js packages/tasks for the tasks.
#include <algorithm>

#include "hub/index.h"

namespace hearth::hub {

Json transformers_info(const Json& config) {
  struct Row {
    std::string_view suffix, auto_model, pipeline_tag, processor;
  };
  // Source: transformers 5.23.0 models/auto/modeling_auto.py and the Hub's tasks.
  constexpr Row rows[] = {
      {"ForCausalLM", "AutoModelForCausalLM", "text-generation", "AutoTokenizer"},
      {"LMHeadModel", "AutoModelForCausalLM", "text-generation", "AutoTokenizer"},
      {"ForMaskedLM", "AutoModelForMaskedLM", "fill-mask", "AutoTokenizer"},
      {"ForSequenceClassification", "AutoModelForSequenceClassification", "text-classification", "AutoTokenizer"},
      {"ForTokenClassification", "AutoModelForTokenClassification", "token-classification", "AutoTokenizer"},
      {"ForQuestionAnswering", "AutoModelForQuestionAnswering", "question-answering", "AutoTokenizer"},
      {"ForSpeechSeq2Seq", "AutoModelForSpeechSeq2Seq", "automatic-speech-recognition", "AutoProcessor"},
      {"ForCTC", "AutoModelForCTC", "automatic-speech-recognition", "AutoProcessor"},
      {"ForImageClassification", "AutoModelForImageClassification", "image-classification", "AutoImageProcessor"},
      {"ForObjectDetection", "AutoModelForObjectDetection", "object-detection", "AutoImageProcessor"},
      {"ForSemanticSegmentation", "AutoModelForSemanticSegmentation", "image-segmentation", "AutoImageProcessor"},
      {"ForAudioClassification", "AutoModelForAudioClassification", "audio-classification", "AutoFeatureExtractor"},
      {"Model", "AutoModel", "feature-extraction", "AutoTokenizer"},
  };
  constexpr std::string_view seq2seq_types[] = {"t5",     "mt5",     "bart",    "mbart",
                                                "marian", "pegasus", "m2m_100", "blenderbot"};
  const auto& architectures = config["architectures"].array();
  if (architectures.empty()) return {};
  const auto architecture = architectures[0].as_string();
  const auto describe = [](std::string_view auto_model, std::string_view task, std::string_view processor) {
    return Json(Json::Object{{"auto_model", auto_model}, {"pipeline_tag", task}, {"processor", processor}});
  };
  if (architecture.ends_with("ForConditionalGeneration")) {
    const auto type = config["model_type"].as_string();
    if (type == "whisper")
      return describe("AutoModelForSpeechSeq2Seq", "automatic-speech-recognition", "AutoProcessor");
    if (std::find(std::begin(seq2seq_types), std::end(seq2seq_types), type) != std::end(seq2seq_types))
      return describe("AutoModelForSeq2SeqLM", type == "marian" ? "translation" : "text2text-generation",
                      "AutoTokenizer");
    return describe("AutoModelForImageTextToText", "image-text-to-text", "AutoProcessor");
  }
  for (const auto& row : rows)
    if (architecture.ends_with(row.suffix)) return describe(row.auto_model, row.pipeline_tag, row.processor);
  return {};
}

}  // namespace hearth::hub
