// The job that makes one delivery of a webhook.
#pragma once

#include "base/text.h"
#include "jobs/queue.h"

namespace hearth::server {

inline hearth::jobs::NewJob webhook_delivery_job(int64_t delivery_id) {
  return {.kind = "webhook-delivery",
          .key = cat("delivery:", delivery_id),
          .payload = Json::Object{{"delivery", delivery_id}}};
}

}  // namespace hearth::server
