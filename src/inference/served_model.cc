#include "inference/served_model.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "inference/prefix_file.h"
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
                                                       EngineOptions engine_options, Telemetry* telemetry) {
  const bool continues = TRY(inference::continues_text(path));
  if (telemetry) engine_options.on_step = [telemetry](const StepReport& step) { telemetry->on_step(step); };
  return std::unique_ptr<ServedModel>(
      new ServedModel(std::move(path), std::move(options), engine_options, continues, telemetry));
}

TextBatcher::OnPass ServedModel::on_pass() const {
  if (!telemetry_) return {};
  return [to = telemetry_](int64_t texts, int64_t tokens) { to->on_pass(texts, tokens); };
}

int64_t ServedModel::waiting_texts() {
  int64_t out = 0;
  if (auto* one = embedder_.made()) out += one->vectors.waiting() + one->token_rows.waiting();
  if (auto* one = judge_.made()) out += one->logits.waiting();
  if (auto* one = sparse_.made()) out += one->vectors.waiting();
  return out;
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
    auto pipeline = TRY(TextGenerationPipeline::from_pretrained(path_, options_));
    const auto positions = pipeline.model().config().max_position_embeddings;
    if (telemetry_) telemetry_->set_limits(positions - 1, positions);
    auto options = engine_options_;
    if (!options.prefix_file.empty()) options.prefix_identity = TRY(model_identity(path_, pipeline.model()));
    return std::make_unique<Decoder>(std::move(pipeline), options);
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

Result<TextUse> ServedModel::text_use() const {
  const auto folder = model_folder(path_);
  if (const auto modules = path_join(folder, "modules.json"); exists(modules)) {
    const bool is_sparse = contains(TRY(read_file(modules, 1 << 20)), "SpladePooling");
    return is_sparse ? TextUse::sparse_vectors : TextUse::vectors;
  }
  const auto config = TRY(Config::from_pretrained(folder));
  const std::string_view named = config.architectures.empty() ? std::string_view() : config.architectures.front();
  if (named.ends_with("ForMaskedLM")) return TextUse::sparse_vectors;
  if (!named.ends_with("ForSequenceClassification")) return TextUse::vectors;
  return config.num_labels == 1 ? TextUse::ranking : TextUse::labels;
}

Result<Embedder*> ServedModel::embedder() {
  return embedder_.get([&]() -> Result<std::unique_ptr<Embedder>> {
    const auto folder = model_folder(path_);
    return std::make_unique<Embedder>(TRY(SentenceTransformer::from_pretrained(folder, options_)),
                                      TRY(AutoTokenizer::from_pretrained(folder)), turns_, on_pass());
  });
}

Result<Judge*> ServedModel::judge() {
  return judge_.get([&]() -> Result<std::unique_ptr<Judge>> {
    const auto folder = model_folder(path_);
    return std::make_unique<Judge>(TRY(CrossEncoder::from_pretrained(folder, options_)),
                                   TRY(AutoTokenizer::from_pretrained(folder)), turns_, on_pass());
  });
}

Result<SparseEmbedder*> ServedModel::sparse() {
  return sparse_.get([&]() -> Result<std::unique_ptr<SparseEmbedder>> {
    const auto folder = model_folder(path_);
    return std::make_unique<SparseEmbedder>(TRY(SparseEncoder::from_pretrained(folder, options_)),
                                            TRY(AutoTokenizer::from_pretrained(folder)), turns_, on_pass());
  });
}

Embedder::Embedder(SentenceTransformer with, PreTrainedTokenizer reads, Turns& turns,
                   const TextBatcher::OnPass& on_pass)
    : model(std::move(with)),
      tokenizer(std::move(reads)),
      vectors(
          turns, [this](PreparedTexts texts) { return model.encode(texts); }, TextBatcher::kTokensMax, on_pass),
      token_rows(
          turns, [this](PreparedTexts texts) { return model.token_embeddings(texts); }, TextBatcher::kTokensMax,
          on_pass) {}

Judge::Judge(CrossEncoder with, PreTrainedTokenizer reads, Turns& turns, const TextBatcher::OnPass& on_pass)
    : model(std::move(with)),
      tokenizer(std::move(reads)),
      logits(
          turns, [this](PreparedTexts texts) { return model.logits(texts); }, TextBatcher::kTokensMax, on_pass) {
  const auto& config = model.model().config();
  for (int64_t i = 0; i < config.num_labels; ++i)
    labels.emplace_back(config.raw["id2label"][cat(i)].as_string(cat("LABEL_", i)));
}

// Of each token the model gives a number a word of the vocabulary.
constexpr int64_t kSparseTokens = 1024;

SparseEmbedder::SparseEmbedder(SparseEncoder with, PreTrainedTokenizer reads, Turns& turns,
                               const TextBatcher::OnPass& on_pass)
    : model(std::move(with)),
      tokenizer(std::move(reads)),
      vectors(
          turns, [this](PreparedTexts texts) { return model.encode(texts); }, kSparseTokens, on_pass) {}

}  // namespace hearth::inference
