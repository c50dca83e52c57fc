#include "transformers/generation_config.h"

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "base/text.h"

namespace hearth {
namespace {

/// Takes keys of one JSON object; absent and null ones leave what is there.
class Updater {
 public:
  /// `asked`: where the names of all keys go, or none.
  explicit Updater(const Json& json, std::vector<std::string>* asked = nullptr) : json_(json), asked_(asked) {}

  void take(std::string_view key, bool& out) {
    if (const auto* value = find(key)) value->is_bool() ? void(out = value->as_bool()) : wrong(key, "true or false");
  }
  void take(std::string_view key, int64_t& out) {
    if (const auto* value = find(key)) value->is_int() ? void(out = value->as_int()) : wrong(key, "an integer");
  }
  void take(std::string_view key, double& out) {
    if (const auto* value = find(key)) value->is_number() ? void(out = number(*value)) : wrong(key, "a number");
  }
  template <class T>
  void take(std::string_view key, std::optional<T>& out) {
    if (!find(key)) return;
    T value{};
    take(key, value);
    out = value;
  }
  /// Files write -1 for "none".
  void take(std::string_view key, std::optional<int32_t>& out) {
    std::vector<int32_t> tokens;
    take(key, tokens);
    if (tokens.size() > 1) return wrong(key, "a token id");
    if (!tokens.empty()) out = tokens.front();
  }
  /// A token id or several.
  void take(std::string_view key, std::vector<int32_t>& out) {
    if (const auto* value = find(key)) ids(key, *value, out);
  }
  void take(std::string_view key, std::vector<std::vector<int32_t>>& out) {
    const auto* value = find(key);
    if (!value) return;
    if (!value->is_array()) return wrong(key, "a list of lists of token ids");
    out.clear();
    for (const auto& item : value->array()) ids(key, item, out.emplace_back());
  }
  void take(std::string_view key, std::vector<std::pair<std::vector<int32_t>, float>>& out) {
    const auto* value = find(key);
    if (!value) return;
    if (!value->is_array()) return wrong(key, "a list of [token ids, bias]");
    out.clear();
    for (const auto& item : value->array()) {
      if (!item.is_array() || item.array().size() != 2 || !item.array()[1].is_number())
        return wrong(key, "a list of [token ids, bias]");
      auto& [tokens, bias] = out.emplace_back();
      ids(key, item.array()[0], tokens);
      bias = static_cast<float>(number(item.array()[1]));
    }
  }
  void take(std::string_view key, std::optional<std::pair<int64_t, double>>& out) {
    const auto* value = find(key);
    if (!value) return;
    if (!value->is_array() || value->array().size() != 2 || !value->array()[0].is_int() ||
        !value->array()[1].is_number())
      return wrong(key, "[first token, factor]");
    out = {value->array()[0].as_int(), number(value->array()[1])};
  }
  void take(std::string_view key, EarlyStopping& out) {
    const auto* value = find(key);
    if (!value) return;
    if (value->is_bool()) {
      out = value->as_bool() ? EarlyStopping::yes : EarlyStopping::no;
    } else if (value->is_string() && value->as_string() == "never") {
      out = EarlyStopping::never;
    } else {
      wrong(key, "true, false or \"never\"");
    }
  }
  void take(std::string_view key, std::string& out) {
    if (const auto* value = find(key)) value->is_string() ? void(out = value->as_string()) : wrong(key, "a text");
  }
  /// A text or several.
  void take(std::string_view key, std::vector<std::string>& out) {
    const auto* value = find(key);
    if (!value) return;
    const auto list = value->is_string() ? Json::Array{*value} : value->array();
    if (list.empty() || !std::ranges::all_of(list, &Json::is_string)) return wrong(key, "a text or a list of texts");
    out.clear();
    for (const auto& text : list) out.emplace_back(text.as_string());
  }
  void take(std::string_view key, Json& out) {
    if (const auto* value = find(key)) out = *value;
  }
  Status finish() { return std::move(status_); }

 private:
  const Json* find(std::string_view key) const {
    if (asked_) asked_->emplace_back(key);
    const auto* value = json_.find(key);
    return value && !value->is_null() ? value : nullptr;
  }
  static double number(const Json& value) { return value.as_double(static_cast<double>(value.as_int())); }
  void wrong(std::string_view key, std::string_view wanted) {
    if (status_.ok()) status_ = Status(Code::bad_input, cat(key, " is ", json_[key].dump(), ", not ", wanted));
  }
  void ids(std::string_view key, const Json& value, std::vector<int32_t>& out) {
    const bool is_right =
        value.is_int() ||
        (value.is_array() && std::ranges::all_of(value.array(), [](const Json& v) { return v.is_int(); }));
    is_right ? void(out = token_ids(value)) : wrong(key, "token ids");
  }

  const Json& json_;
  std::vector<std::string>* asked_;
  Status status_;
};

/// What transformers has or had, and is not here.
Status check_ways(const Json& json, std::string_view cache) {
  for (const std::string_view key : {"constraints", "force_words_ids", "dola_layers"})
    if (const auto& value = json[key]; !value.is_null() && value.size() > 0)
      return {Code::unsupported,
              cat(key, " is not offered; a `constraint` of a grammar holds answers to words that they must have")};
  for (const std::string_view known :
       {"", "dynamic", "static", "quantized", "offloaded", "offloaded_static", "hybrid", "hybrid_chunked",
        "offloaded_hybrid", "offloaded_hybrid_chunked", "sliding_window"})
    if (cache == known) return {};
  return {Code::bad_input,
          cat("cache_implementation is '", cache, "', not dynamic, static, quantized, offloaded or offloaded_static")};
}

}  // namespace

Status GenerationConfig::check() const {
  Status out;
  const auto expect = [&out](bool holds, std::string_view key, auto value, std::string_view range) {
    if (!holds && out.ok()) out = Status(Code::bad_input, cat(key, " is ", value, ", not ", range));
  };
  expect(max_new_tokens.value_or(1) >= 1, "max_new_tokens", max_new_tokens.value_or(1), "at least 1");
  expect(max_length.value_or(1) >= 1, "max_length", max_length.value_or(1), "at least 1");
  expect(min_length >= 0, "min_length", min_length, "0 or above");
  expect(min_new_tokens >= 0, "min_new_tokens", min_new_tokens, "0 or above");
  expect(max_time.value_or(1) > 0, "max_time", max_time.value_or(1), "above 0 seconds");
  constexpr int64_t kBeamsMax = 1024;
  expect(num_beams >= 1 && num_beams <= kBeamsMax, "num_beams", num_beams, "in [1, 1024]");
  expect(num_return_sequences >= 1 && num_return_sequences <= kBeamsMax, "num_return_sequences", num_return_sequences,
         "in [1, 1024]");
  if (num_beams > 1)
    expect(num_return_sequences <= num_beams, "num_return_sequences", num_return_sequences, "at most num_beams");
  else
    expect(do_sample || num_return_sequences == 1, "num_return_sequences", num_return_sequences,
           "1: greedy search finds one text; set do_sample or num_beams");
  expect(num_beam_groups >= 1 && num_beams % num_beam_groups == 0, "num_beam_groups", num_beam_groups,
         "a divisor of num_beams");
  expect(num_beam_groups == 1 || !do_sample, "do_sample", do_sample, "false: groups of beams are searched, not drawn");
  expect(std::isfinite(diversity_penalty) && diversity_penalty >= 0, "diversity_penalty", diversity_penalty,
         "0 or above");
  expect(penalty_alpha >= 0 && penalty_alpha <= 1, "penalty_alpha", penalty_alpha, "in [0, 1]");
  expect(std::isfinite(length_penalty), "length_penalty", length_penalty, "a finite number");
  expect(prompt_lookup_num_tokens >= 0, "prompt_lookup_num_tokens", prompt_lookup_num_tokens, "0 or above");
  expect(max_matching_ngram_size >= 1, "max_matching_ngram_size", max_matching_ngram_size, "at least 1");
  expect(num_assistant_tokens >= 1, "num_assistant_tokens", num_assistant_tokens, "at least 1");
  expect(temperature >= 0 && !std::isinf(temperature), "temperature", temperature, "0 or above");
  expect(top_h >= 0 && top_h <= 1, "top_h", top_h, "in [0, 1]");
  expect(top_k >= 0, "top_k", top_k, "0 (all) or above");
  expect(top_p > 0 && top_p <= 1, "top_p", top_p, "above 0 and at most 1");
  expect(min_p >= 0 && min_p <= 1, "min_p", min_p, "in [0, 1]");
  expect(typical_p > 0 && typical_p <= 1, "typical_p", typical_p, "above 0 and at most 1");
  expect(epsilon_cutoff >= 0 && epsilon_cutoff < 1, "epsilon_cutoff", epsilon_cutoff, "in [0, 1)");
  expect(eta_cutoff >= 0 && eta_cutoff < 1, "eta_cutoff", eta_cutoff, "in [0, 1)");
  expect(repetition_penalty > 0, "repetition_penalty", repetition_penalty, "above 0");
  expect(encoder_repetition_penalty > 0, "encoder_repetition_penalty", encoder_repetition_penalty, "above 0");
  expect(std::isfinite(frequency_penalty), "frequency_penalty", frequency_penalty, "a finite number");
  expect(std::isfinite(presence_penalty), "presence_penalty", presence_penalty, "a finite number");
  expect(no_repeat_ngram_size >= 0, "no_repeat_ngram_size", no_repeat_ngram_size, "0 (off) or above");
  expect(encoder_no_repeat_ngram_size >= 0, "encoder_no_repeat_ngram_size", encoder_no_repeat_ngram_size,
         "0 (off) or above");
  const auto has_words = [](const auto& words) { return !words.empty(); };
  expect(std::ranges::all_of(bad_words_ids, has_words), "bad_words_ids", "an empty list", "tokens");
  expect(std::ranges::all_of(sequence_bias, has_words, [](const auto& b) { return b.first; }), "sequence_bias",
         "for no token", "for tokens");
  if (auto cache = quantized_cache(); out.ok() && !cache.ok()) out = std::move(cache).status();
  return out;
}

template <class Updater>
void GenerationConfig::take_all(Updater& from) {
  from.take("max_new_tokens", max_new_tokens);
  from.take("max_length", max_length);
  from.take("min_length", min_length);
  from.take("min_new_tokens", min_new_tokens);
  from.take("max_time", max_time);
  from.take("do_sample", do_sample);
  from.take("num_beams", num_beams);
  from.take("num_return_sequences", num_return_sequences);
  from.take("early_stopping", early_stopping);
  from.take("num_beam_groups", num_beam_groups);
  from.take("diversity_penalty", diversity_penalty);
  from.take("penalty_alpha", penalty_alpha);
  from.take("length_penalty", length_penalty);
  from.take("prompt_lookup_num_tokens", prompt_lookup_num_tokens);
  from.take("max_matching_ngram_size", max_matching_ngram_size);
  from.take("num_assistant_tokens", num_assistant_tokens);
  from.take("assistant_confidence_threshold", assistant_confidence_threshold);
  int64_t torch_seed = static_cast<int64_t>(seed);
  from.take("seed", torch_seed);
  seed = static_cast<uint64_t>(torch_seed);
  from.take("temperature", temperature);
  from.take("top_h", top_h);
  from.take("top_k", top_k);
  from.take("top_p", top_p);
  from.take("min_p", min_p);
  from.take("typical_p", typical_p);
  from.take("epsilon_cutoff", epsilon_cutoff);
  from.take("eta_cutoff", eta_cutoff);
  from.take("repetition_penalty", repetition_penalty);
  from.take("encoder_repetition_penalty", encoder_repetition_penalty);
  from.take("frequency_penalty", frequency_penalty);
  from.take("presence_penalty", presence_penalty);
  from.take("no_repeat_ngram_size", no_repeat_ngram_size);
  from.take("encoder_no_repeat_ngram_size", encoder_no_repeat_ngram_size);
  from.take("bad_words_ids", bad_words_ids);
  from.take("sequence_bias", sequence_bias);
  from.take("forced_bos_token_id", forced_bos_token_id);
  from.take("forced_eos_token_id", forced_eos_token_id);
  from.take("exponential_decay_length_penalty", exponential_decay_length_penalty);
  from.take("suppress_tokens", suppress_tokens);
  from.take("begin_suppress_tokens", begin_suppress_tokens);
  from.take("remove_invalid_values", remove_invalid_values);
  from.take("renormalize_logits", renormalize_logits);
  from.take("bos_token_id", bos_token_id);
  from.take("pad_token_id", pad_token_id);
  from.take("decoder_start_token_id", decoder_start_token_id);
  from.take("eos_token_id", eos_token_id);
  from.take("stop_strings", stop_strings);
  from.take("use_cache", use_cache);
  from.take("cache_implementation", cache_implementation);
  from.take("cache_config", cache_config);
}

Result<std::optional<QuantizedCacheConfig>> GenerationConfig::quantized_cache() const {
  if (!use_cache || cache_implementation != "quantized") return std::optional<QuantizedCacheConfig>();
  return std::optional(TRY(QuantizedCacheConfig::from(cache_config)));
}

Status GenerationConfig::update(const Json& json) {
  Updater from(json);
  take_all(from);
  TRY(from.finish());
  TRY(check_ways(json, cache_implementation));
  return check();
}

std::vector<std::string> GenerationConfig::keys() {
  const Json none;
  std::vector<std::string> out;
  Updater from(none, &out);
  GenerationConfig().take_all(from);
  return out;
}

Result<GenerationConfig> GenerationConfig::from_config(const Config& config) {
  GenerationConfig out;
  out.eos_token_id = config.eos_token_id;
  auto status = out.update(config.raw);
  if (!status.ok()) return std::move(status).with("config.json");
  return out;
}

Result<GenerationConfig> GenerationConfig::from_pretrained(const std::string& folder, const Config& config) {
  GenerationConfig out;
  out.eos_token_id = config.eos_token_id;
  const auto path = path_join(folder, "generation_config.json");
  if (!exists(path)) return from_config(config);
  const auto text = TRY(read_file(path, /*max_bytes=*/1 << 20));
  auto json = Json::parse(text);
  if (!json.ok()) return std::move(json).status().with(path);
  auto status = out.update(*json);
  if (!status.ok()) return std::move(status).with(path);
  return out;
}

int64_t GenerationConfig::total_length(int64_t prompt_length, const Config& config) const {
  constexpr int64_t kDefaultNewTokens = 20;
  if (max_new_tokens) return prompt_length + *max_new_tokens;
  if (max_length) return *max_length;
  return std::min(prompt_length + kDefaultNewTokens, std::max(config.max_position_embeddings, prompt_length + 1));
}

}  // namespace hearth
