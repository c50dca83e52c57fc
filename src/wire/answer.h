// An answer of a generating model in parts (text, reasoning, tool calls), and what writes it in a protocol's words.
// Source: openai 3.54.0 types/chat/chat_completion*.py, from which the other protocols' answers can be told.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth::wire {

struct AnswerPart {
  enum class Kind : uint8_t { text, reasoning, call, arguments };
  Kind kind = Kind::text;
  std::string text;  ///< of a call: its arguments so far, which `arguments` go on with; JSON
  std::string name;  ///< of a call: the tool's
  std::string id;    ///< of a call
  friend bool operator==(const AnswerPart&, const AnswerPart&) = default;
};

/// Adds a part, or goes on with the last one.
void append_part(std::vector<AnswerPart>& parts, AnswerPart part);
/// The text of all parts of a kind.
std::string text_of(std::span<const AnswerPart> parts, AnswerPart::Kind kind);
bool has_calls(std::span<const AnswerPart> parts);

/// A token of an answer and what else it could have been.
struct TokenLogprob {
  std::string bytes;
  double logprob = 0;                                    ///< NaN for a prompt's first token, which follows nothing
  std::vector<std::pair<std::string, double>> top = {};  ///< the likeliest first
};

enum class FinishReason : uint8_t { stop, length };

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;     ///< of the prompt
  int64_t reasoning_tokens = 0;  ///< of the completion
};

struct Choice {
  int64_t index = 0;
  std::vector<AnswerPart> parts = {};
  std::vector<TokenLogprob> logprobs = {};
  FinishReason reason = FinishReason::stop;
  std::string stop_text = {};  ///< that ended it, where one did
};

/// One answer's identity: the same in all its chunks.
struct AnswerHead {
  std::string id;
  int64_t created_s = 0;
  std::string model;
  std::string fingerprint;  ///< says the numerics: "hearth-0.1.0-fast"
  int64_t prompt_tokens = 0;
};

/// Writes one answer, whole or as the events of a stream. Keeps where the stream is; used by one thread at a time.
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  virtual std::string whole(const std::vector<Choice>& choices, const Usage& usage) = 0;

  /// Events, each with its blank line: a choice begins, goes on, ends (`choice` has no parts: they were sent); all are
  /// over; all failed.
  virtual std::string open(int64_t index) = 0;
  virtual std::string more(int64_t index, std::span<const AnswerPart> parts,
                           std::span<const TokenLogprob> logprobs) = 0;
  virtual std::string finish(const Choice& choice) = 0;
  virtual std::string end(const Usage& usage) = 0;
  virtual std::string failure(const Status& status) = 0;
};

/// UTF-8, each ill-formed byte as U+FFFD: a token may be half a character.
std::string readable(std::string_view bytes);

}  // namespace hearth::wire
