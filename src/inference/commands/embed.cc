// hearth embed: texts of the command line or of standard input as vectors.
#include <charconv>

#include "base/text.h"
#include "inference/commands_registry.h"
#include "inference/load_options.h"
#include "transformers/model_source.h"
#include "transformers/sentence_transformer.h"

namespace hearth::inference::commands {
namespace {

/// The shortest text that reads back as the same f32.
std::string number(float value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

std::string line(const std::vector<float>& vector, std::string_view separator) {
  std::vector<std::string> numbers;
  for (const float value : vector) numbers.push_back(number(value));
  return join(numbers, separator);
}

Status embed(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.empty()) return {Code::bad_input, "no model named: hearth embed MODEL \"TEXT\""};
  if (arguments.has("prompt") && arguments.has("prompt-name"))
    return {Code::bad_input, "--prompt and --prompt-name are two prompts: give one of them"};
  SentenceEncodeOptions options{.prompt_name = std::string(arguments.get("prompt-name")),
                                .batch_size = TRY(arguments.get_int("batch-size", 32, 1, 1 << 16)),
                                .normalize_embeddings = arguments.has("normalize")};
  if (arguments.has("prompt")) options.prompt = std::string(arguments.get("prompt"));
  const auto model =
      TRY(SentenceTransformer::from_pretrained(TRY(resolve_model(words[0])), TRY(load_options(arguments))));
  std::vector<std::string> texts(words.begin() + 1, words.end());
  if (texts.empty())
    for (auto text = terminal.read_line(); text.ok(); text = terminal.read_line()) texts.push_back(*text);
  const auto vectors = TRY(model.encode(texts, options));
  if (!arguments.has("json")) {
    for (const auto& vector : vectors) terminal.print_line(line(vector, " "));
    return {};
  }
  std::vector<std::string> rows;
  for (const auto& vector : vectors) rows.push_back(cat("[", line(vector, ", "), "]"));
  terminal.print_line(cat("[", join(rows, ",\n "), "]"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = embed(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody embed_entry{"embed", run};

}  // namespace hearth::inference::commands
