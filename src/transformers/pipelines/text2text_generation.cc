// text2text-generation, summarization, translation: what a model with an encoder answers to a text.
// Source: transformers 4.57.6 pipelines/text2text_generation.py and base.py; 5.0 has left the tasks out.
#include <algorithm>
#include <map>

#include "base/guarded.h"
#include "base/text.h"
#include "transformers/pipeline_generation.h"

namespace hearth::transformers::pipelines {
namespace {

/// Classes whose tokens depend on the language of a text.
bool knows_languages(std::string_view tokenizer_class) {
  constexpr std::string_view kClasses[] = {"MBartTokenizer", "MBart50Tokenizer", "NllbTokenizer", "PLBartTokenizer"};
  return std::ranges::find(kClasses, tokenizer_class) != std::end(kClasses);
}

/// "translation_en_to_de": en, de.
std::pair<std::string, std::string> languages_of(std::string_view task) {
  const auto words = split(task, '_');
  if (words.size() != 4) return {};
  return {std::string(words[1]), std::string(words[3])};
}

class Text2TextGeneration final : public Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> build(std::string_view task, const std::string& path,
                                                 const LoadOptions& options) {
    auto out = std::make_unique<Text2TextGeneration>(TRY(TextWriter::from(Task::seq2seq_lm, path, options)));
    out->folder_ = model_folder(path);
    out->is_translation_ = task.starts_with("translation");
    out->languages_ = languages_of(task);
    out->name_ = task == "summarization" ? "summary" : out->is_translation_ ? "translation" : "generated";
    TRY(out->take_task_rules(task));
    return std::unique_ptr<Pipeline>(std::move(out));
  }

  explicit Text2TextGeneration(TextWriter writer) : writer_(std::move(writer)) {}
  const PreTrainedModel& model() const override { return *writer_.model; }

 private:
  /// The task's own length and beams win over generation_config.json's, task_specific_params over both.
  Status take_task_rules(std::string_view task) {
    const auto& raw = model().config().raw;
    base_ = writer_.config;
    base_.num_beams = 4;
    base_.max_new_tokens = 256;
    constexpr int64_t kUnsetLength = 20;
    if (base_.max_length && *base_.max_length != kUnsetLength) base_.max_new_tokens.reset();
    prefix_ = raw["prefix"].as_string();
    const auto& own = raw["task_specific_params"][task];
    std::vector<std::string> known;
    for (const auto& [name, value] : raw["task_specific_params"].object())
      if (name.starts_with("translation_")) known.push_back(name);
    if (own.is_null() && task.starts_with("translation_") && !known.empty())
      return {Code::bad_input, cat("the model has no task ", task, "; it has: ", join(known, ", "))};
    if (own["prefix"].is_string()) prefix_ = own["prefix"].as_string();
    if (own.is_object()) TRY(base_.update(own));
    return {};
  }

  /// The tokenizer for texts of a language; each is read from the files once.
  Result<PreTrainedTokenizer> tokenizer_for(const std::string& language) const {
    constexpr size_t kKept = 64;
    const auto known = tokenizers_.with([&](auto& all) -> std::optional<PreTrainedTokenizer> {
      const auto found = all.find(language);
      return found == all.end() ? std::nullopt : std::optional(found->second);
    });
    if (known) return *known;
    if (!writer_.tokenizer.backend_tokenizer().token_to_id(language))
      return Status(Code::bad_input, cat("src_lang is '", language, "', which the model has no token for"));
    auto made = TRY(AutoTokenizer::from_pretrained(folder_, {.kwargs = Json::Object{{"src_lang", language}}}));
    tokenizers_.with([&](auto& all) {
      if (all.size() < kKept) all.emplace(language, made);
    });
    return made;
  }

  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    parameters.flag("return_text", true);
    const bool is_tensors = parameters.flag("return_tensors", false);
    const bool clean_up = parameters.flag("clean_up_tokenization_spaces", false);
    Json own(Json::Object{});
    if (const auto* truncation = parameters.find("truncation")) own.set("truncation", *truncation);
    PipelineParameters inner(own);
    const auto call = tokenizer_options(inner);
    if (const auto status = inner.finish(); !status.ok()) parameters.fail(status.message());
    const auto stop_sequence = parameters.text("stop_sequence", "");
    std::string source, target;
    if (is_translation_) {
      source = parameters.text("src_lang", "");
      target = parameters.text("tgt_lang", "");
      if (source.empty() && target.empty()) std::tie(source, target) = languages_;
    }
    auto arguments = writer_.generate_arguments(parameters);
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    auto base = base_;
    // Differs: a length that the call sets counts; 4.57 prefers its own 256 new tokens, 5.0 no longer does.
    if (!arguments["max_length"].is_null()) base.max_new_tokens.reset();
    auto tokenizer = writer_.tokenizer;
    if (is_translation_ && knows_languages(tokenizer.class_name())) {
      if (source.empty() || target.empty())
        return Status(Code::bad_input, "a translation by this model asks for src_lang and tgt_lang");
      const auto first = tokenizer.backend_tokenizer().token_to_id(target);
      if (!first) return Status(Code::bad_input, cat("tgt_lang is '", target, "', which the model has no token for"));
      tokenizer = TRY(tokenizer_for(source));
      arguments.set("forced_bos_token_id", *first);
    }
    if (!stop_sequence.empty()) {  // its first token, as in Python
      const auto ids = TRY(tokenizer.encode(stop_sequence, {.add_special_tokens = false}));
      if (!ids.empty()) arguments.set("eos_token_id", ids.front());
    }
    auto rules = TRY(writer_.rules(base, arguments));
    rules.batch_size = std::min(passes.batch_size, rules.batch_size);

    const auto asked = TRY(PipelineInputs::texts(inputs));
    std::vector<std::vector<TokenId>> ids;
    for (const auto* item : asked.items) ids.push_back(TRY(tokenizer.encode(cat(prefix_, item->as_string()), call)));
    const auto written = TRY(writer_.write(ids, rules, stop));
    Json::Array out;
    for (const auto& rows : written) {
      Json::Array answers;
      for (const auto& row : rows) {
        if (is_tensors)
          answers.push_back(Json::Object{{cat(name_, "_token_ids"), to_json(row)}});
        else
          answers.push_back(
              Json::Object{{cat(name_, "_text"), tokenizer.decode(row, /*skip_special_tokens=*/true, clean_up)}});
      }
      // The only answers to a list of texts stand in one list.
      if (asked.is_list && answers.size() == 1)
        out.push_back(std::move(answers.front()));
      else
        out.emplace_back(std::move(answers));
    }
    return asked.answer(std::move(out));
  }

  TextWriter writer_;
  GenerationConfig base_;
  std::string folder_, prefix_, name_;
  std::pair<std::string, std::string> languages_;
  bool is_translation_ = false;
  Guarded<std::map<std::string, PreTrainedTokenizer>> mutable tokenizers_;
};

}  // namespace

extern constinit const PipelineTask text2text_generation_entry{
    .tasks = {"text2text-generation", "summarization", "translation"},
    .heads = {Task::seq2seq_lm},
    .build = Text2TextGeneration::build};

}  // namespace hearth::transformers::pipelines
