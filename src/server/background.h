// The background work of a front: events become jobs by the registry jobs/, and a runner does them.
#pragma once

#include <memory>

#include "server/services.h"

namespace hearth::jobs {
class Runner;
}

namespace hearth::server {

/// Runs until it is destroyed. Several fronts on one database share the work: each event is turned into jobs once.
class Background {
 public:
  explicit Background(const Services& services);
  ~Background();

 private:
  std::unique_ptr<hearth::jobs::Runner> runner_;
};

/// Turns the events since the last call, of whichever front, into jobs.
Status dispatch_events(store::Db& db);

}  // namespace hearth::server
