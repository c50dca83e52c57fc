// ChatTemplate: a model's Jinja template, parsed once and rendered to the prompt of a conversation, as transformers
// does. Source: jinja2 3.1.6 (ImmutableSandboxedEnvironment) as transformers 5.23.0 utils/chat_template_utils.py sets
// it up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth {

namespace jinja {
struct Program;
}

/// What one rendering may use, so that a hostile template ends with an error instead of taking the process with it.
struct RenderLimits {
  int64_t steps = 20'000'000;           ///< nodes evaluated, items visited
  int64_t allocated_bytes = 512 << 20;  ///< all strings and lists made, dead ones too
  int64_t output_bytes = 64 << 20;
  int depth = 400;  ///< nested expressions, macros and recursive loops
};

/// A conversation and what is said about it; apply() hands it to the template as apply_chat_template does.
struct Conversation {
  Json messages;                       ///< list of {"role", "content", ...}
  Json tools;                          ///< list of JSON schemas, or null
  Json documents;                      ///< list of objects, or null
  Json variables;                      ///< an object: bos_token, eos_token, enable_thinking, ...
  bool add_generation_prompt = false;  ///< open the assistant's turn at the end
  /// The last message is left open: no end of turn is rendered after its `content`. Excludes add_generation_prompt.
  bool continue_final_message = false;
  std::string continue_field = "content";  ///< which field of it is left open
};

/// Text with the spans that {% generation %} blocks made: byte offsets, first inclusive, second exclusive.
struct Rendered {
  std::string text;
  std::vector<std::pair<size_t, size_t>> generated;
};

/// Immutable and cheap to copy; any number of threads may render one at once.
class ChatTemplate {
 public:
  /// bad_input "line N: ..." where the source is not a template.
  static Result<ChatTemplate> parse(std::string source);

  /// `variables` is an object; its members are the template's names. bad_input "line N: ..." when the rendering fails
  /// or goes over a limit; what the template itself raises by raise_exception(message) is bad_input with just that
  /// message.
  Result<std::string> render(const Json& variables, const RenderLimits& limits = {}) const;
  Result<Rendered> render_with_spans(const Json& variables, const RenderLimits& limits = {}) const;

  /// The prompt of a conversation: null members of messages are dropped, reasoning aliases are filled in,
  /// continue_final_message cuts the text after the last message's content. Source: render_jinja_template in the file
  /// above and apply_chat_template in tokenization_utils_base.py.
  Result<std::string> apply(const Conversation& conversation, const RenderLimits& limits = {}) const;
  Result<Rendered> apply_with_spans(const Conversation& conversation, const RenderLimits& limits = {}) const;

  const std::string& source() const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const jinja::Program> program_;
};

}  // namespace hearth
