#include "transformers/text2text_generation.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "transformers/token_bytes.h"

namespace hearth {
namespace {

/// Texts as one padded batch.
Result<ModelInputs> padded(const std::vector<std::vector<int32_t>>& rows, int32_t pad) {
  ModelInputs out{.batch = static_cast<int64_t>(rows.size()),
                  .input_ids = {},
                  .attention_mask = {},
                  .token_type_ids = {},
                  .position_ids = {},
                  .decoder_input_ids = {}};
  for (const auto& row : rows) out.length = std::max(out.length, static_cast<int64_t>(row.size()));
  for (const auto& row : rows) {
    const auto padding = static_cast<size_t>(out.length) - row.size();
    out.input_ids.insert(out.input_ids.end(), row.begin(), row.end());
    out.input_ids.insert(out.input_ids.end(), padding, pad);
    out.attention_mask.insert(out.attention_mask.end(), row.size(), 1);
    out.attention_mask.insert(out.attention_mask.end(), padding, 0);
  }
  return out;
}

}  // namespace

Result<Text2TextGenerationPipeline> Text2TextGenerationPipeline::from_pretrained(const std::string& path,
                                                                                 std::string_view task,
                                                                                 const LoadOptions& options) {
  const auto folder = model_folder(path);
  auto tokenizer = TRY(AutoTokenizer::from_pretrained(folder));
  Text2TextGenerationPipeline out(TRY(AutoModelForSeq2SeqLM::from_pretrained(path, options)), std::move(tokenizer));
  const auto& config = out.model_->config();
  out.generation_config_ = TRY(GenerationConfig::from_pretrained(folder, config));
  out.prefix_ = config.raw["prefix"].as_string();
  const auto& rules = config.raw["task_specific_params"];
  const auto& asked = rules[task];
  std::vector<std::string> known;
  for (const auto& [name, value] : rules.object())
    if (name.starts_with("translation_")) known.push_back(name);
  if (asked.is_null() && task.starts_with("translation_") && !known.empty())
    return Status(Code::bad_input, cat("the model has no task ", task, "; it has: ", join(known, ", ")));
  if (asked["prefix"].is_string()) out.prefix_ = asked["prefix"].as_string();
  if (asked.is_object()) TRY(out.generation_config_.update(asked));
  return out;
}

std::shared_ptr<const Constraint> Text2TextGenerationPipeline::constrain(Grammar grammar) const {
  auto vocabulary = std::make_shared<TokenTrie>(token_bytes(tokenizer_.backend_tokenizer()));
  return std::make_shared<Constraint>(std::move(grammar), std::move(vocabulary), generation_config_.eos_token_id);
}

Result<std::vector<int32_t>> Text2TextGenerationPipeline::encode(std::string_view text) const {
  return tokenizer_.encode(cat(prefix_, text));
}

Result<std::vector<std::string>> Text2TextGenerationPipeline::operator()(std::span<const std::string> texts,
                                                                         const GenerationConfig& config,
                                                                         std::stop_token stop) const {
  std::vector<std::vector<int32_t>> rows;
  for (const auto& text : texts) rows.push_back(TRY(encode(text)));
  const auto pad = model_->config().pad_token_id.value_or(0);
  const auto made = TRY(generate(*model_, TRY(padded(rows, pad)), config, {.stop = stop}));
  return tokenizer_.batch_decode(made.sequences, /*skip_special_tokens=*/true);
}

bool is_encoder_decoder(const std::string& path) {
  const auto text = read_file(path_join(model_folder(path), "config.json"), /*max_bytes=*/16 << 20);
  if (!text.ok()) return false;
  const auto json = Json::parse(*text);
  return json.ok() && (*json)["is_encoder_decoder"].as_bool(false);
}

}  // namespace hearth
