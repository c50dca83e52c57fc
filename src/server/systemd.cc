#include "server/systemd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/files.h"
#include "base/log.h"
#include "base/text.h"

namespace hearth::server {

void notify_systemd(std::string_view state) {
  const auto path = env("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (!socket || ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                          reinterpret_cast<const sockaddr*>(&address), length) < 0)
    log(LogLevel::warning, "server", cat("systemd was not told ", state, ": ", std::strerror(errno)));
}

struct Watchdog::State {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::jthread thread;
};

Watchdog::Watchdog() {
  const auto interval_us = parse_int(env("WATCHDOG_USEC"));
  const auto process = parse_int(env("WATCHDOG_PID"));
  if (!interval_us || *interval_us <= 0 || (process && *process != ::getpid())) return;
  state_ = std::make_unique<State>();
  state_->thread =
      std::jthread([this, pause = std::chrono::microseconds(*interval_us / 2)](const std::stop_token& stop) {
        std::unique_lock lock(state_->mutex);
        while (!stop.stop_requested()) {
          notify_systemd("WATCHDOG=1");
          state_->wake.wait_for(lock, stop, pause, [] { return false; });
        }
      });
}

Watchdog::~Watchdog() = default;

}  // namespace hearth::server
