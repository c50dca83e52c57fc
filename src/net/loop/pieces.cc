// Bodies in pieces (http.h, PieceBody): a batch is made on the pool while the one before is sent.
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "base/text.h"
#include "net/loop/connection.h"

namespace hearth::net {

using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): `a() || b()`

namespace {

constexpr int kFullPool_ms = 20;  // between two tries to get a place in the pool's queue

using Batch = Result<std::vector<Piece>>;

/// A call of the source on the pool, and the coroutine that waits for it.
struct Fetch {
  explicit Fetch(const asio::strand<asio::io_context::executor_type>& strand)
      : done(strand, asio::steady_timer::time_point::max()) {}
  asio::steady_timer done;
  std::optional<Batch> batch;
};

awaitable<int> until_fetched(std::shared_ptr<Fetch> fetch) {
  while (!fetch->batch) co_await fetch->done.async_wait(kAwait);
  co_return 1;
}

awaitable<std::shared_ptr<Fetch>> start(Pool& pool, std::shared_ptr<PieceSource> source, std::stop_token stop,
                                        asio::strand<asio::io_context::executor_type> strand) {
  auto fetch = std::make_shared<Fetch>(strand);
  std::function<void()> job = [fetch, source, stop, strand] {
    auto made = std::make_shared<std::optional<Batch>>();
    try {
      *made = source->next(stop);
    } catch (const std::exception& e) {
      *made = Status(Code::internal, e.what());
    }
    asio::post(strand, [fetch, made] {
      fetch->batch = std::move(*made);
      fetch->done.cancel();
    });
  };
  while (!pool.run(job)) {  // an answer that has begun is not given up because others wait
    asio::steady_timer pause(strand, std::chrono::milliseconds(kFullPool_ms));
    co_await pause.async_wait(kAwait);
  }
  co_return fetch;
}

}  // namespace

awaitable<bool> Connection::send_pieces(Response& response, Framing framing, const RequestHead& head) {
  const auto body = std::get<PieceBody>(response.body);
  const bool sized = body.length.has_value(), chunked = !sized && framing.chunks_known;
  const bool keep = framing.keep_alive && (sized || chunked);
  auto fields = std::string(keep ? framing.chunks_known ? "" : "Connection: keep-alive\r\n" : "Connection: close\r\n");
  if (sized)
    fields += cat("Content-Length: ", *body.length, "\r\n");
  else if (chunked)
    fields += "Transfer-Encoding: chunked\r\n";
  const auto head_text = response_head(response, fields);
  if (framing.head_only) co_return co_await write(head_text) && keep;

  const auto stop = stop_.get_token();
  uint64_t left = body.length.value_or(0);
  auto fetch = co_await start(shared_.pool, body.source, stop, strand_);
  for (bool begun = false;; begun = true) {
    const auto winner = co_await (until_fetched(fetch) || watch());
    if (winner.index() == 1) {
      stop_.request_stop();
      co_return false;
    }
    auto batch = std::move(*fetch->batch);
    if (!batch.ok()) {
      log(LogLevel::error, "net", cat(head.method, " ", head.path, ": ", batch.status().message()));
      if (begun) co_return false;
      auto answer = shared_.handler.refuse(head, batch.status());
      co_return co_await send(answer, framing, head, nullptr);
    }
    if (!begun && !co_await write(head_text)) co_return false;
    if (batch->empty()) break;
    fetch = co_await start(shared_.pool, body.source, stop, strand_);
    for (const auto& piece : *batch) {
      if (sized && piece.size() > left) co_return false;  // the promised length is kept or the connection is not
      left -= sized ? piece.size() : 0;
      const bool sent = piece.file ? co_await send_range(*piece.file, piece.offset, piece.length)
                                   : co_await write_chunk(piece.bytes, chunked);
      if (!sent) co_return false;
    }
  }
  if (sized && left > 0) co_return false;
  if (chunked && !co_await write("0\r\n\r\n")) co_return false;
  co_return keep;
}

}  // namespace hearth::net
