#include "net/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <csignal>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/loop/connection.h"

namespace hearth::net {

namespace {

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

constexpr int kNotSentLowWater = 256 << 10;  // unsent bytes a slow client keeps in the kernel

Status taken(const ServerOptions& options, const error_code& error) {
  if (!options.unix_path.empty())
    return Status(Code::unavailable, cat("cannot listen on ", options.unix_path, ": ", error.message()));
  if (error == asio::error::address_in_use)
    return Status(Code::unavailable, cat("port ", options.port, " of ", options.host,
                                         " is taken by another program: stop it, or choose another port with --port"));
  return Status(Code::unavailable,
                cat("cannot listen on ", options.host, " port ", options.port, ": ", error.message()));
}

/// One address that is listened on.
struct Gate {
  explicit Gate(asio::io_context& io) : acceptor(asio::make_strand(io)) {}
  Acceptor acceptor;
  Doorway doorway;
  bool tcp = true;
  std::string host;
  int port = 0;  ///< the one that was bound
};

std::string address_of(const Gate& gate, const ServerOptions& options) {
  if (!gate.tcp) return cat("unix:", options.unix_path);
  const bool v6 = contains(gate.host, ":");
  return cat(gate.doorway.tls ? "https://" : "http://", v6 ? "[" : "", gate.host, v6 ? "]" : "", ":", gate.port);
}

Result<asio::generic::stream_protocol::endpoint> endpoint_of(asio::io_context& io, const ServerOptions& options) {
  error_code error;
  if (!options.unix_path.empty()) {
    if (options.unix_path.size() >= sizeof(sockaddr_un::sun_path))
      return Status(Code::bad_input, cat("the socket's path is longer than ", sizeof(sockaddr_un::sun_path) - 1,
                                         " bytes: ", options.unix_path));
    return asio::generic::stream_protocol::endpoint(asio::local::stream_protocol::endpoint(options.unix_path));
  }
  asio::ip::tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(options.host, std::to_string(options.port),
                       asio::ip::tcp::resolver::passive | asio::ip::tcp::resolver::numeric_service, error);
  if (error || found.empty())
    return Status(Code::bad_input,
                  cat("the host '", options.host, "' is no address of this machine: ", error.message()));
  return asio::generic::stream_protocol::endpoint(found.begin()->endpoint());
}

/// A socket file that nobody answers on is a leftover.
void remove_leftover(asio::io_context& io, const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  asio::local::stream_protocol::socket probe(io);
  error_code error;
  probe.connect(asio::local::stream_protocol::endpoint(path), error);
  if (error == asio::error::connection_refused) ::unlink(path.c_str());
}

std::string address_of(const Socket::endpoint_type& peer) {
  if (peer.data()->sa_family != AF_INET && peer.data()->sa_family != AF_INET6) return {};
  asio::ip::tcp::endpoint tcp;
  std::memcpy(tcp.data(), peer.data(), std::min(peer.size(), tcp.capacity()));
  return tcp.address().to_string();
}

}  // namespace

Response Handler::refuse(const RequestHead&, const Status& status) {
  return {.status = code_row(status.code()).http_status,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = status.message() + "\n"};
}

struct Server::Impl {
  Impl(const ServerOptions& o, Handler& handler)
      : options(o),
        io(std::max(o.io_threads, 1)),
        strand(asio::make_strand(io)),
        ticker(strand),
        signals(strand),
        pool(o.pool_threads, o.max_queued),
        writers(o.write_threads, o.max_connections),
        shared{.options = options, .handler = handler, .pool = pool, .writers = writers, .io = io} {}

  Status open(const ServerOptions& where, Doorway doorway);
  awaitable<void> accept_all(Gate& gate);
  awaitable<void> tick();
  void add(Socket socket, const Socket::endpoint_type& peer, const Gate& gate);
  void begin_stop();
  void await_signal(Server& server);

  ServerOptions options;
  asio::io_context io;
  asio::strand<asio::io_context::executor_type> strand;
  std::vector<std::unique_ptr<Gate>> gates;  // the first one is the server's address
  asio::steady_timer ticker;
  asio::signal_set signals;
  Pool pool, writers;  // their jobs use what is above
  Shared shared;
  std::atomic<int64_t> drain_until_ms{0};
  int64_t cut_at_ms = 0;
  bool closed = false;
};

Status Server::Impl::open(const ServerOptions& where, Doorway doorway) {
  const auto endpoint = TRY(endpoint_of(io, where));
  auto gate = std::make_unique<Gate>(io);
  auto& acceptor = gate->acceptor;
  gate->doorway = std::move(doorway);
  gate->tcp = where.unix_path.empty();
  gate->host = where.host;
  error_code error;
  if (where.listening_fd >= 0) {
    acceptor.assign(endpoint.protocol(), where.listening_fd, error);
    if (error) return taken(where, error);
    gates.push_back(std::move(gate));
    return {};
  }
  if (!gate->tcp) remove_leftover(io, where.unix_path);
  acceptor.open(endpoint.protocol(), error);
  if (!error && gate->tcp) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  // The mode of the socket file, set before it exists: nobody else can connect in between.
  if (!error && !gate->tcp) ::fchmod(acceptor.native_handle(), 0600);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1024, error);
  if (error) return taken(where, error);
  ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  if (gate->tcp) {
    asio::ip::tcp::endpoint bound;
    const auto local = acceptor.local_endpoint();
    std::memcpy(bound.data(), local.data(), std::min(local.size(), bound.capacity()));
    gate->port = bound.port();
  }
  gates.push_back(std::move(gate));
  return {};
}

awaitable<void> Server::Impl::accept_all(Gate& gate) {
  auto& acceptor = gate.acceptor;
  while (acceptor.is_open()) {
    Socket::endpoint_type peer;
    Socket socket(io);
    auto [error] = co_await acceptor.async_accept(socket, peer, kAwait);
    if (!error) {
      add(std::move(socket), peer, gate);
    } else if (acceptor.is_open()) {  // out of descriptors: some will be free again
      asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(100));
      co_await pause.async_wait(kAwait);
    }
  }
}

void Server::Impl::add(Socket socket, const Socket::endpoint_type& peer, const Gate& gate) {
  error_code ignored;
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  socket.native_non_blocking(true, ignored);
  if (gate.tcp) {
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kNotSentLowWater, sizeof kNotSentLowWater);
  }
  const bool full = shared.connections.with([&](auto& all) { return all.size() >= options.max_connections; });
  if (full && gate.doorway.tls) return;  // nothing can be said before a handshake
  if (full) {
    auto answer = shared.handler.refuse({}, Status(Code::unavailable, "the hub has too many connections: try again"));
    answer.headers.set("Connection", "close");
    const auto* text = std::get_if<std::string>(&answer.body);
    const auto bytes =
        response_head(answer, cat("Content-Length: ", text ? text->size() : 0, "\r\n")) + (text ? *text : "");
    ::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return;
  }
  auto connection = std::make_shared<Connection>(shared, std::move(socket), address_of(peer), gate.doorway);
  shared.connections.with([&](auto& all) { all.insert(connection); });
  asio::co_spawn(connection->strand(), connection->serve(), [this, connection](std::exception_ptr failure) {
    shared.connections.with([&](auto& all) { all.erase(connection); });
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      log(LogLevel::error, "net", cat("a connection broke: ", e.what()));
    }
  });
}

// Cuts what has waited too long, and ends the loop when the server has stopped and nothing is under way.
awaitable<void> Server::Impl::tick() {
  const int shortest = std::min({options.head_timeout_ms, options.idle_timeout_ms, options.stall_timeout_ms});
  const auto interval = std::chrono::milliseconds(std::clamp(shortest / 4, 10, 1000));
  for (;;) {
    ticker.expires_after(shared.draining ? std::chrono::milliseconds(10) : interval);
    co_await ticker.async_wait(kAwait);
    const auto now = monotonic_ms();
    if (shared.draining && now >= drain_until_ms) shared.stopping = true;
    if (shared.stopping && !closed) begin_stop();
    const bool cut = shared.stopping && now >= cut_at_ms;
    bool none = true;
    shared.connections.with([&](auto& all) {
      none = all.empty();
      for (const auto& connection : all) {
        const auto deadline = connection->deadline_ms.load();
        if (shared.stopping)
          asio::post(connection->strand(), [connection, cut] { connection->wind_down(cut); });
        else if (deadline != 0 && deadline <= now)
          asio::post(connection->strand(), [connection] { connection->check_deadline(); });
      }
    });
    if (shared.stopping && none) break;
    if (shared.stopping && now >= cut_at_ms + 1000) break;
  }
  io.stop();
}

void Server::Impl::begin_stop() {
  closed = true;
  cut_at_ms = monotonic_ms() + options.grace_ms;
  for (const auto& gate : gates)
    asio::post(gate->acceptor.get_executor(), [&acceptor = gate->acceptor] {
      error_code ignored;
      acceptor.close(ignored);
    });
  if (!options.unix_path.empty() && options.listening_fd < 0) ::unlink(options.unix_path.c_str());
}

Result<std::unique_ptr<Server>> Server::listen(const ServerOptions& options, Handler& handler) {
  // A client that leaves is an error of the write, and so is a file over the limit of this process's owner.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  auto impl = std::make_unique<Impl>(options, handler);
  TRY(impl->open(options, {.tls = options.tls}));
  impl->shared.public_port = impl->gates.front()->port;
  impl->shared.public_tls = options.tls != nullptr;
  for (const auto& listener : options.more)
    TRY(impl->open({.host = listener.host, .port = listener.port},
                   {.tls = listener.tls, .redirect = listener.redirect}));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

int Server::port() const {
  return impl_->gates.front()->port;
}

std::string Server::address() const {
  return address_of(*impl_->gates.front(), impl_->options);
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> out;
  for (const auto& gate : impl_->gates) out.push_back(address_of(*gate, impl_->options));
  return out;
}

bool Server::draining() const {
  return impl_->shared.draining;
}

ServerLoad Server::load() const {
  return {.connections = impl_->shared.connections.with([](auto& all) { return all.size(); }),
          .waiting = impl_->pool.waiting(),
          .running = impl_->pool.running()};
}

void Server::Impl::await_signal(Server& server) {
  signals.async_wait([this, &server](error_code failure, int number) {
    if (failure) return;
    if (number != SIGHUP) {
      server.stop();
    } else if (options.on_reload) {
      options.on_reload();
    }
    await_signal(server);
  });
}

void Server::run() {
  auto& impl = *impl_;
  if (impl.options.stop_on_signals) {
    error_code error;
    impl.signals.add(SIGINT, error);
    impl.signals.add(SIGTERM, error);
    impl.signals.add(SIGHUP, error);
    impl.await_signal(*this);
  }
  for (const auto& gate : impl.gates)
    asio::co_spawn(gate->acceptor.get_executor(), impl.accept_all(*gate), asio::detached);
  asio::co_spawn(impl.strand, impl.tick(), asio::detached);
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < impl.options.io_threads; ++i) threads.emplace_back([&impl] { impl.io.run(); });
    impl.io.run();
  }
}

void Server::stop() {
  auto& impl = *impl_;
  // The first call begins to drain; a second one does not wait for its end.
  const bool again = impl.shared.draining.exchange(true);
  if (!again) impl.drain_until_ms = monotonic_ms() + impl.options.drain_ms;
  if (again || impl.options.drain_ms == 0) impl.shared.stopping = true;
  asio::post(impl.strand, [&impl] { impl.ticker.cancel(); });
}

}  // namespace hearth::net
