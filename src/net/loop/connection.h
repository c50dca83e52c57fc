// One connection: a coroutine on its own strand that reads requests, has them handled on the pool, and sends answers.
//
// 1. All members are touched on the strand alone, but for `deadline_ms`, which the server's ticker reads.
// 2. A deadline is set exactly while the connection waits for its client; the ticker cuts it when it has passed and
//    nothing moved meanwhile.
// 3. While a handler runs or an answer waits for its source, the socket is watched, so that a client that leaves is
//    noticed at once.
#pragma once

#include <atomic>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "base/guarded.h"
#include "net/loop/asio.h"
#include "net/loop/channel.h"
#include "net/loop/pool.h"
#include "net/server.h"

namespace hearth::net {

class Connection;

/// What connections share.
struct Shared {
  const ServerOptions& options;
  Handler& handler;
  Pool& pool;
  Pool& writers;  ///< write what is received: a slow disk keeps neither the loop nor handlers waiting
  asio::io_context& io;
  std::atomic<bool> draining{false};  ///< the last answer on each connection says so
  std::atomic<bool> stopping{false};
  int public_port = 0;  ///< of the first listener: where redirects lead
  bool public_tls = false;
  Guarded<std::set<std::shared_ptr<Connection>>> connections{};
};

class BodySource;

/// How a connection's listener was set up.
struct Doorway {
  std::shared_ptr<Tls> tls = {};
  bool redirect = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, Socket socket, std::string remote_address, Doorway doorway);

  /// Serves until the client or the server ends it.
  awaitable<void> serve();
  /// Called by the ticker, on the strand: cuts the connection when its deadline has passed without any progress.
  void check_deadline();
  /// The server stops: an idle connection ends at once, others after their answer; on `at_once` all do.
  void wind_down(bool at_once);
  auto strand() const { return strand_; }

  std::atomic<int64_t> deadline_ms{0};  ///< 0: not waiting for the client

 private:
  friend class ParserSource;
  /// Sets the deadline for as long as it lives.
  class Waiting {
   public:
    Waiting(Connection& c, int timeout_ms);
    ~Waiting();

   private:
    Connection& c_;
  };
  /// How an answer goes on the wire.
  struct Framing {
    bool head_only = false;
    bool keep_alive = true;
    bool chunks_known = true;  ///< the client speaks HTTP/1.1
  };

  /// Settles whether the client speaks TLS. False: the connection is over.
  awaitable<bool> open();
  awaitable<bool> serve_one();
  awaitable<Status> receive(BodySource& source, const BodyPlan& plan, Request& request);
  awaitable<Status> receive_file(BodySource& source, const BodyPlan& plan, Request& request);
  /// Sends, and tells the handler how it went.
  awaitable<bool> answer(Response& response, Framing framing, const RequestHead& head, BodySource* body,
                         double begun_s);
  void client_left(const RequestHead& head, double begun_s);
  Response redirect(const RequestHead& head) const;
  awaitable<void> drain();
  awaitable<std::optional<Response>> on_pool(std::function<Response()> job, const RequestHead& head);
  /// Returns when the client has left.
  awaitable<int> watch();

  // send.cc; each returns false when the connection cannot be used any further
  awaitable<bool> send(Response& response, Framing framing, const RequestHead& head, BodySource* body);
  awaitable<bool> send_text(std::string head, const std::string& text);
  awaitable<bool> send_range(const Fd& file, uint64_t begin, uint64_t length);
  awaitable<bool> send_pieces(Response& response, Framing framing, const RequestHead& head);
  awaitable<bool> send_range_encrypted(const Fd& file, uint64_t begin, uint64_t length);
  awaitable<bool> send_stream(Response& response, Framing framing, std::shared_ptr<StreamWriter::State> state);
  awaitable<bool> send_process(Response& response, Framing framing, const RequestHead& head, BodySource* body);
  awaitable<bool> send_relay(Response& response, Framing framing, const RequestHead& head);
  awaitable<int> pump_stream(std::shared_ptr<StreamWriter::State> state, bool chunked);
  awaitable<int> pump_process(Response& response, Framing framing, const RequestHead& head, int output_fd, int log_fd,
                              Process& process);
  awaitable<int> feed_process(int input_fd, BodySource* body);
  awaitable<int> pump_relay(Response& response, Framing framing, const RequestHead& head);
  awaitable<bool> write(std::string_view a, std::string_view b = {}, std::string_view c = {});
  awaitable<bool> write_chunk(std::string_view bytes, bool chunked);

  Shared& shared_;
  Channel channel_;
  asio::strand<asio::io_context::executor_type> strand_;
  std::string remote_address_;
  boost::beast::flat_buffer buffer_;
  bool idle_ = false;   ///< between requests
  int64_t unsent_ = 0;  ///< bytes in the kernel's send queue at the last look
  int timeout_ms_ = 0;  ///< of the wait under way
  Doorway doorway_;
  int requests_ = 0;         ///< begun on this connection
  int status_ = 0;           ///< of the answer under way
  uint64_t sent_bytes_ = 0;  ///< of the answer under way
  double handle_s_ = 0;      ///< of the answer under way: on the pool, and waiting for it
  std::stop_source stop_;
};

/// The body of a request, piece by piece, decompressed and counted.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next piece; empty at the end. Views last until the next call. It lies in `room` where that saves a copy. The
  /// failure's code says why it broke: cancelled (the client left), too_large, bad_input.
  virtual awaitable<Status> next(std::string_view& piece, std::span<char> room = {}) = 0;
};

/// "HTTP/1.1 200 OK" and the fields, to the empty line.
std::string response_head(const Response& response, std::string_view framing_fields);

}  // namespace hearth::net
