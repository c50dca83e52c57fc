// Requests' bodies on their way into memory or a file.
#include <boost/asio/post.hpp>

#include "net/loop/body.h"
#include "net/loop/connection.h"

namespace hearth::net {

namespace {

constexpr size_t kWorthAThread = 64 << 10;
constexpr size_t kSmall = 64 << 10;  // the bound on connections is theirs

/// A file in the making: the strand fills it, a thread of the writers writes it.
struct Writing {
  Writing(Spool s, const asio::strand<asio::io_context::executor_type>& strand)
      : spool(std::move(s)), rested(strand, asio::steady_timer::time_point::max()) {}
  Spool spool;
  asio::steady_timer rested;  // cancelled when a write ends
  bool busy = false;
  Status status = {};
};

awaitable<Status> until_rested(std::shared_ptr<Writing> writing) {
  while (writing->busy) co_await writing->rested.async_wait(kAwait);
  co_return std::move(writing->status);
}

void begin_write(const std::shared_ptr<Writing>& writing, Pool& writers) {
  const auto bytes = writing->spool.turn();
  writing->busy = true;
  // What it holds it moves on: the connection lets go last, and by then the file is kept or gone.
  std::function<void()> job = [writing = writing]() mutable {
    auto status = std::make_shared<Status>(writing->spool.write());
    const auto executor = writing->rested.get_executor();
    asio::post(executor, [writing = std::move(writing), status] {
      writing->status = std::move(*status);
      writing->busy = false;
      writing->rested.cancel();
    });
  };
  if (bytes < kWorthAThread || !writers.run(job)) job();
}

}  // namespace

awaitable<Status> Connection::receive(BodySource& source, const BodyPlan& plan, Request& request) {
  if (plan.kind == BodyPlan::Kind::spool) co_return co_await receive_file(source, plan, request);
  request.memory = Budget::Share(shared_.options.memory);
  for (;;) {
    std::string_view piece;
    auto status = co_await source.next(piece);
    if (!status.ok() || piece.empty()) co_return status;
    const auto before = request.body.size(), after = before + piece.size();
    if (after > kSmall && !request.memory.grow(after - (before > kSmall ? before : 0)))
      co_return Status(Code::unavailable, "many large requests came at once: try again in a moment");
    request.body.append(piece);
  }
}

awaitable<Status> Connection::receive_file(BodySource& source, const BodyPlan& plan, Request& request) {
  auto created = Spool::create(plan.folder, {.hashed = plan.hashed, .direct = plan.direct, .observer = plan.observer});
  if (!created.ok()) co_return std::move(created).status();
  const auto writing = std::make_shared<Writing>(std::move(*created), strand_);
  auto& spool = writing->spool;
  for (;;) {
    std::string_view piece;
    auto status = co_await source.next(piece, spool.room());
    if (!status.ok()) co_return status;
    if (piece.empty()) break;
    for (spool.took(piece); spool.room().empty(); spool.took(piece)) {
      status = co_await until_rested(writing);
      if (!status.ok()) co_return status;
      begin_write(writing, shared_.writers);
    }
  }
  auto status = co_await until_rested(writing);
  if (!status.ok()) co_return status;
  begin_write(writing, shared_.writers);
  status = co_await until_rested(writing);
  if (!status.ok()) co_return status;
  auto file = spool.finish();
  if (!file.ok()) co_return std::move(file).status();
  request.file.emplace(std::move(*file));
  request.observer = plan.observer;
  co_return Status();
}

}  // namespace hearth::net
