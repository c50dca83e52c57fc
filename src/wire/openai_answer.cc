#include "wire/openai_answer.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/json.h"
#include "base/text.h"

namespace hearth::wire {
namespace {

constexpr double kLeastLogprob = -9999;  // JSON has no infinity

using Kind = AnswerPart::Kind;

std::string event(std::string_view json) {
  return cat("data: ", json, "\n\n");
}

void usage_member(JsonWriter& out, const Usage& usage) {
  out.key("usage").begin_object().field("prompt_tokens", usage.prompt_tokens);
  out.field("completion_tokens", usage.completion_tokens);
  out.field("total_tokens", usage.prompt_tokens + usage.completion_tokens);
  out.key("prompt_tokens_details").begin_object().field("cached_tokens", usage.cached_tokens).end();
  out.key("completion_tokens_details").begin_object().field("reasoning_tokens", usage.reasoning_tokens).end().end();
}

/// What chats and completions have in common: the chunks' frame.
class Writer : public AnswerWriter {
 public:
  Writer(const GenerateRequest& request, AnswerHead head) : request_(request), head_(std::move(head)) {}

  std::string whole(const std::vector<Choice>& choices, const Usage& usage) override {
    JsonWriter out;
    begin(out, false);
    out.key("choices").begin_array();
    for (const auto& choice : choices) {
      out.begin_object().field("index", choice.index);
      body(out, choice);
      out.key("logprobs");
      logprobs(out, choice.index, choice.logprobs);
      out.field("finish_reason", reason(choice, has_calls(choice.parts))).end();
    }
    out.end();
    usage_member(out, usage);
    return out.end().take();
  }

  std::string end(const Usage& usage) override {
    if (!request_.include_usage) return event_done();
    JsonWriter out;
    begin(out, true);
    out.key("choices").begin_array().end();
    usage_member(out, usage);
    return event(out.end().take()) + event_done();
  }

  std::string failure(const Status& status) override { return event_error(status) + event_done(); }

 protected:
  virtual std::string_view object(bool is_chunk) const = 0;
  virtual void body(JsonWriter& out, const Choice& choice) = 0;
  /// The value of `logprobs`.
  virtual void logprobs(JsonWriter& out, int64_t index, std::span<const TokenLogprob> tokens) = 0;

  std::string_view reason(const Choice& choice, bool calls) const {
    if (choice.reason == FinishReason::length) return "length";
    // A call that was asked for by name ends in "stop", as OpenAI's do.
    return calls && request_.tool_choice.kind != ToolChoice::Kind::named ? "tool_calls" : "stop";
  }

  // One choice's chunk; `write_body` writes its delta or text.
  template <class WriteBody>
  std::string chunk(int64_t index, const WriteBody& write_body, std::span<const TokenLogprob> tokens,
                    std::string_view reason) {
    JsonWriter out;
    begin(out, true);
    out.key("choices").begin_array().begin_object().field("index", index);
    write_body(out);
    out.key("logprobs");
    logprobs(out, index, tokens);
    out.key("finish_reason");
    if (reason.empty())
      out.null();
    else
      out.value(reason);
    out.end().end();
    if (request_.include_usage) out.key("usage").null();
    return event(out.end().take());
  }

 private:
  void begin(JsonWriter& out, bool is_chunk) const {
    out.begin_object().field("id", head_.id).field("object", object(is_chunk));
    out.field("created", head_.created_s).field("model", head_.model).field("system_fingerprint", head_.fingerprint);
  }

 protected:
  const GenerateRequest request_;

 private:
  const AnswerHead head_;
};

class ChatWriter final : public Writer {
 public:
  using Writer::Writer;

  std::string open(int64_t index) override {
    const auto delta = [](JsonWriter& out) {
      out.key("delta").begin_object().field("role", "assistant").field("content", "").end();
    };
    return chunk(index, delta, {}, {});
  }

  std::string more(int64_t index, std::span<const AnswerPart> parts, std::span<const TokenLogprob> tokens) override {
    std::string out;
    for (const auto& part : parts) {
      auto& calls = calls_[index];
      if (part.kind == Kind::call) ++calls;
      out += chunk(index, [&](JsonWriter& json) { delta(json, part, calls - 1); }, tokens, {});
      tokens = {};
    }
    if (!tokens.empty())
      out += chunk(index, [](JsonWriter& json) { json.key("delta").begin_object().end(); }, tokens, {});
    return out;
  }

  std::string finish(const Choice& choice) override {
    return chunk(
        choice.index, [](JsonWriter& out) { out.key("delta").begin_object().end(); }, choice.logprobs,
        reason(choice, calls_[choice.index] > 0));
  }

 private:
  std::string_view object(bool is_chunk) const override {
    return is_chunk ? "chat.completion.chunk" : "chat.completion";
  }

  static void delta(JsonWriter& out, const AnswerPart& part, int64_t call) {
    out.key("delta").begin_object();
    switch (part.kind) {
      case Kind::text:
        out.field("content", part.text);
        break;
      case Kind::reasoning:
        out.field("reasoning_content", part.text).field("reasoning", part.text);
        break;
      case Kind::call:
        out.key("tool_calls").begin_array().begin_object().field("index", call).field("id", part.id);
        out.field("type", "function").key("function").begin_object().field("name", part.name);
        out.field("arguments", part.text).end().end().end();
        break;
      case Kind::arguments:
        out.key("tool_calls").begin_array().begin_object().field("index", call).key("function").begin_object();
        out.field("arguments", part.text).end().end().end();
        break;
    }
    out.end();
  }

  void body(JsonWriter& out, const Choice& choice) override {
    const auto text = text_of(choice.parts, Kind::text), reasoning = text_of(choice.parts, Kind::reasoning);
    const bool calls = has_calls(choice.parts);
    out.key("message").begin_object().field("role", "assistant").key("content");
    if (calls && text.empty())
      out.null();
    else
      out.value(text);
    out.key("refusal").null();
    if (!reasoning.empty()) out.field("reasoning_content", reasoning).field("reasoning", reasoning);
    if (calls) {
      out.key("tool_calls").begin_array();
      for (const auto& part : choice.parts)
        if (part.kind == Kind::call) {
          out.begin_object().field("id", part.id).field("type", "function").key("function").begin_object();
          out.field("name", part.name).field("arguments", part.text).end().end();
        }
      out.end();
    }
    out.end();
  }

  static void token(JsonWriter& out, std::string_view bytes, double logprob) {
    out.field("token", readable(bytes)).field("logprob", std::max(logprob, kLeastLogprob)).key("bytes").begin_array();
    for (const char byte : bytes) out.value(static_cast<int>(static_cast<uint8_t>(byte)));
    out.end();
  }

  void logprobs(JsonWriter& out, int64_t, std::span<const TokenLogprob> tokens) override {
    if (!request_.logprobs || tokens.empty()) {
      out.null();
      return;
    }
    out.begin_object().key("content").begin_array();
    for (const auto& one : tokens) {
      out.begin_object();
      token(out, one.bytes, one.logprob);
      out.key("top_logprobs").begin_array();
      for (const auto& [bytes, logprob] : one.top) {
        out.begin_object();
        token(out, bytes, logprob);
        out.end();
      }
      out.end().end();
    }
    out.end().key("refusal").null().end();
  }

  std::map<int64_t, int64_t> calls_;  // of each choice, so far
};

class CompletionWriter final : public Writer {
 public:
  using Writer::Writer;

  std::string open(int64_t) override { return {}; }

  std::string more(int64_t index, std::span<const AnswerPart> parts, std::span<const TokenLogprob> tokens) override {
    const auto text = text_of(parts, Kind::text);
    if (text.empty() && tokens.empty()) return {};
    return chunk(index, [&](JsonWriter& out) { out.field("text", text); }, tokens, {});
  }

  std::string finish(const Choice& choice) override {
    return chunk(
        choice.index, [](JsonWriter& out) { out.field("text", ""); }, choice.logprobs, reason(choice, false));
  }

 private:
  std::string_view object(bool) const override { return "text_completion"; }
  void body(JsonWriter& out, const Choice& choice) override { out.field("text", text_of(choice.parts, Kind::text)); }

  void logprobs(JsonWriter& out, int64_t index, std::span<const TokenLogprob> tokens) override {
    if (!request_.logprobs || tokens.empty()) {
      out.null();
      return;
    }
    auto& offset = offsets_[index];
    out.begin_object().key("text_offset").begin_array();
    for (const auto& token : tokens) {
      out.value(offset);
      // In characters, as Python counts.
      offset += std::ranges::count_if(readable(token.bytes), [](char c) { return (c & 0xC0) != 0x80; });
    }
    out.end().key("tokens").begin_array();
    for (const auto& token : tokens) out.value(readable(token.bytes));
    out.end().key("token_logprobs").begin_array();
    for (const auto& token : tokens) {
      if (std::isnan(token.logprob))
        out.null();
      else
        out.value(std::max(token.logprob, kLeastLogprob));
    }
    out.end().key("top_logprobs").begin_array();
    for (const auto& token : tokens) {
      if (std::isnan(token.logprob)) {
        out.null();
        continue;
      }
      Json::Object top;
      for (const auto& [bytes, logprob] : token.top)
        if (auto name = readable(bytes); std::ranges::find(top, name, &Json::Member::first) == top.end())
          top.emplace_back(std::move(name), std::max(logprob, kLeastLogprob));
      out.value(Json(std::move(top)));
    }
    out.end().end();
  }

  std::map<int64_t, int64_t> offsets_;  // of each choice: where its next token begins
};

}  // namespace

std::unique_ptr<AnswerWriter> openai_writer(const GenerateRequest& request, AnswerHead head) {
  if (request.is_chat) return std::make_unique<ChatWriter>(request, std::move(head));
  return std::make_unique<CompletionWriter>(request, std::move(head));
}

std::string event_done() {
  return "data: [DONE]\n\n";
}

int error_status(const Status& status) {
  const auto code = status.code();
  return code == Code::unsupported || code == Code::too_large ? 400
         : code == Code::busy                                 ? 429
                                                              : code_row(code).http_status;
}

std::string error_json(const Status& status, int http) {
  const std::string_view message = status.message();
  const auto quote = message.starts_with('\'') ? message.find('\'', 1) : std::string_view::npos;
  const std::string_view type = http >= 500   ? "server_error"
                                : http == 401 ? "authentication_error"
                                : http == 403 ? "permission_error"
                                : http == 429 ? "rate_limit_error"
                                              : "invalid_request_error";
  JsonWriter out;
  out.begin_object().key("error").begin_object().field("message", message).field("type", type).key("param");
  if (http == 400 && status.code() == Code::too_large)
    out.value("messages");
  else if (status.code() == Code::repo_not_found)
    out.value("model");
  else if (http == 400 && quote != std::string_view::npos)
    out.value(message.substr(1, quote - 1));
  else
    out.null();
  out.key("code");
  switch (status.code()) {
    case Code::too_large:
      out.value(http == 400 ? "context_length_exceeded" : "too_large");
      break;
    case Code::repo_not_found:
    case Code::entry_not_found:
      out.value("model_not_found");
      break;
    case Code::unauthenticated:
      out.value("invalid_api_key");
      break;
    case Code::busy:
      out.value("rate_limit_exceeded");
      break;
    default:
      out.value(code_row(status.code()).name);
  }
  return out.end().end().take();
}

std::string event_error(const Status& status) {
  return event(error_json(status));
}

namespace {
void model_row(JsonWriter& out, const ModelRow& row) {
  out.begin_object().field("id", row.id).field("object", "model").field("created", row.created_s);
  out.field("owned_by", row.owner).end();
}
}  // namespace

std::string models_json(const std::vector<ModelRow>& rows) {
  JsonWriter out;
  out.begin_object().field("object", "list").key("data").begin_array();
  for (const auto& row : rows) model_row(out, row);
  return out.end().end().take();
}

std::string model_json(const ModelRow& row) {
  JsonWriter out;
  model_row(out, row);
  return out.take();
}

}  // namespace hearth::wire
