// Who follows a bucket is told of its changes as they happen: server-sent events, written by one thread for all.
//
// 1. The thread sleeps while nobody follows; else it looks twice a second for changes after each follower's position,
//    also those of other fronts on the same database.
// 2. A follower that does not read is cut off; it resumes from the cursor of the last batch it has seen.
// 3. A stream ends with `reconnect` after ten minutes: the next request is asked for its right again.
// Source: huggingface_hub 2.4.0 _bucket_live_follow.py (the events and their payloads).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "hub/buckets.h"
#include "net/http.h"

namespace hearth::server {

/// How long changes are remembered for those who resume.
inline constexpr int64_t kBucketChangesKept_ms = int64_t{24} * 3600 * 1000;

class BucketFeed {
 public:
  explicit BucketFeed(const hub::Hub& hub);
  ~BucketFeed();

  /// The body of an answer: `ready`, then the changes after number `from`. busy when too many follow.
  Result<std::shared_ptr<net::StreamWriter>> follow(const hub::Repo& bucket, int64_t from);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A position as the client keeps it: the change's number and the time, so that one from before what is remembered is
/// known for what it is.
std::string bucket_cursor(int64_t change, int64_t at_ms);
struct BucketCursor {
  int64_t change = 0, at_ms = 0;
};
/// bad_input for a text that is no cursor.
Result<BucketCursor> parse_bucket_cursor(std::string_view text);

/// One event as it goes over the wire.
std::string sse_event(std::string_view name, std::string_view json);

}  // namespace hearth::server
