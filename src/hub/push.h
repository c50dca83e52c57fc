// Rules for `git push`: what the pre-receive hook accepts, and what follows a push.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// One line of the hook's input. An absent side is forty zeros.
struct RefUpdate {
  std::string old_id;
  std::string new_id;
  std::string ref;
};

/// Reads the hook's standard input: "OLD NEW REF" lines.
Result<std::vector<RefUpdate>> parse_ref_updates(std::string_view text);

struct PushCheck {
  bool accepted = true;
  std::vector<std::string> texts;  ///< for the person's terminal, one line each
};
/// Judges the pushed objects, which lie in `quarantine` (git's GIT_QUARANTINE_PATH; empty: in the repository already).
/// Refused: files over 10 MB outside LFS, LFS pointers whose file was not uploaded or is not the caller's, refs other
/// than branches and tags, deleting main, a README whose metadata is not YAML.
/// The stored files that accepted pointers name become the repository's.
Result<PushCheck> check_push(Hub& hub, const Repo& repo, const Caller& caller, std::span<const RefUpdate> updates,
                             const std::string& quarantine);

/// After the refs have moved: the event, then the row and the index.
Status after_push(Hub& hub, const Repo& repo, std::string_view actor, std::span<const RefUpdate> updates);

}  // namespace hearth::hub
