#include "server/bucket_feed.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

namespace hearth::server {
namespace {

constexpr size_t kFollowersMax = 1000;
constexpr int64_t kBatch = 500;
constexpr int64_t kPoll_ms = 500, kPing_ms = 25'000, kLife_ms = 600'000;

struct Follower {
  hub::Repo bucket;
  int64_t seen = 0;
  int64_t ping_ms = 0, end_ms = 0;  ///< of the monotonic clock
  std::shared_ptr<net::StreamWriter> writer;
};

Json change_json(const hub::BucketChange& change) {
  Json out = Json::Object{{"path", change.file.path}, {"op", change.op}};
  if (change.op == "delete") return out;
  out.set("size", change.file.size_bytes);
  out.set("xetHash", change.file.xet_hash);
  out.set("mtime", iso_time(change.file.mtime_ms));
  out.set("uploadedAt", iso_time(change.file.uploaded_ms));
  return out;
}

std::string cursor_json(int64_t change) {
  return Json(Json::Object{{"cursor", bucket_cursor(change, now_ms())}}).dump();
}

// False when the follower is gone, or is to go.
bool tell(const hub::Hub& hub, Follower& follower) {
  const auto changes = hub::bucket_changes(hub, follower.bucket, follower.seen, kBatch);
  if (!changes.ok()) {
    log(LogLevel::warning, "server", cat("changes of ", follower.bucket.full_name(), ": ", changes.status().message()));
    return false;
  }
  const auto now = monotonic_ms();
  if (!changes->empty()) {
    Json::Array list;
    for (const auto& change : *changes) list.push_back(change_json(change));
    follower.seen = changes->back().id;
    follower.ping_ms = now + kPing_ms;
    const Json batch = Json::Object{{"cursor", bucket_cursor(follower.seen, now_ms())}, {"changes", std::move(list)}};
    return follower.writer->write(sse_event("changes", batch.dump()));
  }
  if (now > follower.end_ms) {
    static_cast<void>(follower.writer->write(sse_event("reconnect", cursor_json(follower.seen))));
    follower.writer->close();
    return false;
  }
  if (now > follower.ping_ms) {
    follower.ping_ms = now + kPing_ms;
    return follower.writer->write(": still here\n\n");
  }
  return !follower.writer->client_gone().stop_requested();
}

}  // namespace

struct BucketFeed::State {
  explicit State(const hub::Hub& opened) : hub(opened), thread([this](std::stop_token stop) { run(stop); }) {}

  void run(std::stop_token stop) {
    std::vector<Follower> mine;
    for (;;) {
      {
        std::unique_lock lock(mutex);
        if (mine.empty())
          changed.wait(lock, stop, [&] { return !arrived.empty(); });
        else
          changed.wait_for(lock, stop, std::chrono::milliseconds(kPoll_ms), [&] { return !arrived.empty(); });
        if (stop.stop_requested()) return;
        std::move(arrived.begin(), arrived.end(), std::back_inserter(mine));
        arrived.clear();
      }
      std::erase_if(mine, [&](Follower& follower) { return !tell(hub, follower); });
      const std::lock_guard lock(mutex);
      count = mine.size() + arrived.size();
    }
  }

  const hub::Hub& hub;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::vector<Follower> arrived;
  size_t count = 0;
  std::jthread thread;  // last: joined before the rest goes
};

BucketFeed::BucketFeed(const hub::Hub& hub) : state_(std::make_unique<State>(hub)) {}
BucketFeed::~BucketFeed() = default;

Result<std::shared_ptr<net::StreamWriter>> BucketFeed::follow(const hub::Repo& bucket, int64_t from) {
  auto writer = net::StreamWriter::make();
  static_cast<void>(writer->write(sse_event("ready", cursor_json(from))));
  const auto now = monotonic_ms();
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->count >= kFollowersMax) return Status(Code::busy, "too many follow buckets here; try again later");
    ++state_->count;
    state_->arrived.push_back(
        {.bucket = bucket, .seen = from, .ping_ms = now + kPing_ms, .end_ms = now + kLife_ms, .writer = writer});
  }
  state_->changed.notify_all();
  return writer;
}

std::string bucket_cursor(int64_t change, int64_t at_ms) {
  return cat(change, "-", at_ms);
}

Result<BucketCursor> parse_bucket_cursor(std::string_view text) {
  const auto dash = text.find('-');
  const auto change = parse_int(text.substr(0, dash));
  const auto at_ms = dash == std::string_view::npos ? std::nullopt : parse_int(text.substr(dash + 1));
  if (!change || !at_ms || *change < 0 || *at_ms < 0)
    return Status(Code::bad_input, cat("'", text.substr(0, 60), "' is not a cursor of this hub"));
  return BucketCursor{*change, *at_ms};
}

std::string sse_event(std::string_view name, std::string_view json) {
  return cat("event: ", name, "\ndata: ", json, "\n\n");
}

}  // namespace hearth::server
