// How models write tool calls and reasoning: one file of output_formats/ for each form that models are trained on, and
// OutputParser, which takes an answer apart while it is written.
// Source: the chat templates of the models; the markers of each form are listed in vLLM 0.11 vllm/entrypoints/openai/
// tool_parsers and reasoning, and in llama.cpp b11434 common/chat.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transformers/grammar.h"
#include "wire/answer.h"
#include "wire/openai.h"

namespace hearth::inference {

/// Reads what stands behind an opener. One opener, one reader.
class CallReader {
 public:
  enum class State : uint8_t { more, done, failed };
  virtual ~CallReader() = default;
  /// Takes from the front of `text` what it understands, as soon as that is certain, and adds what it means to `out`.
  /// `at_end`: no more text will come.
  virtual State read(std::string& text, bool at_end, std::vector<wire::AnswerPart>& out) = 0;
};

/// What a reader knows of the request.
struct CallContext {
  std::vector<wire::Tool> tools;
  bool known_only = false;  ///< a call of another name is no call: where no marker says that it is one
  const wire::Tool* find(std::string_view name) const;
};

/// Fixed text around the name and the arguments of a call, for holding a model to it.
struct CallFrame {
  std::string_view begin, before_name, after_name, after_arguments, between, end;
};

struct OutputFormat {
  std::string_view name;
  /// All of these (but the empty ones) stand in the chat templates of its models. Of several formats the one with most
  /// of them is meant.
  std::string_view marks[2] = {};
  /// Texts that begin calls wherever they stand.
  std::string_view openers[2] = {};
  /// The first character of an answer that is a call without an opener; 0: none.
  char bare = 0;
  std::unique_ptr<CallReader> (*reader)(const CallContext& context, std::string_view opener);
  /// Where arguments are JSON; other formats' models are held to Hermes' form.
  const CallFrame* frame = nullptr;
  bool short_ids = false;  ///< nine characters, as Mistral's templates demand
};

/// The format that a chat template shows; nullptr when it shows none.
const OutputFormat* find_output_format(std::string_view chat_template);
const OutputFormat& output_format(std::string_view name);

/// Any number of calls (one without `parallel`), each with arguments of its tool's schema. `behind_text`: they may be
/// absent, and text may stand before them.
GrammarPart calls_grammar(const CallFrame& frame, const std::vector<wire::Tool>& tools, bool parallel,
                          bool behind_text);

/// Where a model reasons before it answers.
struct ReasoningMarks {
  std::string_view open, close;
};
/// <think> and </think>, [THINK] and [/THINK]; nothing when the chat template has neither.
std::optional<ReasoningMarks> find_reasoning(std::string_view chat_template);

/// Takes one answer apart. Text between the parts is handed out as soon as it can no longer become a marker; what looks
/// like a call and is none stays text.
class OutputParser {
 public:
  struct Options {
    const OutputFormat* format = nullptr;  ///< nullptr: no calls are looked for
    CallContext context = {};
    std::optional<ReasoningMarks> reasoning = {};
    bool in_reasoning = false;  ///< the prompt has opened it
    bool parallel = true;       ///< false: calls after the first are left out
  };
  explicit OutputParser(Options options);
  ~OutputParser();
  OutputParser(OutputParser&&) noexcept;

  std::vector<wire::AnswerPart> push(std::string_view piece) { return read(piece, false); }
  std::vector<wire::AnswerPart> end() { return read({}, true); }
  bool in_reasoning() const { return in_reasoning_; }

 private:
  std::vector<wire::AnswerPart> read(std::string_view piece, bool at_end);
  bool read_call(bool at_end, std::vector<wire::AnswerPart>& out);
  bool read_reasoning(bool at_end, std::vector<wire::AnswerPart>& out);
  bool read_text(bool at_end, std::vector<wire::AnswerPart>& out);
  void begin_call(std::string_view opener);
  void add_text(std::string_view text, std::vector<wire::AnswerPart>& out);

  Options options_;
  std::string held_;  // not understood yet
  bool in_reasoning_;
  bool at_start_ = true;  // of the answer: nothing but blanks came
  bool is_fresh_ = true;  // of a piece of text: its leading blanks wait
  std::string blanks_;
  bool has_call_ = false, is_over_ = false;
  std::unique_ptr<CallReader> reader_;
  std::string raw_;         // what the reader was given, for the case that it is no call
  size_t opener_size_ = 0;  // of raw_
  bool reader_spoke_ = false;
};

}  // namespace hearth::inference
