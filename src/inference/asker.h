// Who waits for an answer.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"

namespace hearth::inference {

class RequestRecord;
class Telemetry;

struct Asker {
  std::string client;    ///< one name for all that a user, or a visitor's address, asks: turns are taken by it
  std::stop_token stop;  ///< requested when nobody waits any more
  double arrived_s = monotonic_s();
  std::string id = {};                         ///< the request's, for the log
  std::shared_ptr<RequestRecord> record = {};  ///< of a request for text
  Telemetry* telemetry = nullptr;              ///< of the others; outlives the request
};

}  // namespace hearth::inference
