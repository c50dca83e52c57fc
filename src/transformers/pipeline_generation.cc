#include "transformers/pipeline_generation.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "base/files.h"
#include "base/text.h"

namespace hearth {
namespace {

/// What the checkpoint's files say of generation; a GGUF file is alone.
Result<Json> read_set_keys(const std::string& folder, const Config& config, bool is_gguf) {
  const auto path = path_join(folder, "generation_config.json");
  Json given = config.raw;
  if (!is_gguf && exists(path)) given = TRY(Json::parse(TRY(read_file(path, /*max_bytes=*/1 << 20))));
  Json out(Json::Object{});
  for (const auto& key : GenerationConfig::keys())
    if (!given[key].is_null()) out.set(key, given[key]);
  return out;
}

/// Answers end where the model's positions do. The last token is not read again, and needs none.
/// Differs: Python fails in the middle of such an answer, or goes on beyond what the model has learnt.
Result<GenerationConfig> within_positions(const CausalLM& model, size_t prompt_length, GenerationConfig config) {
  const auto limit = text_length_max(model.config());
  if (!limit) return config;
  const auto length = static_cast<int64_t>(prompt_length);
  if (length > *limit)
    return Status(Code::bad_input, cat("the text has ", length, " tokens; the model has positions for ", *limit));
  const auto begun = model.is_encoder_decoder() ? 1 : length;
  if (config.max_new_tokens) config.max_new_tokens = std::min(*config.max_new_tokens, *limit + 1 - begun);
  if (config.max_length) config.max_length = std::min(*config.max_length, *limit + 1);
  return config;
}

/// Takes off the padding that longer answers of other prompts have brought.
void trim_to_own_length(std::span<std::vector<TokenId>> rows, size_t prompt_length, const std::vector<int32_t>& eos) {
  size_t longest = 0;
  for (const auto& row : rows) {
    const auto end = std::find_first_of(row.begin() + static_cast<ptrdiff_t>(std::min(prompt_length, row.size())),
                                        row.end(), eos.begin(), eos.end());
    longest = std::max(longest, static_cast<size_t>(end - row.begin()) + (end == row.end() ? 0 : 1));
  }
  for (auto& row : rows) row.resize(std::min(row.size(), longest));
}

}  // namespace

Result<TextWriter> TextWriter::from(Task task, const std::string& path, const LoadOptions& options) {
  const auto folder = model_folder(path);
  auto weights = TRY(Weights::open(path));
  const bool is_gguf = weights->front().format() == WeightFormat::gguf;
  auto tokenizer =
      is_gguf ? TRY(AutoTokenizer::from_gguf(weights->front())) : TRY(AutoTokenizer::from_pretrained(folder));
  auto model = task == Task::causal_lm ? TRY(AutoModelForCausalLM::from_weights(std::move(weights), path, options))
                                       : TRY(AutoModelForSeq2SeqLM::from_pretrained(path, options));
  TextWriter out{.model = std::move(model), .tokenizer = std::move(tokenizer)};
  out.config = TRY(is_gguf ? GenerationConfig::from_config(out.model->config())
                           : GenerationConfig::from_pretrained(folder, out.model->config()));
  out.set_by_file = TRY(read_set_keys(folder, out.model->config(), is_gguf));
  const auto pad = out.tokenizer.special_token("pad_token");
  if (!out.config.pad_token_id && pad) out.config.pad_token_id = out.tokenizer.backend_tokenizer().token_to_id(*pad);
  return out;
}

Json TextWriter::generate_arguments(PipelineParameters& parameters) const {
  Json out(Json::Object{});
  if (const auto* more = parameters.find("generation_config"); more && more->is_object()) out = *more;
  for (const auto& key : GenerationConfig::keys())
    if (const auto* value = parameters.find(key)) out.set(key, *value);
  return out;
}

Result<WritingRules> TextWriter::rules(const GenerationConfig& base, const Json& arguments) const {
  WritingRules out{.config = base};
  TRY(out.config.update(arguments));
  if (!arguments.find("seed")) out.config.seed = std::random_device()();
  return out;
}

Result<std::vector<std::vector<std::vector<TokenId>>>> TextWriter::write(
    const std::vector<std::vector<TokenId>>& prompts, const WritingRules& rules, std::stop_token stop) const {
  std::vector<std::vector<std::vector<TokenId>>> out(prompts.size());
  std::vector<size_t> order(prompts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return prompts[a].size() < prompts[b].size(); });
  const GenerateOptions options{.stop = stop, .tokenizer = &tokenizer.backend_tokenizer()};
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    // Prompts of one length need no padding; draws of one would change those of its neighbours.
    const auto length = prompts[order[begin]].size();
    const auto limit = rules.config.do_sample ? 1 : static_cast<size_t>(rules.batch_size);
    for (end = begin + 1; end < order.size() && end - begin < limit && prompts[order[end]].size() == length;) ++end;
    ModelInputs inputs{.batch = static_cast<int64_t>(end - begin), .length = static_cast<int64_t>(length)};
    for (size_t i = begin; i < end; ++i)
      inputs.input_ids.insert(inputs.input_ids.end(), prompts[order[i]].begin(), prompts[order[i]].end());
    if (length == 0) return Status(Code::bad_input, "the text to go on with has no tokens");
    const auto config_here = TRY(within_positions(*model, length, rules.config));
    auto made = TRY(generate(*model, inputs, config_here, options));
    const auto each = made.sequences.size() / (end - begin);
    const auto written_from = model->is_encoder_decoder() ? size_t{1} : length;
    for (size_t i = begin; i < end; ++i) {
      const auto rows = std::span(made.sequences).subspan((i - begin) * each, each);
      if (end - begin > 1) trim_to_own_length(rows, written_from, rules.config.eos_token_id);
      out[order[i]].assign(rows.begin(), rows.end());
    }
  }
  return out;
}

Json to_json(const std::vector<TokenId>& ids) {
  Json::Array out;
  for (const auto id : ids) out.emplace_back(id);
  return out;
}

}  // namespace hearth
