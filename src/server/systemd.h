// Tells systemd how the hub is, when systemd started it: a datagram to the socket in NOTIFY_SOCKET.
// Source: sd_notify(3), systemd.service(5) Type=notify, WatchdogSec=.
#pragma once

#include <memory>
#include <string_view>

namespace hearth::server {

/// "READY=1", "STOPPING=1", "STATUS=...": nothing without systemd.
void notify_systemd(std::string_view state);

/// Sends WATCHDOG=1 twice as often as systemd asks for, as long as it lives; nothing when it does not ask.
class Watchdog {
 public:
  Watchdog();
  ~Watchdog();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::server
