// How answers leave: text, files by sendfile, streams, a process's output, a relayed answer.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/loop/connection.h"
#include "net/loop/stream_state.h"
#include "net/refusal.h"

namespace hearth::net {

namespace http = boost::beast::http;
using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): `a() || b()`

namespace {

constexpr size_t kPiece = 64 << 10;
constexpr size_t kSendfilePiece = 1 << 20;  // between two looks at the other connections
constexpr size_t kEncryptedPiece = 256 << 10;
constexpr int kBroken = 0, kDone = 1;  // how a pump ended: the connection is of no more use, or is

std::string connection_field(bool keep_alive, bool http11) {
  if (!keep_alive) return "Connection: close\r\n";
  return http11 ? "" : "Connection: keep-alive\r\n";
}

/// A relayed answer's fields that belong to the hop, not to the answer (RFC 9110 7.6.1).
bool is_hop_field(std::string_view name) {
  for (const auto field : {"Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Date", "Upgrade", "TE"})
    if (equals_ignore_case(name, field)) return true;
  return false;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name);
  out += ": ";
  for (const char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
  out += "\r\n";
}

}  // namespace

std::string response_head(const Response& response, std::string_view framing_fields) {
  auto out = cat("HTTP/1.1 ", response.status, " ", status_phrase(response.status), "\r\n");
  append_field(out, "Date", http_date(now_ms()));
  for (const auto& [name, value] : response.headers) append_field(out, name, value);
  out += framing_fields;
  out += "\r\n";
  return out;
}

awaitable<bool> Connection::write(std::string_view a, std::string_view b, std::string_view c) {
  const Waiting waiting(*this, shared_.options.stall_timeout_ms);
  const std::array<asio::const_buffer, 3> buffers = {asio::buffer(a.data(), a.size()), asio::buffer(b.data(), b.size()),
                                                     asio::buffer(c.data(), c.size())};
  auto [error, n] = co_await asio::async_write(channel_, buffers, kAwait);
  sent_bytes_ += n;
  co_return !error;
}

awaitable<bool> Connection::write_chunk(std::string_view bytes, bool chunked) {
  if (bytes.empty()) co_return true;
  if (!chunked) co_return co_await write(bytes);
  char size[20];
  const int length = snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  co_return co_await write(std::string_view(size, static_cast<size_t>(length)), bytes, "\r\n");
}

awaitable<bool> Connection::send(Response& response, Framing framing, const RequestHead& head, BodySource* body) {
  status_ = response.status;
  if (auto* stream = std::get_if<std::shared_ptr<StreamWriter>>(&response.body)) {
    auto state = (*stream)->state();
    stream->reset();  // so that the producer's going is seen
    co_return co_await send_stream(response, framing, std::move(state));
  }
  if (std::holds_alternative<ProcessPipe>(response.body))
    co_return co_await send_process(response, framing, head, body);
  if (std::holds_alternative<Relay>(response.body)) co_return co_await send_relay(response, framing, head);
  if (std::holds_alternative<PieceBody>(response.body)) co_return co_await send_pieces(response, framing, head);

  auto fields = connection_field(framing.keep_alive, framing.chunks_known);
  const bool bodyless = response.status == 204 || response.status == 304;
  if (auto* range = std::get_if<FileRange>(&response.body)) {
    if (!framing.head_only && !range->fd) {
      auto opened = open_read(range->path);
      if (!opened.ok()) {
        auto answer = shared_.handler.refuse(head, opened.status());
        co_return co_await send(answer, framing, head, body);
      }
      range->fd = std::move(*opened);
    }
    if (!bodyless) fields += cat("Content-Length: ", range->length, "\r\n");
    auto text = response_head(response, fields);
    if (framing.head_only || bodyless) co_return co_await write(text);
    if (!co_await write(text)) co_return false;
    co_return co_await send_range(range->fd, range->offset, range->length);
  }
  const auto& text = std::get<std::string>(response.body);
  if (!bodyless && !response.headers.has("Content-Length")) fields += cat("Content-Length: ", text.size(), "\r\n");
  auto head_text = response_head(response, fields);
  if (framing.head_only || bodyless) co_return co_await write(head_text);
  co_return co_await write(head_text, text);
}

awaitable<bool> Connection::send_range(const Fd& file, uint64_t begin, uint64_t length) {
  if (channel_.secure()) co_return co_await send_range_encrypted(file, begin, length);
  auto offset = static_cast<off_t>(begin);
  uint64_t left = length;
  auto& socket = channel_.socket();
  const Waiting waiting(*this, shared_.options.stall_timeout_ms);
  while (left > 0) {
    const auto sent = ::sendfile(socket.native_handle(), file.get(), &offset, std::min<uint64_t>(left, kSendfilePiece));
    if (sent > 0) {
      left -= static_cast<uint64_t>(sent);
      sent_bytes_ += static_cast<uint64_t>(sent);
      deadline_ms = monotonic_ms() + timeout_ms_;
      if (left > 0) co_await asio::post(strand_, kAwait);
    } else if (sent < 0 && errno == EAGAIN) {
      auto [error] = co_await socket.async_wait(Socket::wait_write, kAwait);
      if (error) co_return false;
    } else if (sent == 0 || errno != EINTR) {
      co_return false;  // the file is shorter than it was, or the client left: the length cannot be kept
    }
  }
  co_return true;
}

// Encryption needs the bytes here; they pass through one buffer.
awaitable<bool> Connection::send_range_encrypted(const Fd& file, uint64_t begin, uint64_t length) {
  std::string bytes(std::min<uint64_t>(length, kEncryptedPiece), '\0');
  for (uint64_t done = 0; done < length;) {
    const auto wanted = std::min<uint64_t>(bytes.size(), length - done);
    const auto got = ::pread(file.get(), bytes.data(), wanted, static_cast<off_t>(begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) co_return false;  // shorter than it was
    if (!co_await write(std::string_view(bytes).substr(0, static_cast<size_t>(got)))) co_return false;
    done += static_cast<uint64_t>(got);
  }
  co_return true;
}

awaitable<bool> Connection::send_stream(Response& response, Framing framing,
                                        std::shared_ptr<StreamWriter::State> state) {
  const bool sized = response.headers.has("Content-Length");  // its producer keeps to it
  const bool chunked = framing.chunks_known && !sized;
  const bool keep = framing.keep_alive && (chunked || sized);
  auto head = response_head(
      response, connection_field(keep, framing.chunks_known) + (chunked ? "Transfer-Encoding: chunked\r\n" : ""));
  bool good = co_await write(head);
  if (good && !framing.head_only) {
    const auto winner = co_await (pump_stream(state, chunked) || watch());
    good = winner.index() == 0 && std::get<0>(winner) == kDone;
  }
  state->gone.request_stop();
  {
    std::lock_guard lock(state->mutex);
    state->wake = nullptr;
    state->room.notify_all();
  }
  co_return good&& keep;
}

awaitable<int> Connection::pump_stream(std::shared_ptr<StreamWriter::State> state, bool chunked) {
  auto timer = std::make_shared<asio::steady_timer>(strand_, asio::steady_timer::time_point::max());
  {
    std::lock_guard lock(state->mutex);
    state->wake = [timer, strand = strand_] { asio::post(strand, [timer] { timer->cancel(); }); };
  }
  for (;;) {
    std::string bytes;
    bool closed, broken;
    {
      std::lock_guard lock(state->mutex);
      bytes.swap(state->buffer);
      closed = state->closed;
      broken = state->overrun || (state->abandoned && !closed);
      state->room.notify_all();
    }
    if (!co_await write_chunk(bytes, chunked)) co_return kBroken;
    if (!bytes.empty()) continue;
    if (broken) co_return kBroken;
    if (closed) {
      if (chunked && !co_await write("0\r\n\r\n")) co_return kBroken;
      co_return kDone;
    }
    co_await timer->async_wait(kAwait);  // a wake-up that came before this wait is lost only with the state unchanged:
                                         // both run on the strand
  }
}

awaitable<bool> Connection::send_process(Response& response, Framing framing, const RequestHead& head,
                                         BodySource* body) {
  int input[2], output[2];
  const int log = memfd_create("hearth-process-log", MFD_CLOEXEC);
  Fd log_fd(log), input_read, input_write, output_read, output_write;
  if (pipe2(input, O_CLOEXEC) == 0) input_read = Fd(input[0]), input_write = Fd(input[1]);
  if (pipe2(output, O_CLOEXEC) == 0) output_read = Fd(output[0]), output_write = Fd(output[1]);
  if (!log_fd || !input_read || !output_read) {
    auto answer = shared_.handler.refuse(head, errno_status("cannot start", "a process"));
    co_return co_await send(answer, framing, head, body);
  }
  // Starting waits for the exec: on the pool.
  auto& pipe = std::get<ProcessPipe>(response.body);
  pipe.process.stdin_fd = input_read.get();
  pipe.process.stdout_fd = output_write.get();
  pipe.process.stderr_fd = log_fd.get();
  struct Starting {
    ProcessOptions options;
    Fd input, output;
    std::optional<Result<Process>> process;
  };
  auto starting = std::make_shared<Starting>();
  starting->options = pipe.process;
  starting->input = std::move(input_read);
  starting->output = std::move(output_write);
  std::function<Response()> start = [starting] {
    starting->process.emplace(Process::start(starting->options));
    return Response{};
  };
  auto refused = co_await on_pool(std::move(start), head);
  if (!refused) co_return false;
  starting->input.close();
  starting->output.close();
  if (!starting->process) co_return co_await send(*refused, framing, head, body);
  if (!starting->process->ok()) {
    auto answer = shared_.handler.refuse(head, starting->process->status());
    co_return co_await send(answer, framing, head, body);
  }
  auto& process = **starting->process;
  const auto winner = co_await (pump_process(response, framing, head, output_read.release(), log_fd.get(), process) ||
                                feed_process(input_write.release(), body));
  co_return winner.index() == 0 && std::get<0>(winner) == kDone&& framing.keep_alive&& framing.chunks_known;
}

// Owns input_fd. Ends when the client has left or its body is bad; a body that ended well is followed by watching.
awaitable<int> Connection::feed_process(int input_fd, BodySource* body) {
  asio::posix::stream_descriptor input(strand_, input_fd);
  bool reads = true;  // the process still takes input
  while (body) {
    std::string_view piece;
    const auto status = co_await body->next(piece);
    if (!status.ok()) co_return kBroken;
    if (piece.empty()) break;
    if (!reads) continue;
    auto [error, n] = co_await asio::async_write(input, asio::buffer(piece.data(), piece.size()), kAwait);
    if (error == asio::error::operation_aborted) co_return kBroken;
    reads = !error;
  }
  input.close();
  co_await watch();
  co_return kBroken;
}

// Owns output_fd.
awaitable<int> Connection::pump_process(Response& response, Framing framing, const RequestHead& head, int output_fd,
                                        int log_fd, Process& process) {
  asio::posix::stream_descriptor output(strand_, output_fd);
  const bool chunked = framing.chunks_known;
  std::string bytes(kPiece, '\0');
  bool begun = false;
  for (;;) {
    auto [error, n] = co_await output.async_read_some(asio::buffer(bytes), kAwait);
    if (error == asio::error::operation_aborted) co_return kBroken;
    if (error) break;
    if (!begun) {
      begun = true;
      const auto& pipe = std::get<ProcessPipe>(response.body);
      auto text = response_head(response, connection_field(framing.keep_alive && chunked, chunked) +
                                              (chunked ? "Transfer-Encoding: chunked\r\n" : ""));
      if (!co_await write(text)) co_return kBroken;
      if (framing.head_only) co_return kDone;
      if (!co_await write_chunk(pipe.prefix, chunked)) co_return kBroken;
    }
    if (!co_await write_chunk(std::string_view(bytes).substr(0, n), chunked)) co_return kBroken;
  }
  // The output has ended: the process ends by itself in a moment, or is killed when dropped.
  asio::steady_timer timer(strand_);
  for (int wait_ms = 1; !process.poll() && wait_ms < 2'000; wait_ms *= 2) {
    timer.expires_after(std::chrono::milliseconds(wait_ms));
    co_await timer.async_wait(kAwait);
  }
  const int exit_status = process.poll().value_or(-1);
  if (exit_status != 0) {
    char errors[4096];
    const auto got = ::pread(log_fd, errors, sizeof errors, 0);
    log(LogLevel::warning, "net",
        cat(head.method, " ", head.path, ": the process ended with ", exit_status, ": ",
            trim(std::string_view(errors, got > 0 ? static_cast<size_t>(got) : 0))));
  }
  if (!begun) {
    if (exit_status != 0) {
      auto answer = shared_.handler.refuse(head, Status(Code::internal, "the process failed; the hub's log says why"));
      co_return co_await send(answer, framing, head, nullptr) ? kDone : kBroken;
    }
    const auto& pipe = std::get<ProcessPipe>(response.body);
    auto text = response_head(
        response, connection_field(framing.keep_alive, chunked) + cat("Content-Length: ", pipe.prefix.size(), "\r\n"));
    co_return co_await write(text, framing.head_only ? std::string_view() : pipe.prefix) ? kDone : kBroken;
  }
  if (chunked && !co_await write("0\r\n\r\n")) co_return kBroken;
  co_return kDone;
}

awaitable<bool> Connection::send_relay(Response& response, Framing framing, const RequestHead& head) {
  const auto winner = co_await (pump_relay(response, framing, head) || watch());
  co_return winner.index() == 0 && std::get<0>(winner) == kDone;
}

awaitable<int> Connection::pump_relay(Response& response, Framing framing, const RequestHead& head) {
  const auto& relay = std::get<Relay>(response.body);
  asio::local::stream_protocol::socket peer(strand_);
  auto [connect_error] = co_await peer.async_connect(asio::local::stream_protocol::endpoint(relay.unix_path), kAwait);
  if (connect_error == asio::error::operation_aborted) co_return kBroken;

  auto out = cat(relay.method, " ", relay.target, " HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n");
  for (const auto& [name, value] : relay.headers)
    if (!is_hop_field(name) && !equals_ignore_case(name, "Host")) append_field(out, name, value);
  out += cat("Content-Length: ", relay.body.size(), "\r\n\r\n");
  error_code error = connect_error;
  if (!error) {
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(out), asio::buffer(relay.body)};
    auto [write_error, n] = co_await asio::async_write(peer, buffers, kAwait);
    error = write_error;
  }
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  parser.skip(relay.method == "HEAD");
  boost::beast::flat_buffer buffer(256 << 10);
  if (!error) {
    auto [read_error, n] = co_await http::async_read_header(peer, buffer, parser, kAwait);
    error = read_error;
  }
  if (error == asio::error::operation_aborted) co_return kBroken;
  if (error) {
    auto answer = shared_.handler.refuse(
        head, Status(Code::unavailable, cat("the engine did not answer (", error.message(), "): try again")));
    co_return co_await send(answer, framing, head, nullptr) && framing.keep_alive ? kDone : kBroken;
  }
  if (const auto why = parser.get().find(kRefusalField); why != parser.get().end()) {
    auto refused =
        shared_.handler.refuse(head, Status(Code::unavailable, std::string(why->value().data(), why->value().size())));
    co_return co_await send(refused, framing, head, nullptr) && framing.keep_alive ? kDone : kBroken;
  }

  Response answer;
  answer.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    const std::string_view name(field.name_string().data(), field.name_string().size());
    if (!is_hop_field(name) && !response.headers.has(name))
      answer.headers.add(name, std::string_view(field.value().data(), field.value().size()));
  }
  for (const auto& [name, value] : response.headers) answer.headers.add(name, value);
  status_ = answer.status;
  const bool bodyless = answer.status == 204 || answer.status == 304;
  const auto length = parser.content_length();
  const bool chunked = !length && !bodyless && framing.chunks_known;
  const bool keep = framing.keep_alive && (length || bodyless || chunked);
  auto fields = connection_field(keep, framing.chunks_known);
  if (length) fields += cat("Content-Length: ", *length, "\r\n");
  if (chunked) fields += "Transfer-Encoding: chunked\r\n";
  const auto text = response_head(answer, fields);
  if (!co_await write(text)) co_return kBroken;
  if (framing.head_only || bodyless) co_return keep ? kDone : kBroken;

  std::string bytes(kPiece, '\0');
  while (!parser.is_done()) {
    parser.get().body().data = bytes.data();
    parser.get().body().size = bytes.size();
    auto [read_error, n] = co_await http::async_read_some(peer, buffer, parser, kAwait);
    if (read_error == asio::error::operation_aborted) co_return kBroken;
    const auto size = bytes.size() - parser.get().body().size;
    if (!co_await write_chunk(std::string_view(bytes).substr(0, size), chunked)) co_return kBroken;
    if (read_error && read_error != http::error::need_buffer) {
      log(LogLevel::warning, "net", cat(head.method, " ", head.path, ": the engine broke off: ", read_error.message()));
      if (!length) co_await write_chunk(relay.broken_tail, chunked);
      if (chunked && !relay.broken_tail.empty()) co_await write("0\r\n\r\n");
      co_return kBroken;
    }
  }
  if (chunked && !co_await write("0\r\n\r\n")) co_return kBroken;
  co_return keep ? kDone : kBroken;
}

}  // namespace hearth::net
