// The terminal a command talks to: results on standard output, progress and errors on standard error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth {

class Terminal {
 public:
  Terminal();
  /// A result, to standard output, at once.
  void print(std::string_view text);
  void print_line(std::string_view text);
  /// A remark, to standard error, with a line end.
  void note(std::string_view text);
  /// A transient line on standard error (progress), only when that is a terminal; the next output replaces it.
  void status_line(std::string_view text);
  /// "hearth: <message>" on standard error, and the exit code of the failure.
  int fail(const Status& status);
  bool is_interactive() const { return err_is_terminal_; }  ///< standard error is a terminal
  bool out_is_terminal() const { return out_is_terminal_; }
  int width() const;  ///< columns, 80 when unknown
  /// One line of standard input without its end; not_found at the end of input.
  Result<std::string> read_line();
  /// As read_line, not echoed when standard input is a terminal.
  Result<std::string> read_secret(std::string_view prompt);

 private:
  void clear_status_line();
  bool out_is_terminal_, err_is_terminal_;
  bool status_shown_ = false;
};

/// A bar on the terminal's status line, shown after one second: "model.safetensors  45% 41 MB/92 MB  12 MB/s  0:04".
class Progress {
 public:
  Progress(Terminal& terminal, std::string label, uint64_t total);
  ~Progress();
  void add(uint64_t amount) { set(done_ + amount); }
  void set(uint64_t done);

 private:
  Terminal& terminal_;
  std::string label_;
  uint64_t total_, done_ = 0;
  double begin_s_, drawn_s_ = 0;
};

}  // namespace hearth
