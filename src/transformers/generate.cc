#include "transformers/generate.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "transformers/generation/modes.h"
#include "transformers/grammar.h"

namespace hearth {
namespace {

constexpr int64_t kPrefillRows = 512;  // a piece of a prompt: bounds the scratch and how long a stop waits

/// How many tokens at the beginning the session's cache holds already. The last one is always computed: its logits are
/// what is asked for.
int64_t common_tokens(const Session& session, std::span<const int32_t> prompt) {
  const auto held = std::min(session.ids.size(), static_cast<size_t>(session.cache.length()));
  const auto limit = std::min(held, prompt.empty() ? 0 : prompt.size() - 1);
  size_t out = 0;
  while (out < limit && session.ids[out] == prompt[out]) ++out;
  return static_cast<int64_t>(out);
}

/// A prompt in one pass: a quantized cache keeps all of it as it has become once it has been read.
Result<std::vector<float>> read_whole(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                      int64_t rope_length) {
  const SequenceView sequence{&session.cache, prompt, LogitRows::last};
  auto logits = to_vector(model.forward({&sequence, 1}, rope_length));
  session.ids.assign(prompt.begin(), prompt.end());
  return logits;
}

/// How `config` quantizes the past of a prompt of `length` tokens.
Result<std::optional<QuantizedCacheConfig>> quantized_cache(const CausalLM& model, const GenerationConfig& config,
                                                            int64_t length, bool takes_back) {
  const auto out = TRY(config.quantized_cache());
  if (!out) return out;
  const auto refuse = [](Code code, std::string_view why) {
    return Status(code, cat("cache_implementation 'quantized' is not for ", why));
  };
  const auto& c = model.config();
  const auto& layers = c.layer_types;
  const bool has_windows = layers.empty() ? c.raw["sliding_window"].as_int() > 0 : [&] {
    return std::ranges::any_of(layers, [](const auto& type) { return type != "full_attention"; });
  }();
  if (model.is_encoder_decoder()) return refuse(Code::bad_input, "models with an encoder");
  if (has_windows) return refuse(Code::bad_input, "models with layers that do not see all tokens");
  if (model.stack().cache_shape().values_are_keys)
    return refuse(Code::unsupported, "latent attention, whose cache holds neither keys nor values");
  if (model.options().dtype != DType::f32) return refuse(Code::unsupported, "arithmetic in bf16: leave --dtype out");
  if (takes_back) return refuse(Code::unsupported, "guesses and contrastive search, which take tokens back");
  const auto& shape = model.stack().cache_shape();
  TRY(out->check(shape.kv_heads, length, shape.head_dim));
  return out;
}

}  // namespace

Result<Sampler> Sampler::from(const GenerationConfig& config, PromptFacts facts, int64_t vocab_size) {
  auto greedy_at_zero = config;
  greedy_at_zero.do_sample = config.do_sample && config.temperature > 0;
  auto processors = TRY(LogitsProcessors::from(greedy_at_zero, std::move(facts), vocab_size));
  return Sampler(std::move(processors), greedy_at_zero.do_sample, config.seed);
}

int32_t Sampler::operator()(std::span<const float> logits, std::span<const int32_t> seen) {
  if (processors_.empty() && !is_sampling_) return static_cast<int32_t>(argmax(logits));
  scores_.assign(logits.begin(), logits.end());
  processors_(seen, 0, scores_);
  if (!is_sampling_) return static_cast<int32_t>(argmax(scores_));
  softmax(scores_);
  return random_.multinomial(scores_);
}

std::span<const int32_t> Session::unread(const CausalLM& model) {
  const auto changed = model.stack().rereads_after(), wanted = static_cast<int64_t>(ids.size());
  if (changed > 0 && cache.length() <= changed && wanted > changed) cache.truncate(0);
  return std::span(ids).subspan(static_cast<size_t>(cache.length()));
}

std::string_view name(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "cancelled";
  }
  return "";
}

Status check_prompt(const CausalLM& model, std::span<const int32_t> prompt) {
  if (prompt.empty()) return {Code::bad_input, "the prompt has no tokens"};
  const auto positions = model.config().max_position_embeddings;
  if (static_cast<int64_t>(prompt.size()) > positions)
    return {Code::too_large, cat("the prompt has ", prompt.size(), " tokens; the model has positions for ", positions)};
  for (const auto id : prompt)
    if (id < 0 || id >= model.vocab_size())
      return {Code::bad_input, cat("token id ", id, " is outside the model's vocabulary of ", model.vocab_size())};
  return {};
}

Result<std::vector<float>> prefill(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                   std::stop_token stop, int64_t rope_length) {
  TRY(check_prompt(model, prompt));
  const auto count = static_cast<int64_t>(prompt.size());
  rope_length = std::max(rope_length, count);
  const auto changed = model.stack().rereads_after();
  const bool is_of_use = changed == 0 || session.cache.length() > changed || rope_length <= changed;
  const auto common = is_of_use ? common_tokens(session, prompt) : 0;
  if (session.cache.is_quantized()) {
    session.cache.truncate(0);
    session.ids.clear();
    return read_whole(model, session, prompt, rope_length);
  }
  session.cache.truncate(common);
  session.ids.resize(static_cast<size_t>(common));
  TRY(session.cache.reserve(model.backend(), count));

  Tensor logits;
  for (int64_t begin = common; begin < count; begin += kPrefillRows) {
    if (stop.stop_requested()) return Status(Code::cancelled, "stopped while the prompt was read");
    const auto piece =
        prompt.subspan(static_cast<size_t>(begin), static_cast<size_t>(std::min(kPrefillRows, count - begin)));
    const bool is_last = begin + kPrefillRows >= count;
    const SequenceView sequence{&session.cache, piece, is_last ? LogitRows::last : LogitRows::none};
    logits = model.forward({&sequence, 1}, rope_length);
    session.ids.insert(session.ids.end(), piece.begin(), piece.end());
  }
  return to_vector(logits);
}

Result<GenerateResult> generate(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                const GenerationConfig& config, const OnToken& on_token, std::stop_token stop) {
  TRY(config.check());
  GenerateResult out;
  out.prompt_tokens = static_cast<int64_t>(prompt.size());
  const auto quantized = TRY(quantized_cache(model, config, out.prompt_tokens, /*takes_back=*/false));
  if (quantized || session.cache.is_quantized()) session = Session(model);
  if (quantized) session.cache.quantize(*quantized);
  out.reused_tokens = common_tokens(session, prompt);
  const double begin_s = monotonic_s();
  auto filled = prefill(model, session, prompt, stop);
  if (!filled.ok() && filled.status().code() == Code::cancelled) {
    out.finish = FinishReason::cancelled;
    return out;
  }
  auto logits = TRY(std::move(filled));
  const auto total = config.total_length(out.prompt_tokens, model.config());
  auto sampler = TRY(Sampler::from(config, {.length = out.prompt_tokens, .total_length = total}, model.vocab_size()));
  std::vector<int32_t> seen(prompt.begin(), prompt.end());
  const auto limit = std::min(total, model.config().max_position_embeddings + 1) - out.prompt_tokens;
  double first_s = begin_s;
  for (;;) {
    const auto id = sampler(logits, seen);
    seen.push_back(id);
    out.ids.push_back(id);
    const double now_s = monotonic_s();
    if (out.ids.size() == 1) {
      first_s = now_s;
      out.prefill_s = now_s - begin_s;
    }
    out.decode_s = now_s - first_s;
    const bool is_eos = std::ranges::find(config.eos_token_id, id) != config.eos_token_id.end();
    const bool is_complete = config.constraint && config.constraint->is_complete(out.ids);
    if ((on_token && !on_token(id)) || is_eos || is_complete) {
      out.finish = FinishReason::stop;
      return out;
    }
    if (static_cast<int64_t>(out.ids.size()) >= limit) return out;
    if (stop.stop_requested()) {
      out.finish = FinishReason::cancelled;
      return out;
    }
    session.ids.push_back(id);
    const SequenceView sequence{&session.cache, session.unread(model), LogitRows::last};
    model.backend().to_host(model.forward({&sequence, 1}), logits);
  }
}

namespace {

/// The tokens that each row continues: those of a decoder, or those after which an answer begins.
Result<std::vector<std::vector<int32_t>>> begun_texts(const CausalLM& model, const ModelInputs& inputs,
                                                      const GenerationConfig& config) {
  std::vector<std::vector<int32_t>> out(static_cast<size_t>(inputs.batch));
  const auto fill = [&](const std::vector<int32_t>& ids, int64_t length) {
    for (size_t i = 0; i < ids.size(); ++i) out[i / static_cast<size_t>(length)].push_back(ids[i]);
  };
  if (!model.is_encoder_decoder()) {
    fill(inputs.input_ids, inputs.length);
    return out;
  }
  const auto start = config.decoder_start_token_id ? config.decoder_start_token_id : config.bos_token_id;
  if (!start)
    return Status(Code::bad_input, "decoder_start_token_id or bos_token_id has to be set for a model with an encoder");
  fill(inputs.decoder_input_ids, inputs.decoder_length);
  const bool has_start = std::ranges::all_of(out, [&](const auto& ids) { return !ids.empty() && ids[0] == *start; });
  if (!has_start)
    for (auto& ids : out) ids.insert(ids.begin(), *start);
  return out;
}

/// The tokens of row `row` whose mask is not 0.
std::vector<int32_t> kept(const ModelInputs& inputs, size_t row) {
  const auto length = static_cast<size_t>(inputs.length);
  std::vector<int32_t> out;
  for (size_t i = row * length; i < (row + 1) * length; ++i)
    if (inputs.attention_mask.empty() || inputs.attention_mask[i] != 0) out.push_back(inputs.input_ids[i]);
  return out;
}

Status check_inputs(const ModelInputs& inputs) {
  const auto holds = [&](const std::vector<int32_t>& values, int64_t length, bool may_be_empty) {
    return (may_be_empty && values.empty()) || static_cast<int64_t>(values.size()) == inputs.batch * length;
  };
  if (inputs.batch < 1 || inputs.length < 1 || !holds(inputs.input_ids, inputs.length, false))
    return {Code::bad_input,
            cat("input_ids has ", inputs.input_ids.size(), " ids, not ", inputs.batch, " rows of ", inputs.length)};
  if (!holds(inputs.attention_mask, inputs.length, true))
    return {Code::bad_input,
            cat("attention_mask has ", inputs.attention_mask.size(), " values for ", inputs.input_ids.size(), " ids")};
  if (!holds(inputs.decoder_input_ids, inputs.decoder_length, true))
    return {Code::bad_input, cat("decoder_input_ids has ", inputs.decoder_input_ids.size(), " ids, not ", inputs.batch,
                                 " rows of ", inputs.decoder_length)};
  return {};
}

/// How many tokens of each row stand before the first that its mask keeps.
std::vector<int64_t> padding_of(const ModelInputs& inputs) {
  std::vector<int64_t> out;
  if (inputs.attention_mask.empty()) return out;
  const auto length = static_cast<size_t>(inputs.length);
  for (size_t row = 0; row < static_cast<size_t>(inputs.batch); ++row) {
    const std::span<const int32_t> mask(inputs.attention_mask.data() + row * length, length);
    out.push_back(std::ranges::find_if(mask, [](int32_t kept) { return kept != 0; }) - mask.begin());
  }
  return out;
}

}  // namespace

Result<GenerateOutput> generate(const CausalLM& model, const ModelInputs& inputs, const GenerationConfig& config,
                                const GenerateOptions& options) {
  TRY(config.check());
  TRY(check_inputs(inputs));
  const bool answers = model.is_encoder_decoder();
  const bool is_assisted = options.assistant_model || config.prompt_lookup_num_tokens > 0;
  if (is_assisted && (inputs.batch > 1 || config.num_beams > 1 || config.num_return_sequences > 1))
    return Status(Code::bad_input, "assisted generation takes one prompt, one beam and one returned sequence");
  if (config.num_beam_groups > 1 && (options.stopping_criteria || !config.stop_strings.empty()))
    return Status(Code::bad_input, "groups of beams end at end tokens and lengths alone, not at stop_strings");

  generation::Prompts prompts;
  prompts.ids = TRY(begun_texts(model, inputs, config));
  PromptFacts facts{.length = static_cast<int64_t>(prompts.ids.front().size())};
  facts.total_length = config.total_length(facts.length, model.config());
  if (facts.length >= facts.total_length)
    return Status(Code::bad_input, cat("the prompt has ", facts.length, " tokens and max_length is ",
                                       facts.total_length, ": raise it, or set max_new_tokens"));
  if (!answers) facts.padding = padding_of(inputs);
  int64_t longest = 0;
  for (size_t row = 0; row < prompts.ids.size(); ++row)
    longest = std::max(longest, static_cast<int64_t>((answers ? prompts.ids[row] : kept(inputs, row)).size()));
  for (size_t row = 0; row < prompts.ids.size(); ++row) {
    const auto ids = kept(inputs, row);
    const auto padded = std::span(inputs.input_ids)
                            .subspan(row * static_cast<size_t>(inputs.length), static_cast<size_t>(inputs.length));
    facts.encoder_ids.emplace_back(padded.begin(), padded.end());
    auto& session =
        answers ? prompts.sessions.emplace_back(TRY(model.make_cache(ids))) : prompts.sessions.emplace_back(model);
    const auto quantized = TRY(quantized_cache(model, config, std::ssize(answers ? prompts.ids[row] : ids),
                                               is_assisted || config.is_contrastive()));
    if (quantized) session.cache.quantize(*quantized);
    if (!facts.padding.empty() && model.stack().counts_padding()) session.cache.skip_positions(facts.padding[row]);
    prompts.logits.push_back(TRY(prefill(model, session, answers ? prompts.ids[row] : ids, options.stop, longest)));
    if (config.is_static_cache()) TRY(session.cache.reserve(model.backend(), facts.total_length));
  }

  auto rules = config;
  rules.do_sample = config.do_sample && config.temperature > 0;
  generation::Task task{.model = model, .config = rules, .options = options};
  task.prompt_length = facts.length;
  task.total_length = facts.total_length;
  task.processors = TRY(LogitsProcessors::from(rules, std::move(facts), model.vocab_size()));
  if (options.prefix_allowed_tokens_fn) task.processors.allow_only(options.prefix_allowed_tokens_fn);
  if (!rules.stop_strings.empty()) {
    if (!options.tokenizer) return Status(Code::bad_input, "stop_strings are looked for by the tokenizer: give it too");
    task.stop_strings = std::make_shared<generation::StopStrings>(*options.tokenizer, rules.stop_strings);
  }
  if (rules.max_time) task.end_s = monotonic_s() + *rules.max_time;
  if (is_assisted) return generation::assisted(task, std::move(prompts));
  if (rules.num_beam_groups > 1) return generation::group_beam_search(task, std::move(prompts));
  if (rules.is_contrastive()) return generation::contrastive_search(task, std::move(prompts));
  return rules.num_beams > 1 ? generation::beam_search(task, std::move(prompts))
                             : generation::sample(task, std::move(prompts));
}

namespace generation {

bool Task::is_end(int32_t id) const {
  return std::ranges::find(config.eos_token_id, id) != config.eos_token_id.end();
}

bool Task::is_over(std::span<const int32_t> ids, int32_t next) const {
  if (is_end(next) || static_cast<int64_t>(ids.size()) + 1 >= total_length) return true;
  if (stop_strings && stop_strings->end_with(ids, next)) return true;
  const auto& constraint = config.constraint;
  if (!options.stopping_criteria && !constraint) return false;
  std::vector<int32_t> all(ids.begin(), ids.end());
  all.push_back(next);
  if (constraint && constraint->is_complete(std::span(all).subspan(static_cast<size_t>(prompt_length)))) return true;
  return options.stopping_criteria && options.stopping_criteria(all);
}

bool Task::is_late() const {
  return end_s > 0 && monotonic_s() >= end_s;
}

void step(const CausalLM& model, std::span<Row* const> rows, std::vector<float>& logits, bool use_cache) {
  std::vector<SequenceView> sequences;
  size_t longest = 0;
  for (auto* row : rows) {
    row->session.ids.push_back(row->ids.back());
    longest = std::max(longest, row->session.ids.size());
  }
  // Padding counts where a text is read again, as there.
  const auto changed = model.stack().rereads_after();
  for (auto* row : rows) {
    auto& [cache, ids] = row->session;
    const auto length = static_cast<int64_t>(row->ids.size());
    if (!use_cache || (changed > 0 && length == changed + 1)) cache.truncate(0);
    sequences.push_back({&cache, std::span(ids).subspan(static_cast<size_t>(cache.length())), LogitRows::last});
  }
  logits.resize(rows.size() * static_cast<size_t>(model.vocab_size()));
  model.backend().to_host(model.forward(sequences, static_cast<int64_t>(longest)), logits);
}

Row fork(const Row& row) {
  Row out{Session(row.session.cache.fork()), row.ids, row.prompt};
  out.session.ids = row.session.ids;
  return out;
}

}  // namespace generation
}  // namespace hearth
