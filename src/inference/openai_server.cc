#include "inference/openai_server.h"

#include <condition_variable>
#include <mutex>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "inference/server_parts.h"

namespace hearth::inference {
namespace {

using wire::AnswerHead;
using wire::Choice;

wire::FinishReason reason_of(FinishReason reason) {
  return reason == FinishReason::length ? wire::FinishReason::length : wire::FinishReason::stop;
}

// Several choices that end one by one; shared by the jobs that make them and whoever sends them.
struct Tally {
  size_t open = 0;
  wire::Usage usage;
  Status failure;
  // Counts a choice out; true when it was the last.
  bool end(JobEnd& end, bool counts_prompt) {
    if (counts_prompt) usage.prompt_tokens += end.prompt_tokens;
    usage.completion_tokens += end.completion_tokens;
    if (!end.failure.ok() && failure.ok()) failure = std::move(end.failure);
    return --open == 0;
  }
};

// All choices of a streamed answer, on the engine's thread.
struct Streamed {
  AnswerHead head;
  bool with_usage;
  std::shared_ptr<net::StreamWriter> writer;
  Tally tally;

  void end(int64_t index, JobEnd end, bool counts_prompt) {
    if (end.failure.ok()) writer->write(wire::event_finish(head, index, reason_of(end.reason), with_usage));
    if (!tally.end(end, counts_prompt)) return;
    if (!tally.failure.ok())
      writer->write(wire::event_error(tally.failure));
    else if (with_usage)
      writer->write(wire::event_usage(head, tally.usage));
    writer->write(wire::event_done());
    writer->close();
  }
};

// All choices of a whole answer: a pool thread waits for the engine's.
struct Whole {
  std::mutex mutex;
  std::condition_variable_any done;
  std::vector<Choice> choices;
  Tally tally;
};

}  // namespace

Result<std::vector<std::vector<int32_t>>> OpenAiServer::prompts(const wire::GenerateRequest& wanted) const {
  const auto& pipeline = decoder_.engine.pipeline();
  std::vector<std::vector<int32_t>> out;
  if (wanted.is_chat) {
    Conversation conversation;
    conversation.messages = wanted.messages;
    conversation.tools = wanted.tools;
    conversation.variables = wanted.template_variables;
    conversation.add_generation_prompt = true;
    out.push_back(TRY(pipeline.encode_chat(std::move(conversation))));
  }
  for (const auto& prompt : wanted.prompts) out.push_back(TRY(pipeline.encode(prompt)));
  const auto positions = pipeline.model().config().max_position_embeddings;
  for (const auto& ids : out)
    if (static_cast<int64_t>(ids.size()) >= positions)
      return Status(Code::bad_input,
                    cat("the prompt has ", ids.size(), " tokens; this model has positions for ", positions, " in all"));
  return out;
}

Result<GenerationConfig> OpenAiServer::config(const wire::GenerateRequest& wanted) const {
  auto out = decoder_.engine.pipeline().generation_config();
  // OpenAI's default is to sample at temperature 1; a checkpoint's own defaults come before that.
  out.do_sample = true;
  if (wanted.temperature) out.temperature = *wanted.temperature;
  if (out.temperature == 0) out.do_sample = false;
  if (wanted.top_p) out.top_p = *wanted.top_p;
  if (wanted.top_k) out.top_k = *wanted.top_k;
  out.max_new_tokens = wanted.max_tokens.value_or(decoder_.engine.pipeline().model().config().max_position_embeddings);
  out.stop = wanted.stop;
  out.presence_penalty = wanted.presence_penalty.value_or(out.presence_penalty);
  out.frequency_penalty = wanted.frequency_penalty.value_or(out.frequency_penalty);
  out.constraint = TRY(decoder_.constraints.of(wanted.form, decoder_.engine.pipeline()));
  TRY(out.check());
  return out;
}

Result<net::Response> OpenAiServer::generate(const wire::GenerateRequest& wanted, std::stop_token stop) {
  const auto all = TRY(prompts(wanted));
  const auto base = TRY(config(wanted));
  AnswerHead head{wanted.is_chat, cat(wanted.is_chat ? "chatcmpl-" : "cmpl-", random_token(24)), now_ms() / 1000, name_,
                  replace_all(cat("hearth-", std::string_view(HEARTH_VERSION), "-",
                                  decoder_.engine.pipeline().model().numerics_name()),
                              " ", "-")};
  const auto seed = wanted.seed.value_or(random_seed());
  const auto job_of = [&](size_t prompt, int64_t choice) {
    Job job;
    job.prompt = all[prompt];
    job.config = base;
    job.config.seed = seed + static_cast<uint64_t>(choice);
    return job;
  };

  if (wanted.stream) {
    auto streamed = std::make_shared<Streamed>(Streamed{head, wanted.include_usage, net::StreamWriter::make(), {}});
    streamed->tally.open = all.size() * static_cast<size_t>(wanted.n);
    for (size_t prompt = 0; prompt < all.size(); ++prompt)
      for (int64_t choice = 0; choice < wanted.n; ++choice) {
        const auto index = static_cast<int64_t>(prompt) * wanted.n + choice;
        auto job = job_of(prompt, choice);
        job.stop = streamed->writer->client_gone();
        job.on_text = [streamed, index](std::string_view piece) {
          return streamed->writer->write(wire::event_text(streamed->head, index, piece, streamed->with_usage));
        };
        job.on_end = [streamed, index, counts = choice == 0](JobEnd end) {
          streamed->end(index, std::move(end), counts);
        };
        streamed->writer->write(wire::event_open(head, index, wanted.include_usage));
        if (wanted.echo)
          streamed->writer->write(wire::event_text(head, index, wanted.prompts[prompt], wanted.include_usage));
        TRY(decoder_.engine.submit(std::move(job)));
      }
    net::Response out;
    out.headers.set("Content-Type", "text/event-stream; charset=utf-8");
    out.headers.set("Cache-Control", "no-cache");
    out.headers.set("X-Accel-Buffering", "no");
    out.body = streamed->writer;
    return out;
  }

  auto whole = std::make_shared<Whole>();
  whole->tally.open = all.size() * static_cast<size_t>(wanted.n);
  whole->choices.resize(whole->tally.open);
  for (size_t prompt = 0; prompt < all.size(); ++prompt)
    for (int64_t choice = 0; choice < wanted.n; ++choice) {
      const auto index = static_cast<int64_t>(prompt) * wanted.n + choice;
      auto job = job_of(prompt, choice);
      auto& slot = whole->choices[static_cast<size_t>(index)];
      slot.index = index;
      if (wanted.echo) slot.text = wanted.prompts[prompt];
      job.stop = stop;
      job.on_text = [whole, &slot](std::string_view piece) {
        slot.text += piece;
        return true;
      };
      job.on_end = [whole, &slot, counts = choice == 0](JobEnd end) {
        std::lock_guard lock(whole->mutex);
        slot.reason = reason_of(end.reason);
        if (whole->tally.end(end, counts)) whole->done.notify_all();
      };
      TRY(decoder_.engine.submit(std::move(job)));
    }
  std::unique_lock lock(whole->mutex);
  whole->done.wait(lock, [&] { return whole->tally.open == 0; });
  if (!whole->tally.failure.ok()) return whole->tally.failure.clone();
  return json_answer(wire::answer_json(head, whole->choices, whole->tally.usage));
}

}  // namespace hearth::inference
