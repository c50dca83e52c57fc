// hearth perplexity: how well a model foretells a text, and how far another one, or another numerics, is from it.
// Source: transformers docs/source/en/perplexity.md (windows without overlap: its stride is the window); Kullback and
// Leibler's divergence from the model compared with, as llama.cpp's tools/perplexity gives it.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "inference/commands_registry.h"
#include "inference/load_options.h"
#include "transformers/model_source.h"
#include "transformers/text_generation.h"

namespace hearth::inference::commands {
namespace {

constexpr int64_t kTextBytesMax = 256 << 20;

/// What the places of a text sum to.
struct Totals {
  int64_t tokens = 0, same_top = 0;
  double surprise = 0, surprise_against = 0, divergence = 0;
};

/// The logarithm of the sum of e^x, and where the largest x is.
struct Row {
  std::span<const float> logits;
  double log_sum = 0;
  size_t top = 0;

  explicit Row(std::span<const float> values) : logits(values) {
    top = static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
    double sum = 0;
    for (const float x : values) sum += std::exp(static_cast<double>(x) - values[top]);
    log_sum = values[top] + std::log(sum);
  }
  double log_probability(size_t token) const { return logits[token] - log_sum; }
};

double divergence(const Row& from, const Row& to) {
  double out = 0;
  for (size_t i = 0; i < from.logits.size(); ++i)
    out += std::exp(from.log_probability(i)) * (from.log_probability(i) - to.log_probability(i));
  return out;
}

std::vector<float> logits_of(const CausalLM& model, std::span<const int32_t> ids) {
  auto cache = model.make_cache();
  const SequenceView sequence{&cache, ids, LogitRows::all};
  return to_vector(model.forward({&sequence, 1}));
}

/// `against` may be null.
void measure(const CausalLM& model, const CausalLM* against, std::span<const int32_t> ids, Totals& out) {
  const auto mine = logits_of(model, ids), other = against ? logits_of(*against, ids) : std::vector<float>();
  const size_t width = mine.size() / ids.size();
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    const auto next = static_cast<size_t>(ids[i + 1]);
    const Row row{std::span(mine).subspan(i * width, width)};
    out.surprise -= row.log_probability(next);
    ++out.tokens;
    if (!against) continue;
    const Row wanted{std::span(other).subspan(i * width, width)};
    out.surprise_against -= wanted.log_probability(next);
    out.divergence += divergence(wanted, row);
    out.same_top += row.top == wanted.top ? 1 : 0;
  }
}

std::string fixed(double value, int digits) {
  char out[64];
  std::snprintf(out, sizeof out, "%.*f", digits, value);
  return out;
}

Result<std::string> read_text(const Arguments& arguments, Terminal& terminal) {
  if (arguments.has("text")) return read_file(std::string(arguments.get("text")), kTextBytesMax);
  std::string out;
  for (auto line = terminal.read_line(); line.ok(); line = terminal.read_line()) out += cat(*line, "\n");
  return out;
}

void print(const Arguments& arguments, Terminal& terminal, const CausalLM& model, const Totals& totals) {
  const auto count = static_cast<double>(totals.tokens);
  const double perplexity = std::exp(totals.surprise / count);
  const bool compares = arguments.has("against");
  if (arguments.has("json")) {
    JsonWriter out;
    out.begin_object()
        .field("perplexity", perplexity)
        .field("tokens", totals.tokens)
        .field("numerics", model.numerics_name());
    if (compares)
      out.field("perplexity_against", std::exp(totals.surprise_against / count))
          .field("kl", totals.divergence / count)
          .field("same_top", static_cast<double>(totals.same_top) / count);
    return terminal.print_line(out.end().text());
  }
  terminal.print_line(
      cat("perplexity ", fixed(perplexity, 4), " over ", totals.tokens, " tokens, ", model.numerics_name()));
  if (!compares) return;
  terminal.print_line(cat("perplexity of the other model ", fixed(std::exp(totals.surprise_against / count), 4)));
  terminal.print_line(cat("mean KL divergence ", fixed(totals.divergence / count, 6), " nats"));
  terminal.print_line(cat("the same likeliest token at ", fixed(100 * static_cast<double>(totals.same_top) / count, 2),
                          " % of places"));
}

Status perplexity(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1)
    return {Code::bad_input, "one model is measured: hearth perplexity MODEL --text FILE [--against MODEL]"};
  const auto window = static_cast<size_t>(TRY(arguments.get_int("window", 512, 2, 1 << 16)));
  const auto windows = TRY(arguments.get_int("windows", INT64_MAX, 1, INT64_MAX));
  const auto options = TRY(load_options(arguments));
  const auto pipeline = TRY(TextGenerationPipeline::from_pretrained(TRY(resolve_model(words[0])), options));
  std::optional<TextGenerationPipeline> against;
  if (arguments.has("against")) {
    LoadOptions exact{.numerics = Numerics::exact};
    exact.backend = options.backend;
    against = TRY(TextGenerationPipeline::from_pretrained(TRY(resolve_model(arguments.get("against"))), exact));
    if (against->model().config().vocab_size != pipeline.model().config().vocab_size)
      return {Code::bad_input, cat("the models have ", pipeline.model().config().vocab_size, " and ",
                                   against->model().config().vocab_size, " tokens: they cannot be laid side by side")};
  }
  const auto text = TRY(read_text(arguments, terminal));
  const auto ids = TRY(pipeline.encode(text));
  if (ids.size() < 2) return {Code::bad_input, cat("a text of ", ids.size(), " tokens: there is nothing to foretell")};
  Totals totals;
  int64_t done = 0;
  for (size_t begin = 0; begin + 1 < ids.size() && done < windows; begin += window, ++done) {
    const auto piece = std::span(ids).subspan(begin, std::min(window, ids.size() - begin));
    measure(pipeline.model(), against ? &against->model() : nullptr, piece, totals);
    terminal.status_line(cat("perplexity ", fixed(std::exp(totals.surprise / static_cast<double>(totals.tokens)), 4),
                             " after ", totals.tokens, " of ", ids.size(), " tokens"));
  }
  print(arguments, terminal, pipeline.model(), totals);
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = perplexity(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody perplexity_entry{"perplexity", run};

}  // namespace hearth::inference::commands
