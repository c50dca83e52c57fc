// Readers of tool calls that several formats share: JSON with the name inside, a name before JSON, tags.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "inference/output_format.h"

namespace hearth::inference {

/// Follows a JSON value byte by byte to its end.
class JsonValueScan {
 public:
  /// How many bytes from the front belong to the value.
  size_t take(std::string_view text);
  bool is_over() const { return is_over_; }

 private:
  int depth_ = 0;
  bool in_string_ = false, is_escaped_ = false, is_over_ = false, has_begun_ = false;
};

/// {"name": ..., "arguments": {...}}, one or several, in a list or not; `parameters` too, and the same inside a
/// "function" member. Ends at `closer`, or behind a call where none follows.
class JsonCalls final : public CallReader {
 public:
  JsonCalls(CallContext context, std::string_view closer) : context_(std::move(context)), closer_(closer) {}
  State read(std::string& text, bool at_end, std::vector<wire::AnswerPart>& out) override;

 private:
  enum class Step : uint8_t { outside, key, colon, value, name, skipped, streamed, kept };
  State step_outside(std::string& text, bool at_end);
  State step_value(std::string& text, std::vector<wire::AnswerPart>& out);
  State end_object(std::vector<wire::AnswerPart>& out);
  State take_name(std::string name, std::vector<wire::AnswerPart>& out);

  const CallContext context_;
  const std::string_view closer_;
  Step step_ = Step::outside;
  int lists_ = 0, nested_ = 0;
  bool has_call_ = false, is_named_ = false, has_arguments_ = false;
  std::string key_, kept_;
  JsonValueScan scan_;
};

/// A name in fixed text, then its arguments as JSON.
struct NamedCallForm {
  std::string_view before_name;  ///< of each call; may be empty
  std::string_view after_name;
  std::string_view after_arguments;  ///< everything up to it is left out; may be empty
  std::string_view closer;           ///< of all calls; empty: there is one call behind an opener
  std::string (*clean_name)(std::string_view written) = nullptr;
};
class NamedCalls final : public CallReader {
 public:
  explicit NamedCalls(const NamedCallForm& form) : form_(form) {}
  State read(std::string& text, bool at_end, std::vector<wire::AnswerPart>& out) override;

 private:
  enum class Step : uint8_t { outside, name, arguments, behind };
  const NamedCallForm form_;
  Step step_ = Step::outside;
  bool has_call_ = false;
  JsonValueScan scan_;
};

/// Names and values between tags; a value is JSON where the tool's schema does not say that it is a string.
struct TagForm {
  std::string_view before_name, after_name;  ///< empty after_name: the name ends where a line or a tag begins
  std::string_view before_key, after_key;
  std::string_view before_value, after_value;  ///< blanks before before_value are left out
  std::string_view after_call;                 ///< may be empty
  std::string_view closer;
};
class TagCalls final : public CallReader {
 public:
  TagCalls(CallContext context, const TagForm& form) : context_(std::move(context)), form_(form) {}
  State read(std::string& text, bool at_end, std::vector<wire::AnswerPart>& out) override;

 private:
  enum class Step : uint8_t { outside, name, key, value };
  void end_call(std::vector<wire::AnswerPart>& out);

  const CallContext context_;
  const TagForm form_;
  Step step_ = Step::outside;
  std::string name_, key_;
  bool has_arguments_ = false;
};

/// A value as a call writes it without quotes: JSON, unless the schema of `tool` says that `key` is a string or it is
/// none.
Json argument_value(const wire::Tool* tool, std::string_view key, std::string_view written);

/// The front of `text` as a marker: it is there, it could come, or it is not.
enum class Front : uint8_t { there, perhaps, absent };
Front front_of(std::string_view text, std::string_view marker);
void skip_blanks(std::string& text);

}  // namespace hearth::inference
