#include "hub/tasks.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr Task kTasks[] = {
    {"any-to-any", "Any-to-Any", "multimodal"},
    {"audio-classification", "Audio Classification", "audio"},
    {"audio-text-to-text", "Audio-Text-to-Text", "multimodal"},
    {"audio-to-audio", "Audio-to-Audio", "audio"},
    {"automatic-speech-recognition", "Automatic Speech Recognition", "audio"},
    {"depth-estimation", "Depth Estimation", "cv"},
    {"document-question-answering", "Document Question Answering", "multimodal"},
    {"feature-extraction", "Feature Extraction", "nlp"},
    {"fill-mask", "Fill-Mask", "nlp"},
    {"graph-ml", "Graph Machine Learning", "other"},
    {"image-classification", "Image Classification", "cv"},
    {"image-feature-extraction", "Image Feature Extraction", "cv"},
    {"image-segmentation", "Image Segmentation", "cv"},
    {"image-text-to-image", "Image-Text-to-Image", "multimodal"},
    {"image-text-to-text", "Image-Text-to-Text", "multimodal"},
    {"image-text-to-video", "Image-Text-to-Video", "multimodal"},
    {"image-to-3d", "Image-to-3D", "cv"},
    {"image-to-image", "Image-to-Image", "cv"},
    {"image-to-text", "Image-to-Text", "cv"},
    {"image-to-video", "Image-to-Video", "cv"},
    {"keypoint-detection", "Keypoint Detection", "cv"},
    {"mask-generation", "Mask Generation", "cv"},
    {"multiple-choice", "Multiple Choice", "nlp"},
    {"object-detection", "Object Detection", "cv"},
    {"other", "Other", "other"},
    {"question-answering", "Question Answering", "nlp"},
    {"reinforcement-learning", "Reinforcement Learning", "rl"},
    {"robotics", "Robotics", "rl"},
    {"sentence-similarity", "Sentence Similarity", "nlp"},
    {"summarization", "Summarization", "nlp"},
    {"table-question-answering", "Table Question Answering", "nlp"},
    {"table-to-text", "Table to Text", "nlp"},
    {"tabular-classification", "Tabular Classification", "tabular"},
    {"tabular-regression", "Tabular Regression", "tabular"},
    {"tabular-to-text", "Tabular to Text", "tabular"},
    {"text-classification", "Text Classification", "nlp"},
    {"text-generation", "Text Generation", "nlp"},
    {"text-ranking", "Text Ranking", "nlp"},
    {"text-retrieval", "Text Retrieval", "nlp"},
    {"text-to-3d", "Text-to-3D", "cv"},
    {"text-to-audio", "Text-to-Audio", "audio"},
    {"text-to-image", "Text-to-Image", "cv"},
    {"text-to-speech", "Text-to-Speech", "audio"},
    {"text-to-video", "Text-to-Video", "cv"},
    {"text2text-generation", "Text2Text Generation", "nlp"},
    {"time-series-forecasting", "Time Series Forecasting", "tabular"},
    {"token-classification", "Token Classification", "nlp"},
    {"translation", "Translation", "nlp"},
    {"unconditional-image-generation", "Unconditional Image Generation", "cv"},
    {"video-classification", "Video Classification", "cv"},
    {"video-text-to-text", "Video-Text-to-Text", "multimodal"},
    {"video-to-video", "Video-to-Video", "cv"},
    {"visual-document-retrieval", "Visual Document Retrieval", "multimodal"},
    {"visual-question-answering", "Visual Question Answering", "multimodal"},
    {"voice-activity-detection", "Voice Activity Detection", "audio"},
    {"zero-shot-classification", "Zero-Shot Classification", "nlp"},
    {"zero-shot-image-classification", "Zero-Shot Image Classification", "cv"},
    {"zero-shot-object-detection", "Zero-Shot Object Detection", "cv"},
};

// Source: huggingface.js packages/tasks/src/model-libraries.ts, the file formats that count as libraries among them.
constexpr std::string_view kLibraries[] = {"adapter-transformers",
                                           "allennlp",
                                           "asteroid",
                                           "bertopic",
                                           "coreml",
                                           "diffusers",
                                           "espnet",
                                           "fairseq",
                                           "fastai",
                                           "fasttext",
                                           "flair",
                                           "gguf",
                                           "jax",
                                           "joblib",
                                           "keras",
                                           "keras-hub",
                                           "mlx",
                                           "ml-agents",
                                           "nemo",
                                           "onnx",
                                           "open_clip",
                                           "openvino",
                                           "paddlepaddle",
                                           "paddlenlp",
                                           "peft",
                                           "pyannote-audio",
                                           "pytorch",
                                           "rust",
                                           "safetensors",
                                           "sample-factory",
                                           "sentence-transformers",
                                           "setfit",
                                           "sklearn",
                                           "spacy",
                                           "span-marker",
                                           "speechbrain",
                                           "stable-baselines3",
                                           "stanza",
                                           "tensorboard",
                                           "tf",
                                           "tf-keras",
                                           "tflite",
                                           "timm",
                                           "transformers",
                                           "transformers.js",
                                           "unity-sentis",
                                           "unsloth",
                                           "vllm"};

// ISO 639-1, two letters each.
constexpr std::string_view kLanguages =
    "aaabaeafakamanarasavayazbabebgbhbibmbnbobrbscacechcocrcscucvcydadedvdzeeeleneoeseteufafffifjfofrfygagdglgngugvhahe"
    "hihohrhthuhyhziaidieigiiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkylalblglilnloltlulvmgmhmimkmlmnmrmsmtmynanbndne"
    "ngnlnnnonrnvnyocojomorospapiplpsptqurmrnrorurwsascsdsesgsiskslsmsnsosqsrssstsusvswtatetgthtitktltntotrtstttwtyuguk"
    "ur"
    "uzvevivowawoxhyiyozazhzu";

bool is_language(std::string_view tag) {
  if (tag == "multilingual" || tag == "code") return true;
  if (tag.size() != 2) return false;
  for (size_t i = 0; i + 1 < kLanguages.size(); i += 2)
    if (kLanguages.substr(i, 2) == tag) return true;
  return false;
}

}  // namespace

std::span<const Task> tasks() {
  return kTasks;
}

const Task* find_task(std::string_view id) {
  const auto found = std::lower_bound(std::begin(kTasks), std::end(kTasks), id,
                                      [](const Task& task, std::string_view wanted) { return task.id < wanted; });
  return found != std::end(kTasks) && found->id == id ? found : nullptr;
}

TagType tag_type(RepoKind kind, std::string_view tag) {
  constexpr std::string_view of_models[] = {"license", "dataset", "region", "base_model", "arxiv", "diffusers"};
  constexpr std::string_view of_datasets[] = {"task_categories",
                                              "task_ids",
                                              "annotations_creators",
                                              "language_creators",
                                              "multilinguality",
                                              "source_datasets",
                                              "language",
                                              "license",
                                              "size_categories",
                                              "format",
                                              "modality",
                                              "library",
                                              "benchmark",
                                              "region",
                                              "arxiv"};
  const auto colon = tag.find(':');
  if (colon != std::string_view::npos) {
    const auto before = tag.substr(0, colon);
    const auto label = std::string(tag.substr(colon + 1));
    const bool known = kind == RepoKind::dataset
                           ? std::find(std::begin(of_datasets), std::end(of_datasets), before) != std::end(of_datasets)
                           : std::find(std::begin(of_models), std::end(of_models), before) != std::end(of_models);
    if (known) return {before, label};
    return {"other", std::string(tag)};
  }
  if (kind == RepoKind::dataset) return {"other", std::string(tag)};
  if (const auto* task = find_task(tag)) return {"pipeline_tag", std::string(task->label)};
  if (std::find(std::begin(kLibraries), std::end(kLibraries), tag) != std::end(kLibraries))
    return {"library", std::string(tag)};
  if (is_language(tag)) return {"language", std::string(tag)};
  return {"other", std::string(tag)};
}

}  // namespace hearth::hub
