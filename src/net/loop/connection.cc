#include "net/loop/connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/loop/body.h"

namespace hearth::net {

namespace http = boost::beast::http;
using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): `a() || b()`

namespace {

using Parser = http::request_parser<http::buffer_body>;

constexpr size_t kPiece = 64 << 10;
constexpr size_t kLargePiece = 512 << 10;  // of a long body: each piece costs a write, a hash call and a wakeup
constexpr uint64_t kDrainBytes = 64 << 20;
constexpr int kDrainMs = 5'000;

RequestHead head_of(const Parser::value_type& message, const std::string& remote_address) {
  RequestHead head;
  head.method = std::string(message.method_string());
  head.target = std::string(message.target());
  // An absolute target (RFC 9112 3.2.2) names this server too: the path begins after its authority.
  std::string_view path = head.target;
  if (const auto scheme = path.find("://"); scheme != std::string_view::npos && !path.starts_with('/')) {
    const auto slash = path.find('/', scheme + 3);
    path = slash == std::string_view::npos ? "/" : path.substr(slash);
  }
  const auto mark = path.find('?');
  head.path = std::string(path.substr(0, mark));
  if (mark != std::string_view::npos) head.query = std::string(path.substr(mark + 1));
  for (const auto& field : message)
    head.headers.add(std::string_view(field.name_string().data(), field.name_string().size()),
                     std::string_view(field.value().data(), field.value().size()));
  head.remote_address = remote_address;
  return head;
}

Status parse_status(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return Status(Code::too_large, "the request's head is too large");
  return Status(Code::bad_input, cat("the request is not HTTP/1.1: ", error.message()));
}

bool is_http_error(const error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

/// The body: of a stated length straight from the socket in large pieces, else (chunks) as the parser delivers it.
class ParserSource final : public BodySource {
 public:
  ParserSource(Connection& c, Parser& parser, uint64_t max_bytes, bool gzip, bool expects_continue)
      : c_(c), parser_(parser), max_bytes_(max_bytes), expects_continue_(expects_continue) {
    if (gzip) inflater_.emplace();
    if (const auto length = parser.content_length(); length && !parser.chunked()) remaining_ = *length;
  }

  bool done() const { return remaining_ ? *remaining_ == 0 : parser_.is_done(); }
  bool expects_continue() const { return expects_continue_; }

  awaitable<Status> next(std::string_view& piece, std::span<char> room) override {
    piece = {};
    if (expects_continue_) {
      expects_continue_ = false;
      if (!co_await c_.write("HTTP/1.1 100 Continue\r\n\r\n")) co_return left();
    }
    for (;;) {
      if (inflater_) {
        auto inflated = inflater_->next();
        if (!inflated.ok()) co_return std::move(inflated).status();
        piece = *inflated;
        if (!piece.empty()) co_return count(piece);
        if (done()) co_return inflater_->finish();
      }
      if (done()) co_return Status();
      std::string_view raw;
      auto status = co_await read(raw, inflater_ ? std::span<char>() : room);
      if (!status.ok()) co_return status;
      if (raw.empty()) continue;
      if (!inflater_) {
        piece = raw;
        co_return count(piece);
      }
      inflater_->feed(raw);
    }
  }

 private:
  static Status left() { return Status(Code::cancelled, "the client left"); }

  awaitable<Status> read(std::string_view& raw, std::span<char> room) {
    if (remaining_) co_return co_await read_plain(raw, room);
    auto& body = parser_.get().body();
    body.data = bytes_;
    body.size = sizeof bytes_;
    const Connection::Waiting waiting(c_, c_.shared_.options.stall_timeout_ms);
    auto [error, n] = co_await http::async_read_some(c_.channel_, c_.buffer_, parser_, kAwait);
    if (error && error != http::error::need_buffer) co_return is_http_error(error) ? parse_status(error) : left();
    raw = std::string_view(bytes_, sizeof bytes_ - body.size);
    co_return Status();
  }

  awaitable<Status> read_plain(std::string_view& raw, std::span<char> room) {
    if (room.empty() && *remaining_ > kPiece) {
      if (!large_) large_ = std::make_unique_for_overwrite<char[]>(kLargePiece);
      room = {large_.get(), kLargePiece};
    } else if (room.empty()) {
      room = bytes_;
    }
    room = room.first(std::min(room.size(), static_cast<size_t>(*remaining_)));
    size_t size = 0;
    if (c_.buffer_.size() > 0) {  // came with the head
      size = std::min(c_.buffer_.size(), room.size());
      std::memcpy(room.data(), c_.buffer_.data().data(), size);
      c_.buffer_.consume(size);
    } else {
      const Connection::Waiting waiting(c_, c_.shared_.options.stall_timeout_ms);
      auto [error, n] = co_await c_.channel_.async_read_some(asio::buffer(room.data(), room.size()), kAwait);
      if (error) co_return left();
      size = n;
    }
    *remaining_ -= size;
    raw = std::string_view(room.data(), size);
    co_return Status();
  }

  Status count(std::string_view piece) {
    total_ += piece.size();
    if (max_bytes_ == 0 || total_ <= max_bytes_) return {};
    return Status(Code::too_large, cat("the request's body has more than ", max_bytes_, " bytes"));
  }

  Connection& c_;
  Parser& parser_;
  std::optional<Inflater> inflater_;
  std::optional<uint64_t> remaining_;  ///< of a body whose length the head states
  uint64_t max_bytes_, total_ = 0;
  bool expects_continue_;
  std::unique_ptr<char[]> large_;
  char bytes_[kPiece];
};

Connection::Waiting::Waiting(Connection& c, int timeout_ms) : c_(c) {
  c_.timeout_ms_ = timeout_ms;
  c_.deadline_ms = monotonic_ms() + timeout_ms;
}

Connection::Waiting::~Waiting() {
  c_.deadline_ms = 0;
}

Connection::Connection(Shared& shared, Socket socket, std::string remote_address, Doorway doorway)
    : shared_(shared),
      channel_(std::move(socket)),
      strand_(asio::make_strand(shared.io)),
      remote_address_(std::move(remote_address)),
      buffer_(shared.options.max_head_bytes + kPiece),
      doorway_(std::move(doorway)) {}

void Connection::check_deadline() {
  auto& socket = channel_.socket();
  if (deadline_ms == 0 || deadline_ms > monotonic_ms() || !socket.is_open()) return;
  int unsent = 0;
  if (ioctl(socket.native_handle(), SIOCOUTQ, &unsent) == 0 && unsent != unsent_) {
    unsent_ = unsent;  // the client still takes bytes, if slowly
    deadline_ms = monotonic_ms() + timeout_ms_;
    return;
  }
  wind_down(true);
}

void Connection::wind_down(bool at_once) {
  if (!at_once && !idle_) return;
  stop_.request_stop();
  error_code ignored;
  channel_.socket().close(ignored);
}

awaitable<void> Connection::serve() {
  if (!doorway_.tls || co_await open()) {
    while (co_await serve_one()) {
    }
  }
  stop_.request_stop();
  error_code ignored;
  if (channel_.socket().is_open()) channel_.finish_sending();
  channel_.socket().shutdown(Socket::shutdown_both, ignored);
  channel_.socket().close(ignored);
}

// A TLS record of a handshake begins with 22 (RFC 8446 5.1), an HTTP request with a letter.
awaitable<bool> Connection::open() {
  idle_ = true;  // a stopping server need not wait for it
  const Waiting waiting(*this, shared_.options.head_timeout_ms);
  auto [error] = co_await channel_.socket().async_wait(Socket::wait_read, kAwait);
  idle_ = false;
  if (error) co_return false;
  char first = 0;
  if (::recv(channel_.socket().native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) co_return false;
  if (first != 22) {
    doorway_.redirect = true;
    co_return true;
  }
  co_return co_await channel_.handshake(doorway_.tls->current());
}

Response Connection::redirect(const RequestHead& head) const {
  auto host = std::string(head.headers.get("Host"));
  if (const auto colon = host.rfind(':'); colon != std::string::npos && host.find(']', colon) == std::string::npos)
    host.resize(colon);
  if (host.empty() || !head.target.starts_with('/'))
    return shared_.handler.refuse(head, Status(Code::bad_input, "this port speaks https"));
  const bool usual = shared_.public_port == (shared_.public_tls ? 443 : 80);
  const auto port = usual ? std::string() : cat(":", shared_.public_port);
  return {.status = 308,  // the method stays
          .headers = {{"Location", cat(shared_.public_tls ? "https://" : "http://", host, port, head.target)}}};
}

awaitable<bool> Connection::answer(Response& response, Framing framing, const RequestHead& head, BodySource* body,
                                   double begun_s) {
  status_ = response.status;
  sent_bytes_ = 0;
  const bool good = co_await send(response, framing, head, body);
  // Sending ends with false also where the answer itself closes the connection.
  const bool whole = good || (!framing.keep_alive && channel_.socket().is_open());
  shared_.handler.answered(head, response,
                           {.status = status_,
                            .bytes = sent_bytes_,
                            .seconds = monotonic_s() - begun_s,
                            .handle_seconds = handle_s_,
                            .whole = whole});
  co_return good;
}

// 499, as nginx logs it: nobody is there to be answered.
void Connection::client_left(const RequestHead& head, double begun_s) {
  shared_.handler.answered(
      head, {.status = 499},
      {.status = 499, .bytes = 0, .seconds = monotonic_s() - begun_s, .handle_seconds = handle_s_, .whole = false});
}

// One request and its answer; false when the connection is over.
awaitable<bool> Connection::serve_one() {
  const auto& options = shared_.options;
  Parser parser;
  parser.header_limit(static_cast<uint32_t>(options.max_head_bytes));
  parser.body_limit(boost::none);
  stop_ = std::stop_source();

  error_code error;
  if (buffer_.size() == 0 &&
      !channel_.has_received()) {  // the next request has not begun: the client may take its time
    if (shared_.stopping) co_return false;
    idle_ = true;
    const Waiting waiting(*this, options.idle_timeout_ms);
    auto [wait_error] = co_await channel_.socket().async_wait(Socket::wait_read, kAwait);
    idle_ = false;
    error = wait_error;
  }
  if (!error) {
    const Waiting waiting(*this, options.head_timeout_ms);
    auto [read_error, n] = co_await http::async_read_header(channel_, buffer_, parser, kAwait);
    error = read_error;
  }
  if (error && !is_http_error(error)) co_return false;
  RequestHead head = head_of(parser.get(), remote_address_);
  head.secure = channel_.secure();
  const auto begun_s = monotonic_s();
  handle_s_ = 0;
  Framing framing{.head_only = head.method == "HEAD", .keep_alive = false};
  if (error) {
    auto answer = shared_.handler.refuse(head, parse_status(error));
    if (co_await this->answer(answer, framing, head, nullptr, begun_s)) co_await drain();
    co_return false;
  }
  shared_.handler.arrived(head);
  framing.keep_alive = parser.keep_alive() && !shared_.stopping && !shared_.draining &&
                       ++requests_ < options.keep_alive_requests && !doorway_.redirect;
  framing.chunks_known = parser.get().version() >= 11;

  const auto plan = shared_.handler.plan(head);
  const auto encoding = head.headers.get("Content-Encoding");
  const bool gzip = equals_ignore_case(encoding, "gzip") || equals_ignore_case(encoding, "x-gzip");
  ParserSource source(*this, parser, plan.max_bytes, gzip,
                      equals_ignore_case(head.headers.get("Expect"), "100-continue"));
  Request request{.head = head};
  std::optional<Response> response;
  Status status;
  const auto length = parser.content_length();
  if (doorway_.redirect)
    response = redirect(head);
  else if (!encoding.empty() && !gzip && !equals_ignore_case(encoding, "identity"))
    status = Status(Code::unsupported, cat("Content-Encoding '", encoding, "' is not known (gzip, identity)"));
  else if (length && plan.max_bytes > 0 && *length > plan.max_bytes)
    status = Status(Code::too_large, cat("the request's body has ", *length, " bytes, the limit is ", plan.max_bytes));
  if (status.ok() && !response && plan.admit_first) {
    // Jobs are named before they are awaited: g++ 12 destroys a lambda twice that is written inside a co_await.
    std::function<Response()> admit = [&handler = shared_.handler, head] {
      return handler.admit(head).value_or(Response{.status = 0});
    };
    response = co_await on_pool(std::move(admit), head);
    if (!response) {
      client_left(head, begun_s);
      co_return false;
    }
    if (response->status == 0) response.reset();
  }
  if (status.ok() && !response && plan.kind != BodyPlan::Kind::pipe) status = co_await receive(source, plan, request);
  if (!status.ok()) {
    if (status.code() == Code::cancelled) {
      client_left(head, begun_s);
      co_return false;
    }
    response = shared_.handler.refuse(head, status);
  }
  if (!response) {
    // std::function copies what it holds, and a request does not copy.
    auto shared_request = std::make_shared<Request>(std::move(request));
    std::function<Response()> handle = [&handler = shared_.handler, shared_request, stop = stop_.get_token()] {
      return handler.handle(std::move(*shared_request), stop);
    };
    response = co_await on_pool(std::move(handle), head);
    if (!response) {
      client_left(head, begun_s);
      co_return false;
    }
  }
  const bool pumps_body = std::holds_alternative<ProcessPipe>(response->body);
  if (!source.done() && !pumps_body) framing.keep_alive = false;  // the rest of the body will not be read
  if (!co_await answer(*response, framing, head, &source, begun_s)) co_return false;
  if (source.done() && framing.keep_alive) co_return true;
  // An unread body: closing now would reset the connection and could take the answer from the client.
  if (!source.done() && !source.expects_continue()) co_await drain();
  co_return false;
}

// Reads what the client still sends, within bounds, so that it gets to read the answer.
awaitable<void> Connection::drain() {
  channel_.finish_sending();
  char bytes[kPiece];
  uint64_t total = 0;
  const int64_t begin = monotonic_ms();
  const Waiting waiting(*this, kDrainMs);
  while (total < kDrainBytes && monotonic_ms() - begin < kDrainMs) {
    auto [error, n] = co_await channel_.socket().async_read_some(asio::buffer(bytes), kAwait);
    if (error || n == 0) break;
    total += n;
  }
}

awaitable<int> Connection::watch() {
  for (;;) {
    if (!channel_.has_received()) {
      auto [error] = co_await channel_.socket().async_wait(Socket::wait_read, kAwait);
      if (error) co_return 0;
    }
    const auto seen = channel_.look();
    if (seen == Channel::Seen::gone) co_return 0;
    if (seen ==
        Channel::Seen::data) {  // the next request waits already: its sender can only be seen to leave when it is read
      asio::steady_timer never(strand_, asio::steady_timer::time_point::max());
      co_await never.async_wait(kAwait);
      co_return 0;
    }
  }
}

namespace {

/// A job on the pool and the coroutine that waits for it.
struct Call {
  explicit Call(const asio::strand<asio::io_context::executor_type>& strand)
      : done(strand, asio::steady_timer::time_point::max()) {}
  asio::steady_timer done;
  std::optional<Response> response;
  Status failure;
  bool finished = false;
};

awaitable<int> until_finished(std::shared_ptr<Call> call) {
  while (!call->finished) co_await call->done.async_wait(kAwait);
  co_return 1;
}

}  // namespace

// Nothing when the client left first: the job's stop token is then requested and its answer dropped.
awaitable<std::optional<Response>> Connection::on_pool(std::function<Response()> job, const RequestHead& head) {
  auto call = std::make_shared<Call>(strand_);
  const auto begun_s = monotonic_s();
  const bool queued = shared_.pool.run([call, job = std::move(job), strand = strand_]() mutable {
    std::optional<Response> response;
    Status failure;
    try {
      response = job();
    } catch (const std::exception& e) {
      failure = Status(Code::internal, e.what());
    }
    job = nullptr;
    auto boxed = std::make_shared<std::pair<std::optional<Response>, Status>>(std::move(response), std::move(failure));
    asio::post(strand, [call, boxed] {
      call->response = std::move(boxed->first);
      call->failure = std::move(boxed->second);
      call->finished = true;
      call->done.cancel();
    });
  });
  if (!queued) co_return shared_.handler.refuse(head, Status(Code::unavailable, "the hub is busy: try again"));
  const auto winner = co_await (until_finished(call) || watch());
  handle_s_ += monotonic_s() - begun_s;
  if (winner.index() == 1) {
    stop_.request_stop();
    co_return std::nullopt;
  }
  if (!call->failure.ok()) {
    log(LogLevel::error, "net", cat(head.method, " ", head.path, ": exception: ", call->failure.message()));
    co_return shared_.handler.refuse(head, call->failure);
  }
  co_return std::move(call->response);
}

}  // namespace hearth::net
