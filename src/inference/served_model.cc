#include "inference/served_model.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "transformers/text_model.h"

namespace hearth::inference {
namespace {

// Done by this room itself, whatever pipelines there are.
constexpr std::string_view kOwnTasks[] = {"text-generation", "feature-extraction", "sentence-similarity",
                                          "text-ranking"};

// Loaded at once: translation has a task for each pair of languages.
constexpr size_t kPipelinesMax = 4;

bool is_own(std::string_view task) {
  return std::ranges::find(kOwnTasks, task) != std::end(kOwnTasks);
}

/// What `architectures` names, or a family that has no other head, continues texts; so do GGUF files.
Result<bool> continues_text(const std::string& path) {
  const auto folder = model_folder(path);
  if (folder != path || !exists(path_join(folder, "config.json"))) return true;
  const auto config = TRY(Config::from_pretrained(folder));
  const auto* family = TRY(family_of(config.model_type));
  const auto named = config.architectures.empty() ? std::string() : config.architectures.front();
  const bool is_known =
      std::ranges::any_of(family->heads, [&](const HeadRow& row) { return named == row.architecture; });
  return std::ranges::any_of(family->heads, [&](const HeadRow& row) {
    return row.task == Task::causal_lm && (!is_known || named == row.architecture);
  });
}

}  // namespace

Result<std::unique_ptr<ServedModel>> ServedModel::open(std::string path, LoadOptions options,
                                                       EngineOptions engine_options) {
  const bool continues = TRY(inference::continues_text(path));
  return std::unique_ptr<ServedModel>(new ServedModel(std::move(path), std::move(options), engine_options, continues));
}

bool ServedModel::is_sentence_model() const {
  return exists(path_join(model_folder(path_), "modules.json"));
}

Result<std::string> ServedModel::task(std::string_view asked) const {
  if (asked == "conversational") asked = "text-generation";
  if (asked.empty()) {
    if (continues_text_) return std::string("text-generation");
    auto own = default_task(path_);
    if (!own.ok() && is_sentence_model()) return std::string("sentence-similarity");
    return own;
  }
  if (is_own(asked)) return std::string(asked);
  auto known = pipeline_task(asked);
  if (!known.ok()) return Status(Code::not_found, std::move(known).status().message());
  return known;
}

Result<Decoder*> ServedModel::decoder() {
  if (!continues_text_)
    return Status(Code::bad_input, cat("this model does not continue texts: it is made for ",
                                       task({}).value_or("another task"), ", POST /models/MODEL asks for that"));
  return decoder_.get([&]() -> Result<std::unique_ptr<Decoder>> {
    return std::make_unique<Decoder>(TRY(TextGenerationPipeline::from_pretrained(path_, options_)), engine_options_);
  });
}

Result<std::shared_ptr<const Pipeline>> ServedModel::pipeline(const std::string& task) {
  std::lock_guard lock(pipelines_mutex_);
  const auto found = std::ranges::find(pipelines_, task, [](const auto& made) { return made->task(); });
  if (found != pipelines_.end()) {
    pipelines_.splice(pipelines_.begin(), pipelines_, found);
  } else {
    pipelines_.push_front(TRY(hearth::pipeline(task, path_, options_)));
    if (pipelines_.size() > kPipelinesMax) pipelines_.pop_back();
  }
  return pipelines_.front();
}

Result<const Embedder*> ServedModel::embedder() {
  return TRY(embedder_.get([&]() -> Result<std::unique_ptr<Embedder>> {
    const auto folder = model_folder(path_);
    return std::make_unique<Embedder>(Embedder{TRY(SentenceTransformer::from_pretrained(folder, options_)),
                                               TRY(AutoTokenizer::from_pretrained(folder))});
  }));
}

Result<const CrossEncoder*> ServedModel::ranker() {
  return TRY(ranker_.get([&]() -> Result<std::unique_ptr<CrossEncoder>> {
    return std::make_unique<CrossEncoder>(TRY(CrossEncoder::from_pretrained(model_folder(path_), options_)));
  }));
}

}  // namespace hearth::inference
