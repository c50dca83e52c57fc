// The HTTP/1.1 server.
//
// 1. The event loop moves every byte to and from clients; handlers run on a fixed pool and never wait for a client.
// 2. A handler is called once its body has arrived (memory, spool) or before (pipe); its stop token is requested when
//    the client has left or the server stops.
// 3. What a client can make grow is bounded: connections, header bytes, body bytes, the queue to the pool, buffers.
//
//   accept -> head -> plan -> [admit] -> body -> handle -> send -> head (keep-alive) | close
//                        \________________________/ failures: Handler::refuse
//
// With TLS a handshake comes before the first head; plain HTTP on a TLS port is answered by a redirect to https.
#pragma once

#include <memory>
#include <string>

#include "base/budget.h"
#include "net/http.h"
#include "net/tls.h"

namespace hearth::net {

/// Where a request's body goes.
struct BodyPlan {
  enum class Kind { memory, spool, pipe };
  Kind kind = Kind::memory;
  uint64_t max_bytes = 1 << 20;                 ///< after decompression; more is too_large. Of a pipe: no limit when 0
  std::string folder = {};                      ///< of the spooled file
  bool admit_first = false;                     ///< ask Handler::admit, on the pool, before the body is read
  bool hashed = true;                           ///< the spooled file's SHA-256 is wanted
  bool direct = false;                          ///< nobody reads the spooled file soon: it need not pass the page cache
  std::shared_ptr<BodyObserver> observer = {};  ///< of the spooled file

  static BodyPlan memory(uint64_t max_bytes) { return {.kind = Kind::memory, .max_bytes = max_bytes}; }
  static BodyPlan spool(std::string folder, uint64_t max_bytes, bool hashed = true) {
    return {.kind = Kind::spool,
            .max_bytes = max_bytes,
            .folder = std::move(folder),
            .admit_first = true,
            .hashed = hashed};
  }
  static BodyPlan pipe() { return {.kind = Kind::pipe, .max_bytes = 0}; }
};

/// How an answer went.
struct Answered {
  int status = 0;
  uint64_t bytes = 0;         ///< put on the wire, heads included, before encryption
  double seconds = 0;         ///< from the end of the request's head to the end of the answer
  double handle_seconds = 0;  ///< of it: waiting for a pool thread, and the handler's own time
  bool whole = true;          ///< false: the client left, or the answer broke off
};

class Handler {
 public:
  virtual ~Handler() = default;
  /// On the event loop, before everything else: may correct what the head says of the client (a proxy's headers).
  virtual void arrived(RequestHead&) {}
  /// On the event loop: must not block.
  virtual BodyPlan plan(const RequestHead& head) = 0;
  /// On the pool, before a body with `admit_first` is read: an answer here refuses it.
  virtual std::optional<Response> admit(const RequestHead&) { return std::nullopt; }
  /// On the pool.
  virtual Response handle(Request&& request, std::stop_token stop) = 0;
  /// The answer to what never reached `handle` (too large, malformed, busy, disk full) or broke after it. On the loop.
  virtual Response refuse(const RequestHead& head, const Status& status);
  /// On the event loop, when an answer is sent or has failed: must not block. The response's body is gone by then.
  virtual void answered(const RequestHead&, const Response&, const Answered&) {}
};

/// One more address to listen on.
struct Listener {
  std::string host = "127.0.0.1";
  int port = 0;
  std::shared_ptr<Tls> tls = {};
  bool redirect = false;  ///< every request is sent on to the same address of the first listener
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 0;                ///< 0: any free one
  std::string unix_path = {};  ///< when set, a Unix socket instead of host and port; only this user may connect
  int listening_fd = -1;       ///< `unix_path`'s, which somebody else listens on already; owned from now on
  std::shared_ptr<Tls> tls = {};
  std::vector<Listener> more = {};
  int io_threads = 2;
  int pool_threads = 8;
  int write_threads = 4;          ///< write bodies that go into files
  size_t max_connections = 4096;  ///< more are answered 503 and closed
  size_t max_queued = 1024;       ///< requests that wait for a pool thread; more are answered 503
  size_t max_head_bytes = 64 << 10;
  Budget* memory = nullptr;          ///< for bodies in memory over 64 KB; what it lacks is answered 503. null: no bound
  int head_timeout_ms = 30'000;      ///< for a whole request head
  int idle_timeout_ms = 75'000;      ///< between requests
  int stall_timeout_ms = 300'000;    ///< no byte moved to or from the client
  int keep_alive_requests = 10'000;  ///< on one connection; it is closed after the last of them
  int drain_ms = 0;                  ///< after stop: still accepting, while a balancer takes note (Server::draining)
  int grace_ms = 10'000;             ///< for answers under way after that
  bool stop_on_signals = false;      ///< SIGTERM and SIGINT stop the server; a second one at once
  std::function<void()> on_reload = {};  ///< called on the loop at SIGHUP, when signals are handled
};

/// What the server is doing at this moment.
struct ServerLoad {
  size_t connections = 0;
  size_t waiting = 0;  ///< requests that wait for a pool thread
  size_t running = 0;  ///< handlers at work
};

class Server {
 public:
  /// Listens at once; connections are answered in `run`. unavailable, naming the address, when it is taken.
  static Result<std::unique_ptr<Server>> listen(const ServerOptions& options, Handler& handler);
  ~Server();
  int port() const;
  /// "http://127.0.0.1:8686", or "unix:/path".
  std::string address() const;
  /// All of them, the first one first.
  std::vector<std::string> addresses() const;
  /// Serves until `stop`, and returns when the answers under way are sent or the grace has passed.
  void run();
  /// From any thread.
  void stop();
  /// True from `stop` on.
  bool draining() const;
  ServerLoad load() const;

  struct Impl;

 private:
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::net
