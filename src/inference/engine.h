// The engine: one thread that owns a model and answers many requests at once (continuous batching).
//
// 1. Only the engine's thread runs the model; others hand it jobs through a bounded queue and get text by callback.
// 2. Every step is one forward pass over the newest token of all answers under way; a new job's prompt is read between
// two
//    steps, so that it joins at once and nobody waits for another's end.
// 3. The caches of finished conversations stay (the latest few): the next turn reads only its new part.
// 4. on_end is called once for every accepted job, whatever happens.
//
//    submit -> waiting -> prompt read -> [step]* -> on_end(stop | length | cancelled | failure)
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "transformers/text_generation.h"

namespace hearth::inference {

struct JobEnd {
  Status failure;  ///< ok unless the job could not be answered
  FinishReason reason = FinishReason::stop;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;   ///< of the prompt: found in a cache, not computed
  std::string stop_text = {};  ///< of the configuration's `stop`: what ended the answer, if one did
};

/// A token of an answer, the one that ends it included.
struct MadeToken {
  int32_t id = 0;
  std::string_view piece;  ///< the text that may be shown now; of an ending token what was held back
  double logprob = 0;      ///< of the model's own distribution
  bool is_eos = false;
  bool is_last = false;
  bool at_limit = false;               ///< the last one because there may be no more
  std::span<const float> logits = {};  ///< that it was picked from, during the call alone
};

struct Job {
  std::vector<int32_t> prompt;
  GenerationConfig config;
  std::function<bool(std::string_view piece)> on_text;  ///< on the engine's thread; false ends the answer
  /// In place of on_text, where it is set: every token, with its probability.
  std::function<bool(const MadeToken& token)> on_token = {};
  std::function<void(JobEnd end)> on_end;  ///< on the engine's thread
  std::stop_token stop;                    ///< requested when nobody reads the answer any more
  bool keeps_special_tokens = false;       ///< spelt in the text, for those who look for them there
};

struct EngineOptions {
  size_t active_max = 8;     ///< answers made at once
  size_t waiting_max = 128;  ///< more are refused
  size_t kept_sessions = 4;  ///< caches of finished conversations
};

class Engine {
 public:
  Engine(TextGenerationPipeline pipeline, EngineOptions options);
  ~Engine();
  const TextGenerationPipeline& pipeline() const { return pipeline_; }
  /// busy when too many wait.
  Status submit(Job job);
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Active;
  void run(const std::stop_token& stop);
  void admit(Job job);
  void step();
  bool accept(Active& active, std::span<const float> logits);
  void finish(Active& active, JobEnd end);
  std::unique_ptr<Session> take_session(std::span<const int32_t> prompt);
  void keep_session(std::unique_ptr<Session> session);

  const TextGenerationPipeline pipeline_;
  const EngineOptions options_;
  BoundedQueue<Job> waiting_;
  std::list<Active> active_;                  // the engine's thread alone
  std::list<std::unique_ptr<Session>> kept_;  // latest first; the engine's thread alone
  std::jthread thread_;                       // last: it uses all of the above
};

}  // namespace hearth::inference
