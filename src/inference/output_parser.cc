// Taking an answer apart into text, reasoning and calls.
#include "inference/output_format.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "inference/output_formats_registry.h"

namespace hearth::inference {
namespace {

using wire::AnswerPart;
using Kind = AnswerPart::Kind;

constexpr std::string_view kBlank = " \t\r\n";

// How many bytes at the end of `text` could be the beginning of `marker`.
size_t beginning_of(std::string_view marker, std::string_view text) {
  for (size_t n = std::min(text.size(), marker.size() - 1); n > 0; --n)
    if (text.ends_with(marker.substr(0, n))) return n;
  return 0;
}

}  // namespace

const wire::Tool* CallContext::find(std::string_view name) const {
  const auto found = std::ranges::find(tools, name, &wire::Tool::name);
  return found == tools.end() ? nullptr : &*found;
}

const OutputFormat* find_output_format(std::string_view chat_template) {
  const OutputFormat* best = nullptr;
  for (const auto* format : output_formats::entries()) {
    const bool is_shown =
        std::ranges::all_of(format->marks, [&](std::string_view mark) { return contains(chat_template, mark); });
    if (is_shown && (!best || best->marks[1].empty())) best = format;
  }
  return best;
}

const OutputFormat& output_format(std::string_view name) {
  const auto all = output_formats::entries();
  const auto found = std::ranges::find(all, name, [](const OutputFormat* format) { return format->name; });
  VERIFY(found != all.end(), "a format of that name is in output_formats/");
  return **found;
}

std::optional<ReasoningMarks> find_reasoning(std::string_view chat_template) {
  if (contains(chat_template, "</think>")) return ReasoningMarks{"<think>", "</think>"};
  if (contains(chat_template, "[/THINK]")) return ReasoningMarks{"[THINK]", "[/THINK]"};
  return std::nullopt;
}

GrammarPart calls_grammar(const CallFrame& frame, const std::vector<wire::Tool>& tools, bool parallel,
                          bool behind_text) {
  using Part = GrammarPart::Kind;
  const auto literal = [](std::string_view text) {
    return GrammarPart{.kind = Part::literal, .text = std::string(text)};
  };
  GrammarPart call{.kind = Part::any_of};
  for (const auto& tool : tools) {
    auto schema = tool.parameters.is_null() ? Json(Json::Object{{"type", "object"}}) : tool.parameters;
    call.parts.push_back({.parts = {literal(cat(frame.before_name, tool.name, frame.after_name)),
                                    {.kind = Part::json_schema, .schema = std::move(schema)},
                                    literal(frame.after_arguments)}});
  }
  std::vector<GrammarPart> more;
  if (parallel) more.push_back({.kind = Part::any_number, .parts = {literal(frame.between), call}});
  GrammarPart calls;
  calls.parts.push_back(literal(frame.begin));
  calls.parts.push_back(std::move(call));
  for (auto& part : more) calls.parts.push_back(std::move(part));
  calls.parts.push_back(literal(frame.end));
  if (!behind_text) return calls;
  const GrammarPart text{.kind = Part::without, .text = std::string(trim(frame.begin))};
  return {.parts = {text, {.kind = Part::any_of, .parts = {literal(""), std::move(calls)}}}};
}

OutputParser::OutputParser(Options options) : options_(std::move(options)), in_reasoning_(options_.in_reasoning) {}
OutputParser::~OutputParser() = default;
OutputParser::OutputParser(OutputParser&&) noexcept = default;

std::vector<AnswerPart> OutputParser::read(std::string_view piece, bool at_end) {
  std::vector<AnswerPart> out;
  if (is_over_) return out;
  held_ += piece;
  if (reader_) raw_ += piece;
  while (reader_ ? read_call(at_end, out) : in_reasoning_ ? read_reasoning(at_end, out) : read_text(at_end, out)) {
  }
  return out;
}

void OutputParser::begin_call(std::string_view opener) {
  auto context = options_.context;
  context.known_only = opener.empty();
  reader_ = options_.format->reader(context, opener);
  raw_ = cat(opener, held_);
  opener_size_ = opener.size();
  reader_spoke_ = false;
  at_start_ = false;
}

bool OutputParser::read_call(bool at_end, std::vector<AnswerPart>& out) {
  std::vector<AnswerPart> made;
  auto state = reader_->read(held_, at_end, made);
  for (auto& part : made) {
    reader_spoke_ = true;
    if (part.kind == Kind::text) {
      add_text(part.text, out);
      continue;
    }
    if (part.kind == Kind::call) {
      if (has_call_ && !options_.parallel) {
        is_over_ = true;  // nothing of the rest is wanted
        return false;
      }
      has_call_ = true;
      part.id = options_.format->short_ids ? random_token(9) : cat("call_", random_token(24));
    }
    out.push_back(std::move(part));
  }
  if (state == CallReader::State::more && at_end) state = CallReader::State::failed;
  if (state == CallReader::State::more) return false;
  reader_ = nullptr;
  is_fresh_ = true;
  if (state == CallReader::State::done) return true;
  if (!reader_spoke_) {
    // No call after all: the opener is text, and what follows is looked at again, so that the next call is found
    // however the answer was cut.
    held_ = raw_.substr(opener_size_);
    raw_.resize(opener_size_);
    add_text(raw_, out);
  } else if (at_end) {
    held_.clear();  // a call that was cut
  }
  return !held_.empty();
}

bool OutputParser::read_reasoning(bool at_end, std::vector<AnswerPart>& out) {
  const auto close = options_.reasoning->close;
  const auto at = held_.find(close);
  const auto ready = at != std::string::npos ? at : at_end ? held_.size() : held_.size() - beginning_of(close, held_);
  if (ready > 0) out.push_back({Kind::reasoning, held_.substr(0, ready), {}, {}});
  held_.erase(0, ready);
  if (at == std::string::npos) return false;
  held_.erase(0, close.size());
  in_reasoning_ = false;
  is_fresh_ = true;
  return true;
}

// Blanks wait until text follows them: between calls, and behind reasoning, they mean nothing.
void OutputParser::add_text(std::string_view text, std::vector<AnswerPart>& out) {
  if (is_fresh_) {
    const auto begin = std::min(text.find_first_not_of(kBlank), text.size());
    blanks_ += text.substr(0, begin);
    if (begin == text.size()) return;
    text = text.substr(begin);
    is_fresh_ = false;
    if (!has_call_ && !options_.reasoning && !blanks_.empty()) out.push_back({Kind::text, std::move(blanks_), {}, {}});
    blanks_.clear();
  }
  at_start_ = false;
  if (!text.empty()) out.push_back({Kind::text, std::string(text), {}, {}});
}

bool OutputParser::read_text(bool at_end, std::vector<AnswerPart>& out) {
  if (held_.empty()) return false;
  if (at_start_ && options_.format && options_.format->bare) {
    const auto first = held_.find_first_not_of(kBlank);
    if (first == std::string::npos) return false;
    if (held_[first] == options_.format->bare) {
      held_.erase(0, first);
      begin_call({});
      return true;
    }
  }
  // The first marker, and how much of the end could become one.
  size_t at = std::string::npos, wait = 0;
  std::string_view found;
  const auto look = [&](std::string_view marker) {
    if (const auto place = held_.find(marker); place < at || (place == at && marker.size() > found.size())) {
      if (place == std::string::npos) {
        wait = std::max(wait, beginning_of(marker, held_));
        return;
      }
      at = place;
      found = marker;
    } else {
      wait = std::max(wait, beginning_of(marker, held_));
    }
  };
  if (options_.format)
    for (const auto opener : options_.format->openers)
      if (!opener.empty()) look(opener);
  if (options_.reasoning && at_start_) look(options_.reasoning->open);
  const auto ready = at != std::string::npos ? at : at_end ? held_.size() : held_.size() - wait;
  const auto text = held_.substr(0, ready);
  held_.erase(0, ready);
  add_text(text, out);
  if (found.empty()) return false;
  held_.erase(0, found.size());
  if (options_.reasoning && found == options_.reasoning->open) {
    in_reasoning_ = true;
    at_start_ = false;
  } else {
    begin_call(found);
  }
  return true;
}

}  // namespace hearth::inference
