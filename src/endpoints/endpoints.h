// Engine processes of the hub: one a loaded model, started on demand, each behind a Unix socket.
//
// 1. The hub listens on a model's socket itself and gives the listening end to the engine as its standard input, so a
//    request connects at once and waits in the kernel while the engine starts: nobody is answered "loading", and no
//    thread of the hub waits.
// 2. A process that has died is noticed at once; who has connected since makes the next one start.
//    The hub never goes down with it.
// 3. All engines together take at most `memory_bytes`: an engine counts as its weight files until it has answered, then
//    as the memory that its process has. The one idle longest makes room; one that is answering is not stopped, and who
//    asks for another model meanwhile is held, first come first served.
// 4. Engines end with the hub: the kernel kills them when the hub's process goes.
//
//      asleep --connection, room--> starting --a file beside the socket--> ready --idle_s or room needed--> asleep
//        ^ held: connection, no room    \--end or timeout: held connections are answered with its last words--> asleep
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

#include "base/files.h"
#include "base/result.h"

namespace hearth::endpoints {

struct Options {
  std::string program;       ///< the hearth executable
  std::string folder;        ///< for sockets and logs; only this user may enter it
  int64_t memory_bytes = 0;  ///< of all engines together; 0: no limit
  int64_t idle_s = 900;
  int64_t start_timeout_s = 120;
  int64_t hold_s = 900;                            ///< a request waits for room at most so long
  std::vector<std::string> engine_arguments = {};  ///< further flags of `hearth engine`
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
  /// The socket of the engine that serves `model_path` (a folder or a weight file) under the name `model_id`, while the
  /// lease is held. Never waits: the engine need not run yet. Where it cannot start, the answer is one with the field
  /// net::kRefusalField. unsupported when its weights alone are larger than the memory of all engines.
  Result<Ready> acquire(const std::string& model_path, const std::string& model_id);

  struct State {
    std::string id;     ///< the model's name
    std::string state;  ///< "starting", "ready", "held" (there is no room yet) or "asleep"
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
  /// Connections that are answered why their engine did not start.
  struct Refusal {
    std::vector<Fd> connections;
    std::string message;
  };
  void look_after(const std::stop_token& stop);
  void mourn(Engine& engine, std::vector<Refusal>& refusals);
  void wake_sleepers(std::vector<Refusal>& refusals);
  void stop_idle();
  bool make_room(const Engine& engine);
  Status start(Engine& engine);
  void wake() const;
  void learn_families();
  std::vector<std::shared_ptr<Engine>> ready();

  const Options options_;
  Fd wake_fd_;        // an eventfd: something changed
  std::mutex mutex_;  // guards engines_ and what is in them
  std::map<std::string, std::shared_ptr<Engine>> engines_;
  int64_t started_ = 0;  // numbers the sockets
  std::once_flag families_asked_;
  std::vector<std::string> model_types_, gguf_;  // once asked: never changed
  std::jthread keeper_;
};

}  // namespace hearth::endpoints
