// The two ends of a StreamWriter: the producer's thread and the connection's coroutine.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>

#include "net/http.h"

namespace hearth::net {

struct StreamWriter::State {
  std::mutex mutex;
  std::condition_variable_any room;
  std::string buffer;
  size_t limit = 0;
  bool closed = false;         ///< the producer finished
  bool abandoned = false;      ///< the producer is gone
  bool overrun = false;        ///< the client fell behind by the whole buffer
  std::stop_source gone;       ///< the client is gone
  std::function<void()> wake;  ///< tells the connection that something changed; may be called from any thread
};

}  // namespace hearth::net
