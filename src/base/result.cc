#include "base/result.h"

#include <execinfo.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace hearth {

const std::string& Status::message() const {
  static const std::string empty;
  return rep_ ? rep_->message : empty;
}

Status Status::with(std::string_view context) && {
  if (rep_) rep_->message.insert(0, std::string(context) + ": ");
  return std::move(*this);
}

void verify_failed(const char* condition, const char* belief, const char* file, int line) {
  std::fprintf(stderr, "hearth: a bug: %s:%d believed that %s (%s)\n", file, line, belief, condition);
  void* frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
  std::abort();
}

}  // namespace hearth
