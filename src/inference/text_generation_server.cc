#include "inference/text_generation_server.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>

#include "base/text.h"
#include "inference/server_parts.h"
#include "inference/telemetry.h"
#include "inference/text_tokens.h"
#include "inference/token_logprobs.h"
#include "inference/tool_use.h"

namespace hearth::inference {
namespace {

std::string spelling(const Tokenizer& tokenizer, int32_t id) {
  return tokenizer.decode({&id, 1}, {.skip_special_tokens = false});
}

wire::GeneratedToken told_token(const Tokenizer& tokenizer, int32_t id, std::optional<double> logprob) {
  return {.id = id, .text = spelling(tokenizer, id), .logprob = logprob, .special = tokenizer.is_special(id)};
}

/// One answer, as far as it is made; the engine's thread alone adds to it.
struct Answer {
  const wire::TextGenerationCall call;
  const Tokenizer tokenizer;
  wire::GeneratedSequence made = {};
  bool is_over = false;

  /// True when this was the last token.
  bool add(const MadeToken& token) {
    const auto own = token.logprob();
    const bool is_special = token.is_eos || tokenizer.is_special(token.id);
    made.tokens.push_back({.id = token.id,
                           .text = is_special ? spelling(tokenizer, token.id) : std::string(token.piece),
                           .logprob = own,
                           .special = is_special});
    if (call.top_n_tokens > 0) {
      auto& top = made.top_tokens.emplace_back();
      for (const auto& [id, logprob] : likeliest(token, own, call.top_n_tokens))
        top.push_back(told_token(tokenizer, id, logprob));
    }
    made.text += token.piece;
    if (token.is_last && !token.at_limit) made.finish_reason = "eos_token";  // or the answer's form is complete
    // TGI keeps the stop text, which ends the answer wherever it ends inside a token's text.
    const bool stops = !token.is_eos && std::ranges::any_of(call.stop, [&](const std::string& text) {
      const auto tail = std::min(made.text.size(), text.size() + token.piece.size());
      return contains(std::string_view(made.text).substr(made.text.size() - tail), text);
    });
    if (stops) made.finish_reason = "stop_sequence";
    return is_over = token.is_last || stops;
  }
  /// For the log and the counters: the engine takes an answer that needs no more tokens for one that nobody reads.
  void tell(JobEnd& end, const Asker& asker, int64_t max_new_tokens) const {
    if (is_over) end.reason = made.finish_reason == "length" ? FinishReason::length : FinishReason::stop;
    if (asker.record) asker.record->end(end, max_new_tokens);
  }
};

Result<std::vector<int32_t>> prompt_of(const TextGenerationPipeline& pipeline, const wire::TextGenerationCall& call,
                                       const wire::TextGenerationLimits& limits) {
  auto out = call.add_special_tokens ? TRY(pipeline.encode(call.inputs))
                                     : TRY(pipeline.encode_with_places(call.inputs, false)).ids;
  if (call.truncate && std::ssize(out) > *call.truncate) out.erase(out.begin(), out.end() - *call.truncate);
  const auto length = std::ssize(out), total = std::ptrdiff_t{limits.max_total_tokens};
  if (length > limits.max_input_tokens)
    return wire::invalid_generation(
        cat("`inputs` must have less than ", limits.max_input_tokens, " tokens. Given: ", length));
  if (call.max_new_tokens && *call.max_new_tokens > total - length)
    return wire::invalid_generation(cat("`inputs` tokens + `max_new_tokens` must be <= ", total, ". Given: ", length,
                                        " `inputs` tokens and ", *call.max_new_tokens, " `max_new_tokens`"));
  return out;
}

/// The job but for its callbacks.
Result<Job> job_of(Decoder& decoder, const wire::TextGenerationCall& call, const Asker& asker) {
  const auto& pipeline = decoder.engine.pipeline();
  const auto limits = text_generation_limits(decoder);
  if (call.adapter_id)
    return wire::invalid_generation(
        cat("`adapter_id` names '", *call.adapter_id, "'; this model is served without adapters"));
  Job out;
  out.prompt = TRY(prompt_of(pipeline, call, limits));
  // What the checkpoint says of sampling is not heeded, what ends its answers is.
  auto& config = out.config;
  config.eos_token_id = pipeline.generation_config().eos_token_id;
  config.max_new_tokens = call.max_new_tokens.value_or(limits.max_total_tokens - std::ssize(out.prompt));
  config.do_sample = call.do_sample;
  config.temperature = call.temperature.value_or(1);
  config.top_k = call.top_k.value_or(0);
  config.top_p = call.top_p.value_or(1);
  config.typical_p = call.typical_p.value_or(1);
  config.repetition_penalty = call.repetition_penalty.value_or(1);
  config.frequency_penalty = call.frequency_penalty.value_or(0);
  auto constraint = decoder.constraints.of(call.form, pipeline);
  if (!constraint.ok()) return wire::invalid_generation(cat("grammar is not valid: ", constraint.status().message()));
  config.constraint = *std::move(constraint);
  TRY(config.check());
  out.client = asker.client;
  return out;
}

std::string compute_type(const Decoder& decoder) {
  const auto name = std::string_view(decoder.engine.pipeline().model().backend().name);
  return name == "native" ? "cpu" : std::string(name);
}

int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

/// A seed that clients can send back: they know no more than 63 bits.
uint64_t drawn_seed() {
  return random_seed() >> 1;
}

net::Response stream_headers(const Decoder& decoder, const wire::TextGenerationCall& call) {
  net::Response out;
  out.headers.set("Content-Type", "text/event-stream");
  out.headers.set("Cache-Control", "no-cache");
  out.headers.set("x-compute-type", compute_type(decoder));
  out.headers.set("x-compute-characters", cat(characters(call.inputs)));
  out.headers.set("X-Accel-Buffering", "no");
  return out;
}

Result<net::Response> stream_text(Decoder& decoder, const wire::TextGenerationCall& call, const Asker& asker) {
  auto job = TRY(job_of(decoder, call, asker));
  const auto answer = std::make_shared<Answer>(Answer{call, decoder.engine.pipeline().tokenizer()});
  job.config.seed = call.seed.value_or(drawn_seed());
  if (call.do_sample) answer->made.seed = job.config.seed;
  answer->made.input_length = std::ssize(job.prompt);
  auto writer = net::StreamWriter::make();
  job.stop = writer->client_gone();
  job.on_token = [answer, writer](const MadeToken& token) {
    const bool is_last = answer->add(token);
    const bool sent = writer->write(wire::text_generation_event(answer->call, answer->made, is_last));
    return sent && !is_last;
  };
  job.on_end = [answer, writer, asker, most = *job.config.max_new_tokens](JobEnd end) {
    answer->tell(end, asker, most);
    if (!end.failure.ok()) writer->write(wire::text_generation_error_event(end.failure));
    writer->close();
  };
  TRY(decoder.engine.submit(std::move(job)));
  auto out = stream_headers(decoder, call);
  out.body = std::move(writer);
  return out;
}

/// Answers that are made at once. A pool thread waits for the engine's.
struct Answers {
  std::mutex mutex = {};
  std::condition_variable done = {};
  std::vector<std::shared_ptr<Answer>> all = {};
  std::vector<JobEnd> ends = {};
  size_t open = 0;

  void end(size_t index, JobEnd how) {
    std::lock_guard lock(mutex);
    ends[index] = std::move(how);
    if (--open == 0) done.notify_all();
  }
};

struct WholeText {
  std::string json;
  net::Headers headers;
};

net::Headers time_headers(const Decoder& decoder, const Answer& answer, const JobEnd& end, double arrived_s) {
  const auto now = monotonic_s(), inference = now - end.times.begun_s;
  const auto tokens = static_cast<double>(std::max<size_t>(answer.made.tokens.size(), 1));
  const auto ms = [](double seconds) { return cat(static_cast<int64_t>(seconds * 1000)); };
  net::Headers out;
  out.set("x-compute-type", compute_type(decoder));
  out.set("x-compute-time", cat(now - arrived_s));
  out.set("x-compute-characters", cat(characters(answer.call.inputs)));
  out.set("x-total-time", ms(now - arrived_s));
  out.set("x-validation-time", ms(end.times.submitted_s - arrived_s));
  out.set("x-queue-time", ms(end.times.begun_s - end.times.submitted_s));
  out.set("x-inference-time", ms(inference));
  out.set("x-time-per-token", ms(inference / tokens));
  out.set("x-prompt-tokens", cat(answer.made.input_length));
  out.set("x-generated-tokens", cat(answer.made.tokens.size()));
  return out;
}

Result<WholeText> whole_text(Decoder& decoder, const wire::TextGenerationCall& call, const Asker& asker) {
  const auto answers = std::make_shared<Answers>();
  const auto count = static_cast<size_t>(call.best_of);
  answers->ends.resize(count);
  answers->open = count;
  for (size_t i = 0; i < count; ++i) {
    auto job = TRY(job_of(decoder, call, asker));
    const auto& tokenizer = decoder.engine.pipeline().tokenizer();
    const auto answer = answers->all.emplace_back(std::make_shared<Answer>(Answer{call, tokenizer}));
    job.config.seed = call.seed.value_or(drawn_seed());
    if (call.do_sample) answer->made.seed = job.config.seed;
    answer->made.input_length = std::ssize(job.prompt);
    if (call.decoder_input_details) {
      if (!job.prompt.empty()) answer->made.prefill.push_back(told_token(tokenizer, job.prompt.front(), {}));
      job.on_prompt_token = [answer](const MadeToken& token) {
        answer->made.prefill.push_back(told_token(answer->tokenizer, token.id, token.logprob()));
      };
    }
    job.stop = asker.stop;
    job.on_token = [answer](const MadeToken& token) { return !answer->add(token); };
    job.on_end = [answers, answer, i, asker, most = *job.config.max_new_tokens](JobEnd end) {
      answer->tell(end, asker, most);
      answers->end(i, std::move(end));
    };
    auto accepted = decoder.engine.submit(std::move(job));
    if (accepted.ok()) continue;
    if (i == 0) return accepted;
    JobEnd refused;
    refused.failure = std::move(accepted);
    answers->end(i, std::move(refused));
  }
  std::unique_lock lock(answers->mutex);
  answers->done.wait(lock, [&] { return answers->open == 0; });
  for (const auto& end : answers->ends)
    if (!end.failure.ok()) return end.failure.clone();
  const auto best = static_cast<size_t>(
      std::ranges::max_element(answers->all, {}, [](const auto& answer) { return answer->made.mean_logprob(); }) -
      answers->all.begin());
  std::vector<wire::GeneratedSequence> others;
  for (size_t i = 0; i < count; ++i)
    if (i != best) others.push_back(std::move(answers->all[i]->made));
  const auto& chosen = *answers->all[best];
  return WholeText{wire::text_generation_json(call, chosen.made, others),
                   time_headers(decoder, chosen, answers->ends[best], asker.arrived_s)};
}

net::Response refusal(const Status& status, const Asker& asker) {
  const auto error = wire::generation_error(status);
  if (asker.record) asker.record->refuse(error.error_type, status);
  return json_answer(error.json(), error.http_status);
}

// Of a stream the head is sent before anything is looked at: what is wrong is an event.
net::Response failed_stream(const Decoder& decoder, const wire::TextGenerationCall& call, const Status& status,
                            const Asker& asker) {
  if (asker.record) asker.record->refuse(wire::generation_error(status).error_type, status);
  auto out = stream_headers(decoder, call);
  out.body = wire::text_generation_error_event(status);
  return out;
}

/// `as_list`: a list of the one answer.
net::Response generate(Decoder& decoder, const Json& body, const Asker& asker, std::optional<bool> streams,
                       bool as_list) {
  const bool is_stream = streams.value_or(body["stream"].as_bool());
  const auto call = wire::parse_text_generation_call(body, text_generation_limits(decoder), streams);
  if (is_stream) {
    auto answer = call.ok() ? stream_text(decoder, *call, asker) : Result<net::Response>(call.status().clone());
    if (answer.ok()) return *std::move(answer);
    if (answer.status().code() == Code::unsupported) return refusal(answer.status(), asker);
    return failed_stream(decoder, call.ok() ? *call : wire::TextGenerationCall(), answer.status(), asker);
  }
  auto whole = call.ok() ? whole_text(decoder, *call, asker) : Result<WholeText>(call.status().clone());
  if (!whole.ok()) return refusal(whole.status(), asker);
  auto out = json_answer(as_list ? cat("[", whole->json, "]") : std::move(whole->json));
  for (const auto& [name, value] : whole->headers) out.headers.set(name, value);
  return out;
}

Result<std::string> tokens_of(const Decoder& decoder, const Json& body) {
  if (!body["inputs"].is_string()) return wire::invalid_generation("`inputs` must be a text");
  const auto text = body["inputs"].as_string();
  auto encoding =
      TRY(decoder.engine.pipeline().encode_with_places(text, body["add_special_tokens"].as_bool(/*otherwise=*/true)));
  const auto truncate = body["parameters"]["truncate"].as_int();
  if (truncate > 0) encoding.truncate(static_cast<size_t>(truncate), 0, Side::left);
  return wire::tokenize_json(text_tokens(encoding, text));
}

Result<std::string> chat_tokens_of(const Decoder& decoder, const Json& body) {
  const auto wanted = TRY(wire::parse_chat_request(body));
  const auto& pipeline = decoder.engine.pipeline();
  const auto text = TRY(pipeline.chat_text(conversation_of(wanted, pipeline)));
  return wire::chat_tokenize_json(text_tokens(TRY(pipeline.encode_with_places(text, false)), text), text);
}

// Vertex AI's form: several calls in one, and of each answer the text alone.
net::Response predict(Decoder& decoder, const Json& body, const Asker& asker) {
  constexpr size_t kInstances = 32;
  const auto& instances = body["instances"];
  if (!instances.is_array() || instances.size() == 0 || instances.size() > kInstances)
    return refusal(wire::invalid_generation(cat("`instances` must be a list of 1 to ", kInstances, " calls")), asker);
  Json::Array out;
  for (const auto& instance : instances.array()) {
    const auto call = wire::parse_text_generation_call(instance, text_generation_limits(decoder), /*streams=*/false);
    auto whole = call.ok() ? whole_text(decoder, *call, asker) : Result<WholeText>(call.status().clone());
    if (!whole.ok()) return refusal(whole.status(), asker);
    out.push_back(Json::parse(whole->json).value_or(Json())["generated_text"]);
  }
  return json_answer(Json(Json::Object{{"predictions", std::move(out)}}).dump());
}

net::Response told(const Result<std::string>& json, const Asker& asker) {
  return json.ok() ? json_answer(*json) : refusal(json.status(), asker);
}

}  // namespace

wire::TextGenerationLimits text_generation_limits(const Decoder& decoder) {
  const auto positions = decoder.engine.pipeline().model().config().max_position_embeddings;
  return {.max_input_tokens = positions - 1, .max_total_tokens = positions};
}

net::Response continue_text(Decoder& decoder, const Json& body, const Asker& asker) {
  return generate(decoder, body, asker, {}, /*as_list=*/true);
}

std::optional<net::Response> answer_text_generation(Decoder& decoder, std::string_view path, const Json& body,
                                                    const Asker& asker) {
  if (path == "/generate") return generate(decoder, body, asker, false, /*as_list=*/false);
  if (path == "/generate_stream") return generate(decoder, body, asker, true, /*as_list=*/false);
  if (path == "/tokenize") return told(tokens_of(decoder, body), asker);
  if (path == "/vertex") return predict(decoder, body, asker);
  if (path != "/chat_tokenize") return {};
  const auto json = chat_tokens_of(decoder, body);
  if (json.ok()) return json_answer(*json);
  return json_answer(
      wire::GenerationError{422, cat("Template error: ", json.status().message()), "template_error"}.json(), 422);
}

net::Response text_generation_info(const Decoder& decoder, std::string_view name, std::string_view path) {
  return json_answer(
      wire::text_generation_info_json({.model_id = std::string(name),
                                       .model_sha = std::string(commit_of(path)),
                                       .limits = text_generation_limits(decoder),
                                       .max_concurrent_requests = static_cast<int64_t>(EngineOptions().waiting_max),
                                       .max_client_batch_size = 4,
                                       .validation_workers = kServerThreads}));
}

}  // namespace hearth::inference
