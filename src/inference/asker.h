// Who waits for an answer.
#pragma once

#include <stop_token>
#include <string>

#include "base/clock.h"

namespace hearth::inference {

struct Asker {
  std::string client;    ///< one name for all that a user, or a visitor's address, asks: turns are taken by it
  std::stop_token stop;  ///< requested when nobody waits any more
  double arrived_s = monotonic_s();
};

}  // namespace hearth::inference
