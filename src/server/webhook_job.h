// The job that makes one delivery of a webhook; of a webhook's, one runs at once.
#pragma once

#include "base/text.h"
#include "jobs/queue.h"

namespace hearth::server {

inline hearth::jobs::NewJob webhook_delivery_job(int64_t webhook_id, int64_t delivery_id) {
  return {.kind = "webhook-delivery",
          .key = cat("delivery:", webhook_id, "/", delivery_id),
          .payload = Json::Object{{"delivery", delivery_id}}};
}

}  // namespace hearth::server
