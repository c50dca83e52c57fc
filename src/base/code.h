// The kinds of failure, and the one table that maps each to an HTTP status, an exit code and huggingface_hub's
// X-Error-Code. Source: huggingface_hub 2.4.0 utils/_http.py (hf_raise_for_status) for the header's values.
#pragma once

#include <string_view>

namespace hearth {

enum class Code {
  ok,
  bad_input,           ///< the request or file is malformed
  unauthenticated,     ///< no credentials, or wrong ones
  forbidden,           ///< known caller without the right
  gated,               ///< content behind an access request
  not_found,           ///< no such thing
  repo_not_found,      ///< unknown repository, or one the caller may not know of
  revision_not_found,  ///< unknown branch, tag or commit
  entry_not_found,     ///< unknown path at a known revision
  conflict,            ///< exists already, or somebody else was first
  precondition,        ///< the parent commit is not the head
  too_large,           ///< over a stated limit
  range,               ///< byte range outside the file
  unsupported,         ///< valid, but not something this build does
  busy,                ///< a queue is full; try again
  unavailable,         ///< a peer, engine or network is not there
  cancelled,           ///< the caller went away
  no_space,            ///< the disk is full
  io,                  ///< the disk or a pipe failed
  internal,            ///< a bug
};

struct CodeRow {
  Code code;
  std::string_view name;  ///< for logs and JSON
  int http_status;
  int exit_code;                ///< of the command line
  std::string_view error_code;  ///< X-Error-Code, empty when there is none
};

/// The row of a code; every code has one.
const CodeRow& code_row(Code code);

}  // namespace hearth
