#include "cli/hub_command.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/files.h"
#include "base/text.h"

namespace hearth::cli {

HfApi make_api(const Arguments& arguments) {
  if (!arguments.has("token")) return HfApi();
  return HfApi(HubHttp(hub_endpoint(), std::string(trim(arguments.get("token")))));
}

Status check_words(const Arguments& arguments, size_t low, size_t high, std::string_view usage) {
  const auto count = arguments.positional().size();
  if (count < low) return Status(Code::bad_input, cat("a word is missing: hearth ", usage));
  if (count > high)
    return Status(Code::bad_input, cat("'", arguments.positional()[high], "' is one word too many: hearth ", usage));
  return {};
}

Result<RepoArgument> repo_argument(const Arguments& arguments, std::string_view usage) {
  TRY(check_words(arguments, 1, SIZE_MAX, usage));
  auto out = TRY(parse_repo_argument(arguments.positional()[0], arguments.get("repo-type")));
  if (arguments.has("revision")) {
    if (!out.revision.empty())
      return Status(Code::bad_input, "--revision cannot be used with an hf:// address that names one");
    out.revision = std::string(arguments.get("revision"));
    if (out.revision.empty()) return Status(Code::bad_input, "--revision must not be empty");
  }
  return out;
}

namespace {

/// Waits for Control-C and terminations in a thread of its own, so that no signal handler has to be safe against
/// everything else. The second signal ends the program at once.
class Interruption {
 public:
  Interruption() {
    sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGUSR2}) sigaddset(&signals_, number);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    waiter_ = std::thread([this] { wait(); });
  }
  ~Interruption() {
    pthread_kill(waiter_.native_handle(), SIGUSR2);
    waiter_.join();
  }
  std::stop_token token() const { return source_.get_token(); }

 private:
  void wait() {
    for (bool again = false;; again = true) {
      int number = 0;
      sigwait(&signals_, &number);
      if (number == SIGUSR2) return;  // the destructor's
      if (again) _exit(128 + number);
      source_.request_stop();
    }
  }
  sigset_t signals_{};
  std::stop_source source_;
  std::thread waiter_;
};

}  // namespace

std::stop_token interrupted() {
  static Interruption interruption;
  return interruption.token();
}

TransferBar::TransferBar(Terminal& terminal, bool shown)
    : terminal_(terminal), shown_(shown && env("HF_HUB_DISABLE_PROGRESS_BARS") != "1") {}

void TransferBar::begin(std::string_view what, uint64_t total_bytes) {
  const std::lock_guard lock(mutex_);
  if (!shown_) return;
  done_ = 0;
  bar_.emplace(terminal_, std::string(what), total_bytes);
}

void TransferBar::advance(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  done_ += bytes;
  if (bar_) bar_->set(static_cast<uint64_t>(std::max<int64_t>(done_, 0)));
}

void TransferBar::finish() {
  const std::lock_guard lock(mutex_);
  bar_.reset();
}

}  // namespace hearth::cli
