#include "inference/text_generation_server.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "base/hash.h"
#include "base/text.h"
#include "inference/server_parts.h"

namespace hearth::inference {
namespace {

constexpr int64_t kNewTokens = 100;  // unless the call says how many

/// One answer, as far as it is made; the engine's thread alone adds to it.
struct Answer {
  wire::TextGenerationCall call;
  Tokenizer tokenizer;
  int64_t input_length = 0;
  std::optional<uint64_t> seed;  // of a drawn one
  std::string made;
  std::string_view reason = "length";
  std::vector<wire::GeneratedToken> tokens = {};

  /// True when this was the last token.
  bool add(const MadeToken& token) {
    const auto spelt = token.is_eos ? tokenizer.id_to_token(token.id) : std::nullopt;
    tokens.push_back({.id = token.id,
                      .text = std::string(spelt ? *spelt : token.piece),
                      .logprob = token.logprob(),
                      .special = token.is_eos || tokenizer.is_special(token.id)});
    made += token.piece;
    if (token.is_last && !token.at_limit) reason = "eos_token";  // or the answer's form is complete
    // TGI keeps the stop text, which ends the answer wherever it ends inside a token's text.
    const bool stops = !token.is_eos && std::ranges::any_of(call.stop, [&](const std::string& text) {
      return contains(
          std::string_view(made).substr(made.size() - std::min(made.size(), text.size() + token.piece.size())), text);
    });
    if (stops) reason = "stop_sequence";
    return token.is_last || stops;
  }
  std::string text() const { return call.return_full_text ? call.inputs + made : made; }
  wire::GenerationDetails details() const {
    return {.finish_reason = reason,
            .generated_tokens = static_cast<int64_t>(tokens.size()),
            .input_length = input_length,
            .seed = seed};
  }
};

Result<Job> job_of(Decoder& decoder, const wire::TextGenerationCall& call) {
  const auto& pipeline = decoder.engine.pipeline();
  Job out;
  out.prompt = TRY(pipeline.encode(call.inputs));
  if (call.truncate && static_cast<int64_t>(out.prompt.size()) > *call.truncate)
    out.prompt.erase(out.prompt.begin(), out.prompt.end() - *call.truncate);
  const auto positions = pipeline.model().config().max_position_embeddings;
  const auto length = static_cast<int64_t>(out.prompt.size());
  if (length >= positions)
    return wire::invalid_generation(cat("`inputs` must have less than ", positions, " tokens. Given: ", length));
  const auto wanted = call.max_new_tokens.value_or(std::min(kNewTokens, positions - length));
  if (wanted > positions - length)
    return wire::invalid_generation(cat("`inputs` tokens + `max_new_tokens` must be <= ", positions,
                                        ". Given: ", length, " `inputs` tokens and ", wanted, " `max_new_tokens`"));
  // What the checkpoint says of sampling is not heeded, what ends its answers is.
  auto& config = out.config;
  config.eos_token_id = pipeline.generation_config().eos_token_id;
  config.max_new_tokens = wanted;
  config.do_sample = call.do_sample;
  config.temperature = call.temperature.value_or(1);
  config.top_k = call.top_k.value_or(0);
  config.top_p = call.top_p.value_or(1);
  config.typical_p = call.typical_p.value_or(1);
  config.repetition_penalty = call.repetition_penalty.value_or(1);
  config.frequency_penalty = call.frequency_penalty.value_or(0);
  config.seed = call.seed.value_or(random_seed());
  config.constraint = TRY(decoder.constraints.of(call.form, pipeline));
  TRY(config.check());
  return out;
}

Result<net::Response> stream_text(Engine& engine, Job job, std::shared_ptr<Answer> answer) {
  auto writer = net::StreamWriter::make();
  job.stop = writer->client_gone();
  job.on_token = [answer, writer](const MadeToken& token) {
    const bool is_last = answer->add(token);
    const auto& newest = answer->tokens.back();
    const auto index = static_cast<int64_t>(answer->tokens.size());
    const auto details = answer->details();
    const bool sent =
        writer->write(is_last ? wire::text_generation_last_event(index, newest, answer->text(),
                                                                 answer->call.details ? &details : nullptr)
                              : wire::text_generation_event(index, newest));
    return sent && !is_last;
  };
  job.on_end = [writer](JobEnd end) {
    if (!end.failure.ok()) writer->write(wire::text_generation_error_event(end.failure));
    writer->close();
  };
  TRY(engine.submit(std::move(job)));
  net::Response out;
  out.headers.set("Content-Type", "text/event-stream");
  out.headers.set("Cache-Control", "no-cache");
  out.headers.set("X-Accel-Buffering", "no");
  out.body = std::move(writer);
  return out;
}

// A pool thread waits for the engine's.
struct Waiting {
  std::mutex mutex;
  std::condition_variable done;
  std::optional<JobEnd> end;
};

Result<net::Response> whole_text(Engine& engine, Job job, const std::shared_ptr<Answer>& answer, std::stop_token stop) {
  const auto waiting = std::make_shared<Waiting>();
  job.stop = std::move(stop);
  job.on_token = [answer](const MadeToken& token) { return !answer->add(token); };
  job.on_end = [waiting](JobEnd end) {
    std::lock_guard lock(waiting->mutex);
    waiting->end = std::move(end);
    waiting->done.notify_all();
  };
  TRY(engine.submit(std::move(job)));
  std::unique_lock lock(waiting->mutex);
  waiting->done.wait(lock, [&] { return waiting->end.has_value(); });
  if (!waiting->end->failure.ok()) return waiting->end->failure.clone();
  return json_answer(
      wire::text_generation_json(answer->text(), answer->details(), answer->tokens, answer->call.details));
}

}  // namespace

Result<net::Response> generate_text(Decoder& decoder, const wire::TextGenerationCall& call, const Asker& asker) {
  auto job = TRY(job_of(decoder, call));
  job.client = asker.client;
  auto answer = std::make_shared<Answer>(Answer{.call = call,
                                                .tokenizer = decoder.engine.pipeline().tokenizer(),
                                                .input_length = static_cast<int64_t>(job.prompt.size())});
  if (call.do_sample) answer->seed = job.config.seed;
  return call.stream ? stream_text(decoder.engine, std::move(job), std::move(answer))
                     : whole_text(decoder.engine, std::move(job), answer, asker.stop);
}

}  // namespace hearth::inference
