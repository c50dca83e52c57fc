#include "inference/engine.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "base/clock.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/text.h"
#include "inference/prefix_file.h"

namespace hearth::inference {
namespace {

// A prompt that shares so much with one that is being read waits for it instead of reading the same.
constexpr int64_t kWorthWaiting = kKvPagePositions;
// Of a prompt whose probabilities are told: each has a number for each word of the vocabulary.
constexpr int64_t kToldRows = 64;
constexpr int64_t kSpeculativeRows = 16;              // of all answers, guesses included
constexpr int64_t kTogetherRows = 32;                 // of prompts, that a pass reads beside the answers' tokens
constexpr int64_t kPrefixBytes = int64_t{256} << 20;  // kept for later prompts, at least

int64_t common(std::span<const int32_t> a, std::span<const int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

std::shared_ptr<KvPool> pool_of(const CausalLM& model, const EngineOptions& options) {
  const auto pool = model.make_pool();
  const auto bytes = options.cache_bytes > 0 ? options.cache_bytes : machine_memory().free_bytes / 4;
  return model.make_pool(std::max(bytes, 4 * pool->page_bytes()));
}

int64_t prefix_pages(const CausalLM& model, const KvPool& pool, const EngineOptions& options) {
  if (options.prefix_bytes == 0 || model.stack().rereads_after() > 0) return 0;
  const auto half = pool.limit_bytes() / 2;
  const auto bytes = options.prefix_bytes ? *options.prefix_bytes : std::max(kPrefixBytes, pool.limit_bytes() / 16);
  return std::min(bytes, half) / pool.page_bytes();
}

JobTimes unbegun(const Job& job) {
  return {.submitted_s = job.submitted_s, .ended_s = monotonic_s()};
}

/// What one sequence can have: a page is left, for one that is changed is copied first.
int64_t positions_max(const KvPool& pool) {
  return (pool.limit_bytes() / pool.page_bytes() - 1) * kKvPagePositions;
}

}  // namespace

double log_probability(std::span<const float> logits, int32_t id) {
  const double most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float value : logits) sum += std::exp(value - most);
  return logits[static_cast<size_t>(id)] - most - std::log(sum);
}

double MadeToken::logprob() const {
  return log_probability(logits, id);
}

struct Engine::Sequence {
  Sequence(Job wanted, KvCache with, Sampler picks, const Tokenizer& tokenizer, int64_t guesses)
      : job(std::move(wanted)),
        cache(std::move(with)),
        sampler(std::move(picks)),
        text(tokenizer, job.config.stop, job.keeps_special_tokens),
        ids(job.prompt),
        guesser(guesses) {}
  Job job;
  KvCache cache;
  Sampler sampler;
  TextStream text;
  std::vector<int32_t> ids;  // the prompt and all that was made; those behind the cache's are to be read
  TokenGuesser guesser;
  std::vector<int32_t> guessed = {};  // for one pass: the last of `ids`, and what may follow it
  int64_t made = 0, limit = 0, cached = 0;
  int64_t number = 0;      // in the order of arrival
  bool has_begun = false;  // to read: its beginning was looked up
  int64_t told = 1;        // tokens of the prompt whose probabilities are told; of the first there is none
  JobTimes times = {.submitted_s = job.submitted_s};
  int64_t begun_length = 0;  // what it was long when its cache began
  bool in_pass = false;      // its pages are being written
  bool is_over = false;

  int64_t length() const { return static_cast<int64_t>(ids.size()); }
  /// Below 0: what is too much in the cache was guessed.
  int64_t unread() const { return length() - cache.length(); }
  /// The next token is all that is to be read.
  bool is_writing() const { return has_begun && unread() == 1; }
  bool tells_prompt() const { return job.on_prompt_token && told < static_cast<int64_t>(job.prompt.size()); }
  void give_up_pages() {
    cache.truncate(0);
    has_begun = false;
  }
};

/// What a step reads of a sequence.
struct Engine::Planned {
  Sequence* sequence;
  int64_t rows;
  bool is_new;  // a piece of a prompt
};

Engine::Engine(TextGenerationPipeline pipeline, EngineOptions options)
    : pipeline_(std::move(pipeline)),
      options_(options),
      pool_(pool_of(pipeline_.model(), options)),
      waiting_(options.waiting_max),
      prefixes_(prefix_pages(pipeline_.model(), *pool_, options)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Engine::~Engine() {
  waiting_.close();
  thread_.request_stop();
}

EngineStats Engine::stats() const {
  auto out = stats_.with([](const EngineStats& stats) { return stats; });
  out.waiting = static_cast<int64_t>(waiting_.size());
  return out;
}

Status Engine::submit(Job job) {
  TRY(job.config.check());
  const auto& model = pipeline_.model();
  TRY(check_prompt(model, job.prompt));
  const auto positions = positions_max(*pool_);
  if (static_cast<int64_t>(job.prompt.size()) >= positions)
    return {Code::too_large, cat("the prompt has ", job.prompt.size(), " tokens; this engine's memory for keys and ",
                                 "values holds ", positions)};
  job.submitted_s = monotonic_s();
  if (!waiting_.push(std::move(job)))
    return {Code::busy, cat(options_.waiting_max, " requests wait for this model already; try again in a moment")};
  return {};
}

void Engine::load_kept() {
  if (options_.prefix_file.empty()) return;
  const auto& backend = pipeline_.model().backend();
  const auto status = load_prefixes(options_.prefix_file, options_.prefix_identity, backend, *pool_, prefixes_);
  if (!status.ok()) log(LogLevel::warning, "engine", cat("nothing is taken over: ", status.message()));
}

void Engine::save_kept() const {
  if (options_.prefix_file.empty()) return;
  const auto status = save_prefixes(options_.prefix_file, options_.prefix_identity, prefixes_);
  if (!status.ok()) log(LogLevel::warning, "engine", cat("what was read is not kept: ", status.message()));
}

void Engine::run(const std::stop_token& stop) {
  load_kept();
  while (!stop.stop_requested()) {
    while (running_.size() < options_.active_max) {
      auto job = running_.empty() ? waiting_.pop(stop) : waiting_.try_pop();
      if (!job) break;
      admit(*std::move(job));
    }
    drop_gone();
    if (!running_.empty()) step();
    tell();
  }
  const Status stops(Code::unavailable, "the engine stops");
  for (auto& sequence : running_) sequence.job.on_end({.failure = stops.clone(), .times = sequence.times});
  while (auto job = waiting_.try_pop()) job->on_end({.failure = stops.clone(), .times = unbegun(*job)});
  save_kept();
}

void Engine::admit(Job job) {
  const auto prompt_tokens = static_cast<int64_t>(job.prompt.size());
  const auto& model = pipeline_.model();
  const auto total = std::min({job.config.total_length(prompt_tokens, model.config()),
                               model.config().max_position_embeddings + 1, positions_max(*pool_) + 1});
  auto sampler = Sampler::from(job.config, {.length = prompt_tokens, .total_length = total}, model.config().vocab_size);
  if (!sampler.ok()) {
    job.on_end({.failure = std::move(sampler).status(),
                .reason = FinishReason::cancelled,
                .prompt_tokens = prompt_tokens,
                .times = unbegun(job)});
    return;
  }
  auto& sequence =
      running_.emplace_back(std::move(job), model.make_cache(pool_), *std::move(sampler), pipeline_.tokenizer(),
                            model.stack().rereads_after() > 0 ? 0 : options_.speculate);
  sequence.limit = total - prompt_tokens;
  sequence.number = counted_.jobs++;
}

/// Ends the answers that nobody reads any more.
void Engine::drop_gone() {
  for (auto& job : waiting_.take_if([](const Job& waiting) { return waiting.stop.stop_requested(); }))
    job.on_end({.reason = FinishReason::cancelled,
                .prompt_tokens = static_cast<int64_t>(job.prompt.size()),
                .times = unbegun(job)});
  for (auto& sequence : running_)
    if (sequence.job.stop.stop_requested()) finish(sequence, {.reason = FinishReason::cancelled});
  std::erase_if(running_, [](const Sequence& s) { return s.is_over; });
}

/// Before a sequence reads: takes over what others have read of its text. False while another reads much of it.
bool Engine::begin(Sequence& sequence) {
  sequence.begun_length = sequence.length();
  if (sequence.tells_prompt()) return sequence.has_begun = true;
  const auto wanted = std::span<const int32_t>(sequence.ids).first(sequence.ids.size() - 1);  // the last is always read
  auto match = prefixes_.find(wanted);
  const Sequence* being_read = nullptr;
  int64_t promised = 0;
  for (const auto& other : running_) {
    if (!other.has_begun || other.unread() <= 1) continue;
    const auto shared = common(other.ids, wanted);
    if (shared > promised) promised = shared, being_read = &other;
  }
  if (being_read != nullptr && prefixes_.pages_max() > 0 && promised >= match.length + kWorthWaiting) return false;
  if (match.length > 0) sequence.cache.adopt(match.pages, match.length);
  if (sequence.made == 0) sequence.cached = match.length;
  sequence.has_begun = true;
  return true;
}

/// Its text has grown past a length at which the model reads all of it in another way.
bool Engine::must_read_again(const Sequence& s) const {
  const auto changed = pipeline_.model().stack().rereads_after();
  return changed > 0 && s.has_begun && s.begun_length <= changed && s.length() > changed;
}

/// Pieces of prompts: half of the room for the one that came first, the rest for those with least to read, so that a
/// long prompt neither waits for ever nor holds up short ones.
std::vector<Engine::Planned> Engine::plan_reading() {
  std::vector<Planned> out;
  std::vector<Sequence*> reading;
  for (auto& s : running_)
    if (!s.is_writing()) reading.push_back(&s);
  auto room = pace_.rows(std::ssize(running_) - std::ssize(reading));
  const auto read = [&](Sequence& s, int64_t most) {
    if (most <= 0 || (!s.has_begun && !begin(s))) return false;
    const auto rows = std::min(s.tells_prompt() ? std::min(most, kToldRows) : most, s.unread());
    room -= rows;
    out.push_back({&s, rows, true});
    return true;
  };
  Sequence* first = nullptr;
  for (auto* s : reading)
    if (read(*s, (room + 1) / 2)) {
      first = s;
      break;
    }
  std::ranges::stable_sort(reading, {}, [](const Sequence* s) { return s->unread(); });
  for (auto* s : reading)
    if (s != first) read(*s, room);
  if (first != nullptr && room > 0) {
    auto& planned = *std::ranges::find(out, first, &Planned::sequence);
    if (!first->tells_prompt()) planned.rows = std::min(planned.rows + room, first->unread());
  }
  return out;
}

/// One token of each answer.
std::vector<Engine::Planned> Engine::plan_writing() {
  std::vector<Planned> out;
  for (auto& s : running_)
    if (s.is_writing() && !s.in_pass && !s.is_over && !must_read_again(s)) out.push_back({&s, 1, false});
  return out;
}

/// What the answers of a pass may say next goes with them. Rows cost little while they are few: with many answers there
/// is nothing to win.
void Engine::guess(std::vector<Planned>& planned) const {
  const auto answers = std::ranges::count(planned, false, &Planned::is_new);
  if (options_.speculate == 0 || answers == 0) return;
  const auto room = kSpeculativeRows / answers - 1;
  for (auto& [sequence, rows, is_new] : planned) {
    if (is_new) continue;
    auto& s = *sequence;
    const auto guesses = s.guesser(s.ids, std::min(room, s.limit - s.made - 1));
    s.guessed = {s.ids.back()};
    s.guessed.insert(s.guessed.end(), guesses.begin(), guesses.end());
    rows = std::ssize(s.guessed);
  }
}

/// Room for `length` positions: what is kept for later goes first, then the pages of those who came later. False when
/// those who came before hold it all.
bool Engine::make_room(Sequence& sequence, int64_t length, std::vector<Planned>& planned) {
  while (!sequence.cache.reserve(pipeline_.model().backend(), length).ok()) {
    if (prefixes_.evict()) continue;
    auto victim = std::ranges::find_if(running_.rbegin(), running_.rend(), [&](const Sequence& s) {
      return &s == &sequence || (s.cache.length() > 0 && !s.in_pass);
    });
    if (&*victim == &sequence) return false;
    victim->give_up_pages();
    ++counted_.preemptions;
    std::erase_if(planned, [&](const Planned& p) { return p.sequence == &*victim; });
  }
  return true;
}

void Engine::step() {
  for (auto& s : running_)
    if (must_read_again(s)) s.give_up_pages();
  auto writing = plan_writing();
  auto planned = plan_reading();
  int64_t rows = 0;
  bool is_whole = true;
  for (const auto& p : planned) {
    rows += p.rows;
    is_whole = is_whole && p.rows == p.sequence->unread();
  }
  const bool together = is_whole && rows <= kTogetherRows;  // the weights are read once for both
  if (together) planned.insert(planned.end(), writing.begin(), writing.end());
  if (!pass(std::move(planned), !together)) pass(plan_writing(), /*is_reading=*/false);
  std::erase_if(running_, [](const Sequence& s) { return s.is_over; });
}

/// False when there is no room for any of it.
bool Engine::pass(std::vector<Planned> planned, bool is_reading) {
  guess(planned);
  std::ranges::sort(planned, {}, [&](const Planned& p) { return p.sequence->number; });
  for (size_t i = 0; i < planned.size();) {
    auto& sequence = *planned[i].sequence;
    if (make_room(sequence, sequence.cache.length() + planned[i].rows, planned))
      ++i;
    else
      std::erase_if(planned, [&](const Planned& p) { return p.sequence == &sequence; });
  }
  if (planned.empty()) return false;
  std::vector<SequenceView> views;
  int64_t wanted = 0;
  StepReport report;
  const auto begin = monotonic_s();
  for (const auto& [sequence, rows, is_new] : planned) {
    const auto at = static_cast<size_t>(sequence->cache.length());
    const bool guesses = !is_new && rows > 1;
    const auto logits = guesses || sequence->tells_prompt() ? LogitRows::all
                        : rows == sequence->unread()        ? LogitRows::last
                                                            : LogitRows::none;
    views.push_back({.cache = &sequence->cache,
                     .ids = guesses ? std::span<const int32_t>(sequence->guessed)
                                    : std::span<const int32_t>(sequence->ids).subspan(at, static_cast<size_t>(rows)),
                     .logits = logits,
                     .rope_length = sequence->length()});
    wanted += logits == LogitRows::all ? rows : logits == LogitRows::last ? 1 : 0;
    (is_new ? report.read : report.written) += is_new ? rows : 1;
    if (auto& first = sequence->times.begun_s; first == 0) first = begin;
    sequence->in_pass = true;
  }
  double lent_s = 0;  // of this pass to those that write
  const std::function<void()> let_write = [&] {
    const auto now = monotonic_s();
    if (!pace_.is_due(now - written_s_, report.read)) return;
    pass(plan_writing(), /*is_reading=*/false);
    lent_s += monotonic_s() - now;
  };
  const auto& model = pipeline_.model();
  std::vector<float> logits(static_cast<size_t>(model.config().vocab_size * wanted));
  try {
    const auto made = is_reading ? model.forward(views, let_write) : model.forward(views);
    if (wanted > 0) model.backend().to_host(made, logits);
  } catch (const std::exception& error) {
    // Which sequence it was cannot be told: all of the pass end, the engine lives.
    for (const auto& p : planned) {
      p.sequence->in_pass = false;
      p.sequence->give_up_pages();
      finish(*p.sequence,
             {.failure = Status(Code::internal, cat("the model failed: ", std::string_view(error.what())))});
    }
    report.failed = true;
    if (options_.on_step) options_.on_step(report);
    return true;
  }
  const auto made_s = monotonic_s();
  report.forward_s = made_s - begin - lent_s;
  if (is_reading) pace_.note_reading(report.read, model.stack().cache_shape().layers, report.forward_s);
  if (report.read == 0) pace_.note_writing(report.forward_s);
  if (report.written > 0) written_s_ = made_s;
  ++counted_.steps;
  std::span<const float> rest = logits;
  for (const auto& p : planned) {
    p.sequence->in_pass = false;
    give(*p.sequence, p.rows, rest, made_s);
  }
  report.decode_s = monotonic_s() - made_s;
  if (options_.on_step) options_.on_step(report);
  return true;
}

/// Hands a sequence what a pass has made of its `rows`: the first of the `logits`, which are taken away.
void Engine::give(Sequence& sequence, int64_t rows, std::span<const float>& logits, double made_s) {
  const auto vocab_size = static_cast<size_t>(pipeline_.model().config().vocab_size);
  const auto take = [&](int64_t count) {
    const auto out = logits.first(vocab_size * static_cast<size_t>(count));
    logits = logits.subspan(out.size());
    return out;
  };
  if (sequence.tells_prompt()) {
    const auto all = take(rows);
    tell_prompt(sequence, sequence.cache.length() - rows, all);
    if (sequence.unread() == 0) logits = {all.data() + all.size() - vocab_size, logits.size() + vocab_size};
  }
  if (sequence.unread() > 0) return;
  if (sequence.unread() < 0) return check_guesses(sequence, take(rows));
  if (sequence.made == 0) {
    keep(sequence, sequence.cache.length() / kKvPagePositions * kKvPagePositions);
    sequence.times.first_token_s = made_s;
  }
  sequence.is_over = !accept(sequence, take(1));
}

/// The first of the rows says what follows the last token; each other one what follows if the guess before it is right.
void Engine::check_guesses(Sequence& sequence, std::span<const float> logits) {
  const auto vocab_size = static_cast<size_t>(pipeline_.model().config().vocab_size);
  const auto guesses = std::ssize(sequence.guessed) - 1;
  int64_t right = 0;
  for (size_t row = 0;; ++row, ++right) {
    sequence.is_over = !accept(sequence, logits.subspan(row * vocab_size, vocab_size));
    if (sequence.is_over || right == guesses || sequence.ids.back() != sequence.guessed[row + 1]) break;
  }
  sequence.cache.truncate(sequence.length() - 1);
  sequence.guesser.note(guesses, right);
  counted_.guessed_tokens += guesses;
  counted_.right_guesses += right;
}

/// What the rows from position `begin` say of the prompt's tokens that come after them. What was read a second time is
/// not told again.
void Engine::tell_prompt(Sequence& sequence, int64_t begin, std::span<const float> rows) const {
  const auto& prompt = sequence.job.prompt;
  const auto vocab_size = static_cast<size_t>(pipeline_.model().config().vocab_size);
  const auto end = std::min<int64_t>(std::ssize(prompt), sequence.cache.length() + 1);
  for (; sequence.told < end; ++sequence.told) {
    const auto id = prompt[static_cast<size_t>(sequence.told)];
    const auto row = static_cast<size_t>(sequence.told - 1 - begin);
    sequence.job.on_prompt_token({.id = id, .logits = rows.subspan(row * vocab_size, vocab_size)});
  }
}

// Picks a new token and takes it into the answer; false when the answer is over.
bool Engine::accept(Sequence& sequence, std::span<const float> logits) {
  const auto id = sequence.sampler(logits, sequence.ids);
  sequence.ids.push_back(id);
  ++sequence.made;
  const auto& job = sequence.job;
  const auto& ends = job.config.eos_token_id;
  const auto made = std::span(sequence.ids).subspan(job.prompt.size());
  const bool is_eos = std::ranges::find(ends, id) != ends.end();
  const bool is_complete = !is_eos && job.config.constraint && job.config.constraint->is_complete(made);
  auto piece = is_eos ? sequence.text.flush() : sequence.text.push(id);
  const bool at_limit = !is_eos && !is_complete && !sequence.text.stopped() && sequence.made >= sequence.limit;
  if (at_limit || is_complete) piece += sequence.text.flush();
  const auto wants_more = [&] {
    if (!job.on_token) return piece.empty() || job.on_text(piece);
    return job.on_token({.id = id,
                         .piece = piece,
                         .is_eos = is_eos,
                         .is_last = is_eos || at_limit || is_complete || sequence.text.stopped(),
                         .at_limit = at_limit,
                         .logits = logits});
  };
  const auto end = [&](FinishReason reason) { return finish(sequence, {.reason = reason}), false; };
  if (!wants_more() || job.stop.stop_requested()) return end(FinishReason::cancelled);
  if (is_eos || is_complete || sequence.text.stopped()) return end(FinishReason::stop);
  return at_limit ? end(FinishReason::length) : true;
}

void Engine::finish(Sequence& sequence, JobEnd end) {
  sequence.is_over = true;
  end.prompt_tokens = static_cast<int64_t>(sequence.job.prompt.size());
  end.cached_tokens = sequence.cached;
  end.completion_tokens = sequence.made;
  end.stop_text = sequence.text.stop_text();
  end.times = sequence.times;
  end.times.ended_s = monotonic_s();
  counted_.prompt_tokens += end.prompt_tokens;
  counted_.cached_tokens += end.cached_tokens;
  counted_.completion_tokens += end.completion_tokens;
  keep(sequence, std::min(sequence.cache.length(), sequence.length() - 1));  // behind them there may be guesses
  sequence.job.on_end(std::move(end));
}

void Engine::keep(const Sequence& sequence, int64_t length) {
  prefixes_.insert(std::span<const int32_t>(sequence.ids).first(static_cast<size_t>(length)), sequence.cache.pages());
}

void Engine::tell() {
  counted_.active = static_cast<int64_t>(running_.size());
  counted_.position_bytes = pool_->page_bytes() / kKvPagePositions;
  counted_.cache_bytes = pool_->live_bytes();
  counted_.cache_bytes_max = pool_->limit_bytes();
  counted_.prefix_pages = prefixes_.pages();
  stats_.with([&](EngineStats& stats) { stats = counted_; });
}

}  // namespace hearth::inference
