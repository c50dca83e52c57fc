#include "inference/generation_server.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "inference/server_parts.h"
#include "inference/telemetry.h"
#include "inference/token_logprobs.h"
#include "inference/tool_use.h"

namespace hearth::inference {
namespace {

using wire::AnswerPart;
using wire::AnswerWriter;
using wire::Choice;

std::string bytes_of(const Tokenizer& tokenizer, int32_t id) {
  if (auto bytes = tokenizer.token_bytes(id)) return *std::move(bytes);
  return tokenizer.decode({&id, 1}, {.skip_special_tokens = false});
}

/// What the model itself thought of the token and of the likeliest ones.
wire::TokenLogprob logprob_of(const Tokenizer& tokenizer, const MadeToken& token, int64_t top) {
  const double own = token.logprob();
  wire::TokenLogprob out{bytes_of(tokenizer, token.id), own};
  for (const auto& [id, logprob] : likeliest(token, own, top)) out.top.emplace_back(bytes_of(tokenizer, id), logprob);
  return out;
}

/// One answer of several that are made at once and end one by one.
struct Answer {
  Choice choice;
  bool counts_prompt = false;  // the first one of its prompt

  std::optional<OutputParser> parser = {};  // of an answer that may be more than text
  int64_t reasoning_tokens = 0;             // about: pieces of text

  std::vector<AnswerPart> read(std::string_view piece) {
    if (parser) {
      reasoning_tokens += parser->in_reasoning() ? 1 : 0;
      return parser->push(piece);
    }
    if (piece.empty()) return {};
    return {{.kind = AnswerPart::Kind::text, .text = std::string(piece), .name = {}, .id = {}}};
  }
  std::vector<AnswerPart> read_end() { return parser ? parser->end() : std::vector<AnswerPart>(); }
};

/// All answers of a request. The engine's thread adds to it; whoever waits looks at it once `open` is 0.
struct Answers {
  Answers(wire::GenerateRequest asked, Tokenizer reads, std::unique_ptr<AnswerWriter> writes)
      : request(std::move(asked)),
        tokenizer(std::move(reads)),
        writer(std::move(writes)),
        stream(request.stream ? net::StreamWriter::make() : nullptr) {}

  const wire::GenerateRequest request;
  const Tokenizer tokenizer;
  std::mutex mutex = {};
  const std::unique_ptr<AnswerWriter> writer;
  const std::shared_ptr<net::StreamWriter> stream;  // where the request wants one
  std::vector<Answer> all = {};
  size_t open = 0;
  wire::Usage usage = {};
  Status failure = {};
  std::condition_variable done = {};

  bool more(Answer& answer, std::vector<AnswerPart> parts, std::vector<wire::TokenLogprob> logprobs) {
    std::lock_guard lock(mutex);
    if (stream) {
      if (parts.empty() && logprobs.empty()) return true;
      const auto text = writer->more(answer.choice.index, parts, logprobs);
      return text.empty() || stream->write(text);
    }
    for (auto& part : parts) append_part(answer.choice.parts, std::move(part));
    std::ranges::move(logprobs, std::back_inserter(answer.choice.logprobs));
    return true;
  }

  void end(Answer& answer, JobEnd end) {
    if (end.failure.ok()) more(answer, answer.read_end(), {});
    std::lock_guard lock(mutex);
    auto& choice = answer.choice;
    choice.reason = end.reason == FinishReason::length ? wire::FinishReason::length : wire::FinishReason::stop;
    choice.stop_text = std::move(end.stop_text);
    if (stream && end.failure.ok()) stream->write(writer->finish(choice));
    if (answer.counts_prompt) {
      usage.prompt_tokens += end.prompt_tokens;
      usage.cached_tokens += end.cached_tokens;
    }
    usage.completion_tokens += end.completion_tokens;
    usage.reasoning_tokens += answer.reasoning_tokens;
    if (!end.failure.ok() && failure.ok()) failure = std::move(end.failure);
    if (--open > 0) return;
    if (stream) {
      stream->write(failure.ok() ? writer->end(usage) : writer->failure(failure));
      stream->close();
    }
    done.notify_all();
  }
};

}  // namespace

Result<std::vector<std::vector<int32_t>>> GenerationServer::prompts(const wire::GenerateRequest& wanted) const {
  const auto& pipeline = decoder_.engine.pipeline();
  std::vector<std::vector<int32_t>> out;
  if (wanted.is_chat) out.push_back(TRY(pipeline.encode_chat(conversation_of(wanted, pipeline))));
  for (const auto& prompt : wanted.prompts)
    out.push_back(prompt.is_ids ? prompt.ids : TRY(pipeline.encode(prompt.text)));
  const auto positions = pipeline.model().config().max_position_embeddings;
  for (const auto& ids : out)
    if (static_cast<int64_t>(ids.size()) >= positions)
      return Status(Code::too_large, cat("This model's maximum context length is ", positions,
                                         " tokens. However, your messages resulted in ", ids.size(),
                                         " tokens. Please reduce the length of the messages."));
  return out;
}

Result<GenerationConfig> GenerationServer::config(const wire::GenerateRequest& wanted) const {
  const auto& pipeline = decoder_.engine.pipeline();
  const auto& model = pipeline.model().config();
  auto out = pipeline.generation_config();
  // OpenAI's default is to sample at temperature 1; a checkpoint's own defaults come before that.
  out.do_sample = true;
  if (wanted.temperature) out.temperature = *wanted.temperature;
  if (out.temperature == 0) out.do_sample = false;
  if (wanted.top_p) out.top_p = *wanted.top_p;
  if (wanted.min_p) out.min_p = *wanted.min_p;
  if (wanted.top_k) out.top_k = *wanted.top_k;
  out.max_new_tokens = wanted.max_tokens.value_or(model.max_position_embeddings);
  out.min_new_tokens = std::min(wanted.min_tokens, *out.max_new_tokens);
  out.stop = wanted.stop;
  out.presence_penalty = wanted.presence_penalty.value_or(out.presence_penalty);
  out.frequency_penalty = wanted.frequency_penalty.value_or(out.frequency_penalty);
  out.repetition_penalty = wanted.repetition_penalty.value_or(out.repetition_penalty);
  for (const auto& [id, bias] : wanted.logit_bias) {
    if (id >= model.vocab_size)
      return wire::wrong_key("logit_bias", cat("names token ", id, "; this model has ", model.vocab_size));
    out.sequence_bias.push_back({{id}, bias});
  }
  if (wanted.ignore_eos) out.eos_token_id.clear();
  std::ranges::copy(wanted.stop_token_ids, std::back_inserter(out.eos_token_id));
  TRY(out.check());
  return out;
}

Result<net::Response> GenerationServer::generate(const wire::GenerateRequest& wanted, std::string_view id_prefix,
                                                 const MakeWriter& make_writer, const Asker& asker) {
  const auto all = TRY(prompts(wanted));
  auto base = TRY(config(wanted));
  const auto reading = TRY(reading_of(wanted, decoder_, all[0]));
  base.constraint = reading.constraint;
  const auto& pipeline = decoder_.engine.pipeline();
  wire::AnswerHead head{
      cat(id_prefix, random_token(24)), now_ms() / 1000, name_,
      replace_all(cat("hearth-", std::string_view(HEARTH_VERSION), "-", pipeline.model().numerics_name()), " ", "-"),
      static_cast<int64_t>(all[0].size())};
  const auto answers = std::make_shared<Answers>(wanted, pipeline.tokenizer(), make_writer(std::move(head)));
  const auto count = static_cast<size_t>(wanted.n);
  answers->all.resize(all.size() * count);
  answers->open = answers->all.size();
  const auto seed = wanted.seed.value_or(random_seed());
  for (size_t index = 0; index < answers->all.size(); ++index) {
    auto& answer = answers->all[index];
    answer.choice.index = static_cast<int64_t>(index);
    answer.counts_prompt = index % count == 0;
    if (!reading.is_plain) answer.parser.emplace(reading.options);
    if (answers->stream) answers->stream->write(answers->writer->open(answer.choice.index));
    if (!wanted.echo) continue;
    const auto& asked = wanted.prompts[index / count];
    std::vector<wire::TokenLogprob> first;
    if (wanted.logprobs && !all[index / count].empty())
      first.push_back({bytes_of(pipeline.tokenizer(), all[index / count][0]), std::nan("")});
    answers->more(answer, answer.read(asked.is_ids ? pipeline.tokenizer().decode(asked.ids) : asked.text),
                  std::move(first));
  }
  for (size_t index = 0; index < answers->all.size(); ++index) {
    auto& answer = answers->all[index];
    Job job;
    job.prompt = all[index / count];
    job.config = base;
    job.keeps_special_tokens = !reading.is_plain;
    job.config.seed = seed + index % count;
    job.stop = answers->stream ? answers->stream->client_gone() : asker.stop;
    job.client = asker.client;
    if (wanted.logprobs && wanted.echo)
      job.on_prompt_token = [answers, &answer](const MadeToken& token) {
        std::vector<wire::TokenLogprob> logprobs;
        logprobs.push_back(logprob_of(answers->tokenizer, token, *answers->request.logprobs));
        answers->more(answer, {}, std::move(logprobs));
      };
    // A token's probability is a sum over the vocabulary: only for those who ask.
    if (wanted.logprobs)
      job.on_token = [answers, &answer](const MadeToken& token) {
        std::vector<wire::TokenLogprob> logprobs;
        if (!token.is_eos) logprobs.push_back(logprob_of(answers->tokenizer, token, *answers->request.logprobs));
        return answers->more(answer, answer.read(token.piece), std::move(logprobs));
      };
    else
      job.on_text = [answers, &answer](std::string_view piece) {
        return answers->more(answer, answer.read(piece), {});
      };
    job.on_end = [answers, &answer, record = asker.record, most = *job.config.max_new_tokens](JobEnd end) {
      if (record) record->end(end, most);
      answers->end(answer, std::move(end));
    };
    auto accepted = decoder_.engine.submit(std::move(job));
    if (accepted.ok()) continue;
    if (index == 0) return accepted;
    JobEnd refused;
    refused.failure = std::move(accepted);
    answers->end(answer, std::move(refused));
  }

  if (answers->stream) {
    net::Response out;
    out.headers.set("Content-Type", "text/event-stream; charset=utf-8");
    out.headers.set("Cache-Control", "no-cache");
    out.headers.set("X-Accel-Buffering", "no");
    out.body = answers->stream;
    return out;
  }
  std::unique_lock lock(answers->mutex);
  answers->done.wait(lock, [&] { return answers->open == 0; });
  if (!answers->failure.ok()) return answers->failure.clone();
  std::vector<Choice> choices;
  for (auto& answer : answers->all) choices.push_back(std::move(answer.choice));
  return json_answer(answers->writer->whole(choices, answers->usage));
}

}  // namespace hearth::inference
