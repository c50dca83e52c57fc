#include "inference/engine.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "base/text.h"

namespace hearth::inference {
namespace {

double log_probability(std::span<const float> logits, int32_t id) {
  const double most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float value : logits) sum += std::exp(value - most);
  return logits[static_cast<size_t>(id)] - most - std::log(sum);
}

}  // namespace

struct Engine::Active {
  Active(Job wanted, std::unique_ptr<Session> with, Sampler picks, const Tokenizer& tokenizer)
      : job(std::move(wanted)),
        session(std::move(with)),
        sampler(std::move(picks)),
        text(tokenizer, job.config.stop, job.keeps_special_tokens),
        seen(job.prompt) {}
  Job job;
  std::unique_ptr<Session> session;
  Sampler sampler;
  TextStream text;
  std::vector<int32_t> seen;  // the prompt and all that was made; the last is not in the cache yet
  int64_t made = 0;
  int64_t limit = 0;
  int64_t cached = 0;  // of the prompt
  bool over = false;
};

Engine::Engine(TextGenerationPipeline pipeline, EngineOptions options)
    : pipeline_(std::move(pipeline)),
      options_(options),
      waiting_(options.waiting_max),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Engine::~Engine() {
  waiting_.close();
  thread_.request_stop();
}

Status Engine::submit(Job job) {
  TRY(job.config.check());
  if (!waiting_.push(std::move(job)))
    return Status(Code::busy,
                  cat(options_.waiting_max, " requests wait for this model already; try again in a moment"));
  return {};
}

void Engine::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    while (active_.size() < options_.active_max) {
      auto job = active_.empty() ? waiting_.pop(stop) : waiting_.try_pop();
      if (!job) break;
      admit(*std::move(job));
    }
    if (!active_.empty()) step();
  }
  const auto end_all = [](Job& job) { job.on_end({Status(Code::unavailable, "the engine stops"), {}, 0, 0}); };
  for (auto& active : active_) end_all(active.job);
  while (auto job = waiting_.try_pop()) end_all(*job);
}

std::unique_ptr<Session> Engine::take_session(std::span<const int32_t> prompt) {
  auto best = kept_.end();
  size_t best_common = 0;
  for (auto session = kept_.begin(); session != kept_.end(); ++session) {
    const auto& ids = (*session)->ids;
    const auto common = static_cast<size_t>(std::ranges::mismatch(ids, prompt).in1 - ids.begin());
    if (common > best_common) best = session, best_common = common;
  }
  if (best == kept_.end()) return std::make_unique<Session>(pipeline_.model());
  auto taken = std::move(*best);
  kept_.erase(best);
  return taken;
}

void Engine::keep_session(std::unique_ptr<Session> session) {
  kept_.push_front(std::move(session));
  if (kept_.size() > options_.kept_sessions) kept_.pop_back();
}

void Engine::admit(Job job) {
  const auto prompt_tokens = static_cast<int64_t>(job.prompt.size());
  const auto refuse = [&](Status status) {
    job.on_end({std::move(status), FinishReason::cancelled, prompt_tokens, 0});
  };
  if (job.stop.stop_requested()) return refuse(Status(Code::cancelled, "the client left"));
  const auto& model = pipeline_.model().config();
  const auto total = std::min(job.config.total_length(prompt_tokens, model), model.max_position_embeddings + 1);
  auto sampler = Sampler::from(job.config, {.length = prompt_tokens, .total_length = total}, model.vocab_size);
  if (!sampler.ok()) return refuse(std::move(sampler).status());
  auto session = take_session(job.prompt);
  const auto known = std::ranges::mismatch(session->ids, job.prompt).in1 - session->ids.begin();
  auto logits = [&]() -> Result<std::vector<float>> {
    try {
      return prefill(pipeline_.model(), *session, job.prompt, job.stop);
    } catch (const std::exception& error) {
      return Status(Code::internal, cat("the model failed at this prompt: ", std::string_view(error.what())));
    }
  }();
  if (!logits.ok()) return refuse(std::move(logits).status());
  auto& active = active_.emplace_back(std::move(job), std::move(session), *std::move(sampler), pipeline_.tokenizer());
  active.limit = total - prompt_tokens;
  active.cached = std::min<int64_t>(known, prompt_tokens - 1);
  if (!accept(active, *logits)) active_.pop_back();
}

// Picks a new token and takes it into the answer; false when the answer is over.
bool Engine::accept(Active& active, std::span<const float> logits) {
  const auto id = active.sampler(logits, active.seen);
  active.seen.push_back(id);
  ++active.made;
  const auto& ends = active.job.config.eos_token_id;
  const auto& constraint = active.job.config.constraint;
  const auto made = std::span(active.seen).subspan(active.job.prompt.size());
  const bool is_eos = std::ranges::find(ends, id) != ends.end();
  const bool is_complete = !is_eos && constraint && constraint->is_complete(made);
  auto piece = is_eos ? active.text.flush() : active.text.push(id);
  const bool at_limit = !is_eos && !is_complete && !active.text.stopped() && active.made >= active.limit;
  if (at_limit || is_complete) piece += active.text.flush();
  const auto& job = active.job;
  const auto wants_more = [&] {
    if (!job.on_token) return piece.empty() || job.on_text(piece);
    return job.on_token({.id = id,
                         .piece = piece,
                         .logprob = log_probability(logits, id),
                         .is_eos = is_eos,
                         .is_last = is_eos || at_limit || is_complete || active.text.stopped(),
                         .at_limit = at_limit,
                         .logits = logits});
  };
  if (!wants_more()) {
    finish(active, {{}, FinishReason::cancelled, 0, 0});
    return false;
  }
  if (active.job.stop.stop_requested()) return finish(active, {{}, FinishReason::cancelled, 0, 0}), false;
  if (is_eos || is_complete || active.text.stopped()) return finish(active, {{}, FinishReason::stop, 0, 0}), false;
  if (at_limit) return finish(active, {{}, FinishReason::length, 0, 0}), false;
  return true;
}

void Engine::finish(Active& active, JobEnd end) {
  end.prompt_tokens = static_cast<int64_t>(active.job.prompt.size());
  end.completion_tokens = active.made;
  end.cached_tokens = active.cached;
  end.stop_text = active.text.stop_text();
  active.job.on_end(std::move(end));
  if (active.session) keep_session(std::move(active.session));
}

void Engine::step() {
  std::vector<SequenceView> sequences;
  for (auto& active : active_) {
    active.session->ids.push_back(active.seen.back());
    sequences.push_back({&active.session->cache, active.session->unread(pipeline_.model()), LogitRows::last});
  }
  const auto vocab_size = static_cast<size_t>(pipeline_.model().config().vocab_size);
  std::vector<float> rows(vocab_size * sequences.size());
  try {
    pipeline_.model().backend().to_host(pipeline_.model().forward(sequences), rows);
  } catch (const std::exception& error) {
    // Which answer it was cannot be told: all under way end, the engine lives.
    for (auto& active : active_) {
      active.session.reset();
      finish(active, {Status(Code::internal, cat("the model failed: ", std::string_view(error.what()))), {}, 0, 0});
    }
    active_.clear();
    return;
  }
  size_t row = 0;
  for (auto& active : active_) {
    const std::span<const float> logits(rows.data() + vocab_size * row++, vocab_size);
    active.over = !accept(active, logits);
  }
  std::erase_if(active_, [](const Active& a) { return a.over; });
}

}  // namespace hearth::inference
