// A connection's bytes: the socket itself, or TLS over it. Beast and Asio's composed operations read and write it as
// they would a socket; plain channels hand straight on to it.
//
// 1. Used on the connection's strand alone: OpenSSL's object is one thread's at a time.
// 2. OpenSSL reads and writes the socket itself, never waits, and says what it needs; the waiting is Asio's.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>

#include "net/loop/asio.h"
#include "net/loop/tls_set.h"

namespace hearth::net {

class Channel {
 public:
  using executor_type = Socket::executor_type;

  explicit Channel(Socket socket) : socket_(std::move(socket)) {}

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  bool secure() const { return ssl_ != nullptr; }

  /// Takes the server's part in a handshake. False: it failed, and the connection is of no use.
  awaitable<bool> handshake(std::shared_ptr<const Tls::Set> set);

  /// Are there received bytes that the socket does not show any more?
  bool has_received() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }
  enum class Seen { nothing, data, gone };
  /// What the client sent last, without taking it. Never waits.
  Seen look();
  /// Tells the other side that no more will be sent.
  void finish_sending();

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    if (!ssl_) return socket_.async_read_some(buffers, std::forward<Token>(token));
    return asio::async_compose<Token, void(error_code, size_t)>(ReadOp{*this, first(buffers)}, token, socket_);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if (!ssl_) return socket_.async_write_some(buffers, std::forward<Token>(token));
    WriteOp op{*this, {}, {}};
    op.take(buffers);
    return asio::async_compose<Token, void(error_code, size_t)>(std::move(op), token, socket_);
  }

 private:
  static constexpr size_t kRecord = 16 << 10;  // RFC 8446 5.1: the most that one record holds

  /// One try: done (bytes or an error), or what to wait for.
  struct Step {
    enum class Wait { none, read, write } wait = Wait::none;
    error_code error = {};
    size_t count = 0;
  };
  Step step_of(int result);
  Step try_read(asio::mutable_buffer buffer);
  Step try_write(std::string_view bytes);

  template <class Buffers>
  static asio::mutable_buffer first(const Buffers& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at)
      if (asio::mutable_buffer(*at).size() > 0) return *at;
    return {};
  }

  template <class Self>
  void wait(Step::Wait what, Self& self) {
    socket_.async_wait(what == Step::Wait::read ? Socket::wait_read : Socket::wait_write, std::move(self));
  }

  // Both ops begin with a post: an operation may not complete inside its own beginning.
  struct ReadOp {
    Channel& channel;
    asio::mutable_buffer buffer;
    bool begun = false;
    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (!std::exchange(begun, true)) return asio::post(channel.get_executor(), std::move(self));
      if (error) return self.complete(error, 0);
      const auto step = channel.try_read(buffer);
      if (step.wait != Step::Wait::none) return channel.wait(step.wait, self);
      self.complete(step.error, step.count);
    }
  };

  struct WriteOp {
    Channel& channel;
    std::string small;           // short pieces joined: a head and its body are one record
    asio::const_buffer large{};  // or the first long one
    bool begun = false;

    template <class Buffers>
    void take(const Buffers& buffers) {
      for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
        const asio::const_buffer piece = *at;
        if (piece.size() == 0) continue;
        if (small.empty() && piece.size() >= kRecord) {
          large = piece;
          return;
        }
        const auto taken = std::min(piece.size(), kRecord - small.size());
        small.append(static_cast<const char*>(piece.data()), taken);
        if (taken < piece.size()) return;
      }
    }
    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (!std::exchange(begun, true)) return asio::post(channel.get_executor(), std::move(self));
      if (error) return self.complete(error, 0);
      const auto step =
          channel.try_write(large.size() > 0 ? std::string_view(static_cast<const char*>(large.data()), large.size())
                                             : std::string_view(small));
      if (step.wait != Step::Wait::none) return channel.wait(step.wait, self);
      self.complete(step.error, step.count);
    }
  };

  Socket socket_;
  std::shared_ptr<const Tls::Set> set_;  // the handshake's callbacks point into it
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

}  // namespace hearth::net
