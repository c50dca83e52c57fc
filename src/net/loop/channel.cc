#include "net/loop/channel.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>

namespace hearth::net {

awaitable<bool> Channel::handshake(std::shared_ptr<const Tls::Set> set) {
  set_ = std::move(set);
  ssl_.reset(SSL_new(set_->contexts.front().get()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), static_cast<int>(socket_.native_handle())) != 1) co_return false;
  for (;;) {
    ERR_clear_error();
    const auto step = step_of(SSL_accept(ssl_.get()));
    if (step.wait == Step::Wait::none) co_return !step.error;
    auto [error] =
        co_await socket_.async_wait(step.wait == Step::Wait::read ? Socket::wait_read : Socket::wait_write, kAwait);
    if (error) co_return false;
  }
}

Channel::Step Channel::step_of(int result) {
  if (result > 0) return {.count = static_cast<size_t>(result)};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {.wait = Step::Wait::read};
    case SSL_ERROR_WANT_WRITE:
      return {.wait = Step::Wait::write};
    case SSL_ERROR_ZERO_RETURN:
      return {.error = asio::error::eof};
    case SSL_ERROR_SYSCALL:
      return {.error = errno == 0 ? error_code(asio::error::eof) : error_code(errno, boost::system::system_category())};
    default:
      return {.error = asio::error::connection_reset};
  }
}

Channel::Step Channel::try_read(asio::mutable_buffer buffer) {
  ERR_clear_error();
  errno = 0;
  return step_of(
      SSL_read(ssl_.get(), buffer.data(), static_cast<int>(std::min<size_t>(buffer.size(), size_t{1} << 30))));
}

Channel::Step Channel::try_write(std::string_view bytes) {
  if (bytes.empty()) return {};
  ERR_clear_error();
  errno = 0;
  return step_of(
      SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), size_t{1} << 30))));
}

Channel::Seen Channel::look() {
  char byte;
  if (!ssl_) {
    const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) return Seen::data;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? Seen::nothing : Seen::gone;
  }
  ERR_clear_error();
  errno = 0;
  const auto step = step_of(SSL_peek(ssl_.get(), &byte, 1));
  if (step.wait != Step::Wait::none) return Seen::nothing;
  return step.error ? Seen::gone : Seen::data;
}

void Channel::finish_sending() {
  if (ssl_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // one try: a client that reads no more need not be told
  }
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

}  // namespace hearth::net
