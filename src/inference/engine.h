// The engine: one thread that owns a model and answers many requests at once (continuous batching).
//
// 1. Only the engine's thread runs the model; others hand it jobs through a bounded line and get text by callback.
// 2. A pass goes over the newest token of all answers under way, or over a piece of the prompts that are read, or over
//    both where little is to be read. Between the layers of a long piece the answers are written, by passes of their
//    own: nobody's next token is late for it (StepPace).
// 3. Keys and values lie in pages of one pool with a limit. What was read stays until its room is wanted, and is not
//    read again by prompts that begin with it (PrefixCache).
// 4. When the pool is full, the latest sequence gives its pages up and reads its text again later; its answer is the
//    same, for nothing but its cache is forgotten.
// 5. Where it is asked to, it guesses what an answer says next from what was said, and checks several tokens in one
//    pass: the answer is the same.
// 6. on_end is called once for every accepted job, whatever happens.
//
//    submit -> waiting -> [pass: a piece of the prompt]* -> [pass: a token]* -> on_end(stop | length | cancelled | ...)
//                              ^---- pages given up -----------------'
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "inference/prefix_cache.h"
#include "inference/step_pace.h"
#include "inference/token_guesser.h"
#include "inference/waiting_line.h"
#include "transformers/text_generation.h"

namespace hearth::inference {

/// When a job was handed in, its first token was read, its first one was made, and it ended, by monotonic_s(); 0 for
/// what it did not come to.
struct JobTimes {
  double submitted_s = 0, begun_s = 0, first_token_s = 0, ended_s = 0;
};

struct JobEnd {
  Status failure;  ///< ok unless the job could not be answered
  FinishReason reason = FinishReason::stop;
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  ///< of the prompt, found in the prefix cache
  int64_t completion_tokens = 0;
  std::string stop_text = {};  ///< of the configuration's `stop`: what ended the answer, if one did
  JobTimes times = {};
};

/// Of token `id` under a distribution that is given by logits.
double log_probability(std::span<const float> logits, int32_t id);

/// A token of an answer, the one that ends it included.
struct MadeToken {
  int32_t id = 0;
  std::string_view piece;  ///< the text that may be shown now; of an ending token what was held back
  bool is_eos = false;
  bool is_last = false;
  bool at_limit = false;               ///< the last one because there may be no more
  std::span<const float> logits = {};  ///< that it was picked from, during the call alone

  /// Log probability of `id` in the model's own distribution.
  double logprob() const;
};

struct Job {
  std::vector<int32_t> prompt;
  GenerationConfig config;
  std::string client = {};                              ///< whose turn it is: clients take turns
  std::function<bool(std::string_view piece)> on_text;  ///< on the engine's thread; false ends the answer
  /// In place of on_text, where it is set: every token, with its probability.
  std::function<bool(const MadeToken& token)> on_token = {};
  std::function<void(JobEnd end)> on_end;  ///< on the engine's thread
  /// Where it is set: each token of the prompt but the first, in their order, as if it had been made: `id` and
  /// `logits`. All of the prompt is then read, whatever is known of it.
  std::function<void(const MadeToken& token)> on_prompt_token = {};
  std::stop_token stop;               ///< requested when nobody reads the answer any more
  double submitted_s = 0;             ///< set by submit()
  bool keeps_special_tokens = false;  ///< spelt in the text, for those who look for them there
};

/// What a pass over the model was for, and how long it and the work on its result took.
struct StepReport {
  int64_t written = 0;  ///< answers that went on
  int64_t read = 0;     ///< tokens of prompts
  double forward_s = 0, decode_s = 0;
  bool failed = false;
};

struct EngineOptions {
  size_t active_max = 64;     ///< answers made at once
  size_t waiting_max = 1024;  ///< more are refused
  int64_t cache_bytes = 0;    ///< of all keys and values; 0: a quarter of the memory that is free at the start
  /// Of it, for what was read and may be asked again; absent: a part of it; 0: nothing is kept.
  std::optional<int64_t> prefix_bytes = {};
  /// Where what is kept is written when the engine ends, and read when it begins; empty: nowhere.
  std::string prefix_file = {};
  std::string prefix_identity = {};  ///< model_identity(): the file of another model is not read
  int64_t speculate = 0;  ///< tokens of an answer that are guessed (TokenGuesser) and checked at once; 0: none
  std::function<void(const StepReport& step)> on_step = {};  ///< on the engine's thread; returns at once
};

/// What an engine has done and is at. Counters only grow.
struct EngineStats {
  int64_t position_bytes = 0;  ///< keys and values of one token
  int64_t jobs = 0, prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0, steps = 0, preemptions = 0;
  int64_t guessed_tokens = 0, right_guesses = 0;
  int64_t waiting = 0, active = 0, cache_bytes = 0, cache_bytes_max = 0, prefix_pages = 0;
};

class Engine {
 public:
  Engine(TextGenerationPipeline pipeline, EngineOptions options);
  ~Engine();
  const TextGenerationPipeline& pipeline() const { return pipeline_; }
  /// bad_input or too_large for a prompt that this model or this engine's memory cannot take; busy when too many wait.
  Status submit(Job job);
  /// As of the end of the last step.
  EngineStats stats() const;

 private:
  struct Sequence;
  struct Planned;
  void run(const std::stop_token& stop);
  void admit(Job job);
  void drop_gone();
  bool begin(Sequence& sequence);
  bool must_read_again(const Sequence& sequence) const;
  std::vector<Planned> plan_reading();
  std::vector<Planned> plan_writing();
  void guess(std::vector<Planned>& planned) const;
  bool make_room(Sequence& sequence, int64_t length, std::vector<Planned>& planned);
  void step();
  void load_kept();
  void save_kept() const;
  bool pass(std::vector<Planned> planned, bool is_reading);
  void give(Sequence& sequence, int64_t rows, std::span<const float>& logits, double made_s);
  void check_guesses(Sequence& sequence, std::span<const float> logits);
  void tell_prompt(Sequence& sequence, int64_t begin, std::span<const float> rows) const;
  bool accept(Sequence& sequence, std::span<const float> logits);
  void finish(Sequence& sequence, JobEnd end);
  void keep(const Sequence& sequence, int64_t length);
  void tell();

  const TextGenerationPipeline pipeline_;
  const EngineOptions options_;
  const std::shared_ptr<KvPool> pool_;
  WaitingLine<Job> waiting_;
  Guarded<EngineStats> stats_;
  // The engine's thread alone:
  PrefixCache prefixes_;
  StepPace pace_;
  double written_s_ = 0;         // when the answers went on
  std::list<Sequence> running_;  // in the order of their arrival
  EngineStats counted_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace hearth::inference
