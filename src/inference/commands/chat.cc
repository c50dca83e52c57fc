// hearth chat: a conversation in the terminal. Ctrl-C stops an answer, /reset begins anew, /exit or Ctrl-D leaves.
#include <atomic>
#include <csignal>

#include "base/text.h"
#include "inference/commands_registry.h"
#include "inference/generation_options.h"
#include "inference/load_options.h"
#include "transformers/model_source.h"

namespace hearth::inference::commands {
namespace {

std::atomic<bool> interrupted{false};  // set by the signal handler, read between tokens
static_assert(std::atomic<bool>::is_always_lock_free);

/// While it lives, SIGINT ends the answer instead of the program.
class InterruptStopsAnswer {
 public:
  InterruptStopsAnswer() {
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    sigaction(SIGINT, &action, &before_);
  }
  ~InterruptStopsAnswer() { sigaction(SIGINT, &before_, nullptr); }
  InterruptStopsAnswer(const InterruptStopsAnswer&) = delete;
  InterruptStopsAnswer& operator=(const InterruptStopsAnswer&) = delete;

 private:
  struct sigaction before_ {};
};

Json message(std::string_view role, std::string_view content) {
  return Json::Object{{"role", role}, {"content", content}};
}

class Chat {
 public:
  Chat(const TextGenerationPipeline& pipeline, GenerationConfig config, std::string system)
      : pipeline_(pipeline), config_(std::move(config)), system_(std::move(system)), session_(pipeline.model()) {
    reset();
  }

  void reset() {
    messages_.clear();
    if (!system_.empty()) messages_.push_back(message("system", system_));
  }

  /// One turn. A failed one leaves the conversation as it was.
  Status say(std::string_view text, Terminal& terminal) {
    messages_.push_back(message("user", text));
    auto made = answer(terminal);
    if (!made.ok()) {
      messages_.pop_back();
      return std::move(made).status();
    }
    messages_.push_back(message("assistant", made->text));
    terminal.print(made->text.ends_with('\n') ? "\n" : "\n\n");
    terminal.note(summary_line(made->tokens, pipeline_.model()));
    return {};
  }

 private:
  Result<GeneratedText> answer(Terminal& terminal) {
    const auto prompt = TRY(pipeline_.encode_chat({.messages = messages_, .add_generation_prompt = true}));
    const InterruptStopsAnswer guard;
    return pipeline_.generate(session_, prompt, config_, [&](std::string_view piece) {
      terminal.print(piece);
      return !interrupted.load();
    });
  }

  const TextGenerationPipeline& pipeline_;
  GenerationConfig config_;
  std::string system_;
  Json::Array messages_;
  Session session_;
};

Status converse(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return {Code::bad_input, "hearth chat takes one model: hearth chat MODEL"};
  const auto options = TRY(load_options(arguments));
  const auto pipeline = TRY(TextGenerationPipeline::from_pretrained(TRY(resolve_model(words[0])), options));
  if (!pipeline.has_chat_template())
    return {Code::unsupported, cat(words[0], " has no chat template: continue a text with `hearth run --raw` instead")};
  auto config = TRY(generation_options(arguments, pipeline.generation_config()));
  if (auto grammar = TRY(grammar_option(arguments))) config.constraint = pipeline.constrain(*std::move(grammar));
  Chat chat(pipeline, config, std::string(arguments.get("system")));
  if (terminal.is_interactive()) terminal.note("Ctrl-C stops an answer; /reset begins anew; /exit leaves.");
  for (;;) {
    if (terminal.out_is_terminal()) terminal.print("> ");
    const auto line = terminal.read_line();
    if (!line.ok()) return {};
    const auto text = trim(*line);
    if (text.empty()) continue;
    if (text == "/exit") return {};
    if (text == "/reset") {
      chat.reset();
      continue;
    }
    if (text.starts_with('/')) {
      terminal.note(cat("no command ", text, "; there are /reset and /exit"));
      continue;
    }
    // A turn that failed (too long, say) does not end the conversation.
    if (const auto status = chat.say(text, terminal); !status.ok())
      terminal.note(cat(status.message(), status.code() == Code::too_large ? "; /reset begins anew" : ""));
  }
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = converse(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody chat_entry{"chat", run};

}  // namespace hearth::inference::commands
