#include "base/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"

namespace hearth {
namespace {

void write_to(int fd, std::string_view text) {
  const auto status = write_all(fd, text, "terminal");
  // A reader that went away (a closed pipe) ends the command the way other tools end.
  if (!status.ok() && fd == STDOUT_FILENO) _exit(code_row(Code::io).exit_code);
}

}  // namespace

Terminal::Terminal() : out_is_terminal_(isatty(STDOUT_FILENO)), err_is_terminal_(isatty(STDERR_FILENO)) {}

void Terminal::clear_status_line() {
  if (status_shown_) write_to(STDERR_FILENO, "\r\x1b[K");
  status_shown_ = false;
}
void Terminal::print(std::string_view text) {
  clear_status_line();
  write_to(STDOUT_FILENO, text);
}
void Terminal::print_line(std::string_view text) {
  print(cat(text, "\n"));
}
void Terminal::note(std::string_view text) {
  clear_status_line();
  write_to(STDERR_FILENO, cat(text, "\n"));
}
void Terminal::status_line(std::string_view text) {
  if (!err_is_terminal_) return;
  write_to(STDERR_FILENO, cat("\r\x1b[K", text.substr(0, static_cast<size_t>(std::max(width() - 1, 10)))));
  status_shown_ = true;
}
int Terminal::fail(const Status& status) {
  note(cat("hearth: ", status.message()));
  return code_row(status.code()).exit_code;
}
int Terminal::width() const {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

Result<std::string> Terminal::read_line() {
  std::string line;
  for (char c;;) {
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_status("cannot read", "standard input");
    if (got == 0 && line.empty()) return Status(Code::not_found, "end of input");
    if (got == 0 || c == '\n') return line;
    line.push_back(c);
    if (line.size() > (1u << 20)) return Status(Code::too_large, "a line of over 1 MiB on standard input");
  }
}

Result<std::string> Terminal::read_secret(std::string_view prompt) {
  if (!isatty(STDIN_FILENO)) {
    auto line = read_line();
    if (line.ok() || line.status().code() != Code::not_found) return line;
    auto asked = trim(prompt);
    if (asked.ends_with(':')) asked.remove_suffix(1);
    return Status(Code::bad_input, cat("'", asked, "' was asked, and standard input, which is no terminal, is empty"));
  }
  write_to(STDERR_FILENO, prompt);
  termios before{};
  tcgetattr(STDIN_FILENO, &before);
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  auto line = read_line();
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  write_to(STDERR_FILENO, "\n");
  return line;
}

Progress::Progress(Terminal& terminal, std::string label, uint64_t total)
    : terminal_(terminal), label_(std::move(label)), total_(total), begin_s_(monotonic_s()) {}

Progress::~Progress() {
  if (drawn_s_ > 0) terminal_.status_line("");
}

void Progress::set(uint64_t done) {
  done_ = done;
  const double now = monotonic_s(), elapsed = now - begin_s_;
  if (elapsed < 1 || now - drawn_s_ < 0.1) return;
  drawn_s_ = now;
  const double rate = static_cast<double>(done_) / elapsed;
  std::string text = label_;
  if (total_ > 0) {
    const auto left_s = static_cast<int>(static_cast<double>(total_ - std::min(done_, total_)) / std::max(rate, 1.0));
    char left[32];
    std::snprintf(left, sizeof left, "%d:%02d", left_s / 60, left_s % 60);
    text += cat("  ", 100 * done_ / total_, "% ", human_size(done_), "/", human_size(total_), "  ",
                human_size(static_cast<uint64_t>(rate)), "/s  ", std::string_view(left));
  } else {
    text += cat("  ", human_size(done_), "  ", human_size(static_cast<uint64_t>(rate)), "/s");
  }
  terminal_.status_line(text);
}

}  // namespace hearth
