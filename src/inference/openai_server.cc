#include "inference/openai_server.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"

namespace hearth::inference {
namespace {

using wire::AnswerHead;
using wire::Choice;

wire::FinishReason reason_of(FinishReason reason) {
  return reason == FinishReason::length ? wire::FinishReason::length : wire::FinishReason::stop;
}

uint64_t random_seed() {
  uint64_t seed = 0;
  const auto bytes = random_bytes(sizeof seed);
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
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
  const auto& pipeline = engine_.pipeline();
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

Result<std::shared_ptr<const Constraint>> OpenAiServer::constraint(const wire::AnswerForm& form) {
  using Kind = wire::AnswerForm::Kind;
  constexpr size_t kKept = 16;
  if (form.kind == Kind::any) return std::shared_ptr<const Constraint>();
  const auto name =
      cat(static_cast<int>(form.kind), form.text, form.kind == Kind::json_schema ? form.schema.dump() : "");
  auto known = constraints_.with([&](std::list<Kept>& all) -> std::shared_ptr<const Constraint> {
    const auto found = std::ranges::find(all, name, &Kept::form);
    if (found == all.end()) return nullptr;
    all.splice(all.begin(), all, found);
    return found->constraint;
  });
  if (known) return known;
  auto grammar = form.kind == Kind::json_object   ? Result<Grammar>(Grammar::json_object())
                 : form.kind == Kind::json_schema ? Grammar::from_json_schema(form.schema)
                 : form.kind == Kind::regex       ? Grammar::from_regex(form.text)
                                                  : Grammar::from_gbnf(form.text);
  if (!grammar.ok()) return std::move(grammar).status();
  auto made = engine_.pipeline().constrain(*std::move(grammar));
  constraints_.with([&](std::list<Kept>& all) {
    all.push_front({name, made});
    if (all.size() > kKept) all.pop_back();
  });
  return made;
}

Result<GenerationConfig> OpenAiServer::config(const wire::GenerateRequest& wanted) {
  auto out = engine_.pipeline().generation_config();
  // OpenAI's default is to sample at temperature 1; a checkpoint's own defaults come before that.
  out.do_sample = true;
  if (wanted.temperature) out.temperature = *wanted.temperature;
  if (out.temperature == 0) out.do_sample = false;
  if (wanted.top_p) out.top_p = *wanted.top_p;
  if (wanted.top_k) out.top_k = *wanted.top_k;
  out.max_new_tokens = wanted.max_tokens.value_or(engine_.pipeline().model().config().max_position_embeddings);
  out.stop = wanted.stop;
  out.presence_penalty = wanted.presence_penalty.value_or(out.presence_penalty);
  out.frequency_penalty = wanted.frequency_penalty.value_or(out.frequency_penalty);
  out.constraint = TRY(constraint(wanted.form));
  TRY(out.check());
  return out;
}

Result<net::Response> OpenAiServer::generate(const wire::GenerateRequest& wanted, std::stop_token stop) {
  const auto all = TRY(prompts(wanted));
  const auto base = TRY(config(wanted));
  AnswerHead head{
      wanted.is_chat, cat(wanted.is_chat ? "chatcmpl-" : "cmpl-", random_token(24)), now_ms() / 1000, name_,
      replace_all(cat("hearth-", std::string_view(HEARTH_VERSION), "-", engine_.pipeline().model().numerics_name()),
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
        TRY(engine_.submit(std::move(job)));
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
      TRY(engine_.submit(std::move(job)));
    }
  std::unique_lock lock(whole->mutex);
  whole->done.wait(lock, [&] { return whole->tally.open == 0; });
  if (!whole->tally.failure.ok()) return whole->tally.failure.clone();
  net::Response out;
  out.headers.set("Content-Type", "application/json");
  out.body = wire::answer_json(head, whole->choices, whole->tally.usage);
  return out;
}

Result<net::Response> OpenAiServer::answer(const net::Request& request, std::stop_token stop) {
  const auto& path = request.head.path;
  net::Response out;
  out.headers.set("Content-Type", "application/json");
  if (path == "/health") {
    out.body = std::string("{}");
    return out;
  }
  if (path == "/v1/models") {
    out.body = wire::models_json({{name_, 0, "hearth"}});
    return out;
  }
  const bool chat = path == "/v1/chat/completions";
  if (!chat && path != "/v1/completions") return Status(Code::not_found, cat("the engine has nothing at ", path));
  if (request.head.method != "POST") return Status(Code::bad_input, cat(path, " takes POST"));
  const auto body = TRY(Json::parse(request.body));
  return generate(TRY(chat ? wire::parse_chat_request(body) : wire::parse_completion_request(body)), stop);
}

net::Response OpenAiServer::handle(net::Request&& request, std::stop_token stop) {
  const auto answered = [&]() -> Result<net::Response> {
    try {
      return answer(request, stop);
    } catch (const std::exception& error) {
      return Status(Code::internal, cat("the engine failed: ", std::string_view(error.what())));
    }
  };
  auto result = answered();
  if (result.ok()) return *std::move(result);
  const auto& row = code_row(result.status().code());
  net::Response out;
  // A thing this engine does not do is the request's fault for clients that would otherwise retry.
  out.status = result.status().code() == Code::unsupported ? 400 : row.http_status;
  out.headers.set("Content-Type", "application/json");
  out.body = wire::error_json(result.status());
  return out;
}

}  // namespace hearth::inference
