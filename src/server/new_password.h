// The password of an account, as commands read it.
#pragma once

#include <string>
#include <string_view>

#include "base/arguments.h"
#include "base/terminal.h"
#include "base/text.h"

namespace hearth::server {

/// A line of standard input with --password-stdin; otherwise asked for twice, bad_input when the two differ.
inline Result<std::string> read_new_password(const Arguments& arguments, Terminal& terminal, std::string_view user) {
  if (arguments.has("password-stdin")) return terminal.read_line();
  auto password = TRY(terminal.read_secret(cat("Password for ", user, ": ")));
  if (TRY(terminal.read_secret("Again: ")) != password) return Status(Code::bad_input, "the two passwords differ");
  return password;
}

}  // namespace hearth::server
