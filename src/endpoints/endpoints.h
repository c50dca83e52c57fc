// Engine processes of the hub: one a loaded model, started on demand, each behind a Unix socket.
//
// 1. A process serves one model folder or file for as long as it lives; a request for a model without one starts it and
// is
//    held until the engine is ready (never answered "loading").
// 2. A process that has died is noticed at the next request and started again; the hub never goes down with it.
// 3. At most `engines_max` run; the one idle longest makes room. One that is answering is not stopped: `busy` then.
// 4. Engines end with the hub: the kernel kills them when the hub's process goes.
//
//      absent --acquire--> starting --/health 200--> ready --idle_s or room needed--> absent
//                             \--exit or timeout--> absent (the error is the engine's last words)
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth::endpoints {

struct Options {
  std::string program;  ///< the hearth executable
  std::string folder;   ///< for sockets and logs; only this user may enter it
  int engines_max = 3;
  int64_t idle_s = 900;
  int64_t start_timeout_s = 120;
  std::vector<std::string> environment = {};  ///< NAME=VALUE for engines, whose standard output is our standard error
};

/// Thread-safe.
class Endpoints {
 public:
  explicit Endpoints(Options options);
  ~Endpoints();

  struct Ready {
    std::string socket_path;
    std::shared_ptr<void> lease;
  };
  /// The socket of the engine that serves `model_path` (a folder or a weight file) under the name `model_id`. Waits
  /// while it starts. unavailable with the engine's own error when it cannot; busy when all engines are answering.
  Result<Ready> acquire(const std::string& model_path, const std::string& model_id, const std::stop_token& stop);

  struct State {
    std::string id;     ///< the model's name
    std::string state;  ///< "starting", "ready" or "ended"
    int answering = 0;  ///< requests
  };
  /// Can an engine run models of this `model_type`, or GGUF files of this architecture? As the program says, which is
  /// asked once; false when it cannot be asked.
  bool runs(std::string_view model_type, std::string_view gguf_architecture);
  /// All of those, lower case.
  std::vector<std::string> architectures();

  /// GET `target` of each engine that is ready, at most a second each: its model's name and the body. Starts none.
  std::vector<std::pair<std::string, std::string>> ask_all(const std::string& target);
  /// The same of one model's; nothing when it is not ready, or does not answer.
  std::optional<std::string> ask(const std::string& model_path, const std::string& target);

  /// The engines there are at this moment.
  std::vector<State> states();

 private:
  struct Engine;
  Status start(Engine& engine, const std::stop_token& stop);
  void learn_families();
  std::vector<std::shared_ptr<Engine>> ready();
  Status make_room();
  void stop_idle(const std::stop_token& stop);

  const Options options_;
  std::mutex mutex_;  // guards engines_, not what is in them
  std::map<std::string, std::shared_ptr<Engine>> engines_;
  int64_t started_ = 0;  // numbers the sockets
  std::once_flag families_asked_;
  std::vector<std::string> model_types_, gguf_;  // once asked: never changed
  std::jthread reaper_;
};

}  // namespace hearth::endpoints
