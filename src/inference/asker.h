// Who waits for an answer.
#pragma once

#include <stop_token>
#include <string>

namespace hearth::inference {

struct Asker {
  std::string client;    ///< one name for all that a user, or a visitor's address, asks: turns are taken by it
  std::stop_token stop;  ///< requested when nobody waits any more
};

}  // namespace hearth::inference
