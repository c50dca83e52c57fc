// GET /api/buckets/{repo}/events?cursor=|since=: the changes of a bucket's files as server-sent events.
// Source: huggingface_hub 2.4.0 _bucket_live_follow.py: `ready`, `changes`, `reset` (the position is too old: list the
// bucket anew), `reconnect`; a refused position is 400, and the client then asks without one.
#include "base/clock.h"
#include "base/text.h"
#include "server/bucket_feed.h"
#include "server/route.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

Response stream(net::Body body) {
  return {
      .headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}},
      .body = std::move(body)};
}

Response reset() {
  return stream(sse_event("reset", R"({"reason":"changes that old are forgotten"})"));
}

Result<Response> events(Request& rq) {
  auto* feed = rq.services().bucket_feed;
  if (!feed) return Status(Code::unsupported, "this hub does not tell changes of buckets");
  const auto& bucket = *TRY(rq.repo());
  const auto horizon_ms = now_ms() - kBucketChangesKept_ms;
  int64_t from = 0;
  if (const auto cursor = rq.query("cursor"); !cursor.empty()) {
    const auto at = TRY(parse_bucket_cursor(cursor));
    if (at.at_ms < horizon_ms) return reset();
    from = at.change;
  } else if (const auto since = rq.query("since"); !since.empty()) {
    const auto at_ms = TRY(parse_iso_time(since));
    if (at_ms < horizon_ms) return reset();
    from = TRY(hub::bucket_change_before(rq.hub(), bucket, at_ms));
  } else {
    from = TRY(hub::bucket_newest_change(rq.hub(), bucket));
  }
  return stream(TRY(feed->follow(bucket, from)));
}

constexpr Route kRoutes[] = {{"GET", "/api/buckets/{repo}/events", Access::content, events}};

}  // namespace
extern constinit const Routes bucket_events_entry{kRoutes};
}  // namespace hearth::server::routes
