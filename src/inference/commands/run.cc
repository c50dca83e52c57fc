// hearth run: one prompt, one answer, streamed to standard output.
#include "base/text.h"
#include "inference/commands_registry.h"
#include "inference/generation_options.h"
#include "inference/load_options.h"
#include "transformers/model_source.h"
#include "transformers/text2text_generation.h"

namespace hearth::inference::commands {
namespace {

/// The prompt of the command line, or all of standard input.
std::string read_prompt(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() > 1) return words[1];
  std::string out;
  for (auto line = terminal.read_line(); line.ok(); line = terminal.read_line()) {
    if (!out.empty()) out += '\n';
    out += *line;
  }
  return out;
}

/// Of a model with an encoder: a translation, a summary, an answer.
Status answer_text(const Arguments& arguments, Terminal& terminal, const std::string& path) {
  const auto options = TRY(load_options(arguments));
  const auto pipeline = TRY(Text2TextGenerationPipeline::from_pretrained(path, arguments.get("task"), options));
  const auto& defaults = pipeline.generation_config();
  auto config = TRY(generation_options(arguments, defaults));
  if (!arguments.has("max-new-tokens") && defaults.max_length) config.max_new_tokens = defaults.max_new_tokens;
  if (auto grammar = TRY(grammar_option(arguments))) config.constraint = pipeline.constrain(*std::move(grammar));
  const std::vector prompt{read_prompt(arguments, terminal)};
  for (const auto& text : TRY(pipeline(prompt, config))) terminal.print(cat(text, "\n"));
  return {};
}

Status answer(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.empty()) return {Code::bad_input, "no model named: hearth run MODEL \"PROMPT\""};
  if (words.size() > 2) return {Code::bad_input, cat("unexpected word '", words[2], "': put the prompt in quotes")};
  const auto path = TRY(resolve_model(words[0]));
  if (is_encoder_decoder(path)) return answer_text(arguments, terminal, path);
  const auto options = TRY(load_options(arguments));
  const auto pipeline = TRY(TextGenerationPipeline::from_pretrained(path, options));
  auto config = TRY(generation_options(arguments, pipeline.generation_config()));
  if (auto grammar = TRY(grammar_option(arguments))) config.constraint = pipeline.constrain(*std::move(grammar));
  const auto prompt = read_prompt(arguments, terminal);
  std::vector<int32_t> ids;
  if (arguments.has("raw") || !pipeline.has_chat_template()) {
    ids = TRY(pipeline.encode(prompt));
  } else {
    Json message(Json::Object{{"role", "user"}, {"content", prompt}});
    ids = TRY(pipeline.encode_chat({.messages = Json::Array{std::move(message)}, .add_generation_prompt = true}));
  }
  Session session(pipeline.model());
  const auto made = TRY(pipeline.generate(session, ids, config, [&](std::string_view piece) {
    terminal.print(piece);
    return true;
  }));
  if (!made.text.ends_with('\n')) terminal.print("\n");
  terminal.note(summary_line(made.tokens, pipeline.model()));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = answer(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody run_entry{"run", run};

}  // namespace hearth::inference::commands
