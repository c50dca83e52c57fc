#include "inference/generation_options.h"

#include <cstdio>
#include <random>

#include "base/files.h"
#include "base/text.h"

namespace hearth::inference {

Result<GenerationConfig> generation_options(const Arguments& arguments, const GenerationConfig& defaults) {
  constexpr int64_t kNewTokens = 256;  // an answer, where neither the user nor the model says how long
  GenerationConfig out = defaults;
  out.max_new_tokens = TRY(arguments.get_int("max-new-tokens", out.max_new_tokens.value_or(kNewTokens), 1, 1 << 20));
  out.top_k = TRY(arguments.get_int("top-k", out.top_k, 0, 1 << 30));
  out.top_p = TRY(arguments.get_double("top-p", out.top_p, 0, 1));
  out.min_p = TRY(arguments.get_double("min-p", out.min_p, 0, 1));
  out.repetition_penalty = TRY(arguments.get_double("repetition-penalty", out.repetition_penalty, 0, 100));
  out.num_beams = TRY(arguments.get_int("num-beams", out.num_beams, 1, 1024));
  out.num_beam_groups = TRY(arguments.get_int("num-beam-groups", out.num_beam_groups, 1, 1024));
  out.diversity_penalty = TRY(arguments.get_double("diversity-penalty", out.diversity_penalty, 0, 1000));
  out.length_penalty = TRY(arguments.get_double("length-penalty", out.length_penalty, -100, 100));
  out.penalty_alpha = TRY(arguments.get_double("penalty-alpha", out.penalty_alpha, 0, 1));
  if (arguments.has("penalty-alpha")) out.do_sample = false;
  out.prompt_lookup_num_tokens = TRY(arguments.get_int("prompt-lookup", out.prompt_lookup_num_tokens, 0, 1024));
  if (arguments.has("stop")) out.stop = {std::string(arguments.get("stop"))};
  if (arguments.has("temperature")) {
    out.temperature = TRY(arguments.get_double("temperature", 0, 0, 100));
    out.do_sample = out.temperature > 0;
  }
  Json::Object cache;
  if (arguments.has("cache-implementation"))
    cache.emplace_back("cache_implementation", arguments.get("cache-implementation"));
  if (arguments.has("cache-config")) {
    auto given = Json::parse(arguments.get("cache-config"));
    if (!given.ok()) return std::move(given).status().with("--cache-config");
    cache.emplace_back("cache_config", *std::move(given));
  }
  if (!cache.empty()) TRY(out.update(Json(std::move(cache))));
  const bool has_seed = arguments.has("seed");
  out.seed = has_seed ? static_cast<uint64_t>(TRY(arguments.get_int("seed", 0, 0, INT64_MAX))) : std::random_device()();
  TRY(out.check());
  return out;
}

Result<std::optional<Grammar>> grammar_option(const Arguments& arguments) {
  constexpr int64_t kSourceMax = 1 << 20;
  const auto count = arguments.has("regex") + arguments.has("json-schema") + arguments.has("grammar");
  if (count > 1) return Status(Code::bad_input, "--regex, --json-schema and --grammar exclude each other");
  const auto optional = [](Grammar grammar) { return std::optional(std::move(grammar)); };
  if (arguments.has("regex")) return optional(TRY(Grammar::from_regex(arguments.get("regex"))));
  if (arguments.has("grammar")) {
    const std::string path(arguments.get("grammar"));
    auto grammar = Grammar::from_gbnf(TRY(read_file(path, kSourceMax)));
    if (!grammar.ok()) return std::move(grammar).status().with(path);
    return optional(*std::move(grammar));
  }
  if (arguments.has("json-schema")) {
    const std::string given(arguments.get("json-schema"));
    const bool is_json = trim(given).starts_with('{');
    const auto schema = Json::parse(is_json ? given : TRY(read_file(given, kSourceMax)));
    if (!schema.ok()) return schema.status().clone().with(is_json ? "--json-schema" : given);
    return optional(TRY(Grammar::from_json_schema(*schema)));
  }
  return std::optional<Grammar>();
}

std::string summary_line(const GenerateResult& made, const CausalLM& model) {
  const auto fixed = [](double value, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return std::string(text);
  };
  const auto count = made.ids.size();
  return cat(count > 1 ? cat(fixed(made.tokens_per_s(), 1), " tokens/s, ") : "", count,
             count == 1 ? " token" : " tokens", " after a prompt of ", made.prompt_tokens, " in ",
             fixed(made.prefill_s, 2), " s; ", model.numerics_name(), " numerics on ", model.backend().name);
}

}  // namespace hearth::inference
