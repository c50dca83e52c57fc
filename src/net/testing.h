// For tests: a server on a thread of its own, and a raw socket that says exactly what it is told to.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/text.h"
#include "net/server.h"

namespace hearth::net::testing {

/// A handler made of functions.
struct TestHandler : Handler {
  std::function<Response(Request&&, std::stop_token)> on_handle;
  std::function<BodyPlan(const RequestHead&)> on_plan = [](const RequestHead&) { return BodyPlan::memory(1 << 20); };
  std::function<std::optional<Response>(const RequestHead&)> on_admit = [](const RequestHead&) { return std::nullopt; };
  BodyPlan plan(const RequestHead& head) override { return on_plan(head); }
  std::optional<Response> admit(const RequestHead& head) override { return on_admit(head); }
  Response handle(Request&& request, std::stop_token stop) override { return on_handle(std::move(request), stop); }
  void answered(const RequestHead&, const Response&, const Answered& how) override {
    heard->with([&](auto& all) { all.push_back(how); });
  }
  std::shared_ptr<Guarded<std::vector<Answered>>> heard = std::make_shared<Guarded<std::vector<Answered>>>();
};

/// A server that runs until the end of the scope.
class RunningServer {
 public:
  RunningServer(Handler& handler, ServerOptions options = {}) {
    options.pool_threads = 2;
    auto listening = Server::listen(options, handler);
    VERIFY(listening.ok(), "a test server can listen");
    server_ = std::move(*listening);
    thread_ = std::jthread([this] { server_->run(); });
  }
  ~RunningServer() { stop(); }
  void stop() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }
  int port() const { return server_->port(); }
  std::vector<std::string> addresses() const { return server_->addresses(); }
  std::string url(std::string_view target) const { return cat(server_->address(), target); }

 private:
  std::unique_ptr<Server> server_;
  std::jthread thread_;
};

/// A client that writes and reads bytes.
class RawClient {
 public:
  explicit RawClient(int port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    VERIFY(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "the server is there");
  }
  void send(std::string_view bytes) { static_cast<void>(write_all(fd_.get(), bytes).ok()); }
  /// Reads until `text` has come, the end, or five seconds: what came so far, in all.
  const std::string& read_until(std::string_view text) {
    const auto begin = monotonic_ms();
    while (!contains(seen_, text) && !ended_ && monotonic_ms() - begin < 5000) {
      pollfd wait{fd_.get(), POLLIN, 0};
      if (::poll(&wait, 1, 100) <= 0) continue;
      char buffer[65536];
      const auto got = ::read(fd_.get(), buffer, sizeof buffer);
      ended_ = got <= 0;
      if (got > 0) seen_.append(buffer, static_cast<size_t>(got));
    }
    return seen_;
  }
  const std::string& read_to_end() { return read_until("\x01 no such text \x02"); }
  bool ended() const { return ended_; }
  void forget() { seen_.clear(); }
  void close() { fd_.close(); }

 private:
  Fd fd_;
  std::string seen_;
  bool ended_ = false;
};

/// Waits up to five seconds for something to become true.
inline bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace hearth::net::testing
