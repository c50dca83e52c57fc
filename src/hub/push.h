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
/// Refused: files over 10 MB and binary files outside LFS, LFS pointers whose file was not uploaded or is not the
/// caller's, refs that the caller may not move (other than branches, tags and their own pull requests; protected ones),
/// deleting main, a README whose metadata is not YAML.
/// The stored files that accepted pointers name become the repository's.
Result<PushCheck> check_push(Hub& hub, const Repo& repo, const Caller& caller, std::span<const RefUpdate> updates,
                             const std::string& quarantine);

/// What git-receive-pack tells a pushing client first, in git's lines: every reference and what the server can. Made
/// here, since a process for it would cost a fifth of a small push.
/// Source: git 2.39 Documentation/gitprotocol-pack.txt, gitprotocol-capabilities.txt.
Result<std::string> advertise_references(const Hub& hub, const Repo& repo);

/// After the refs have moved, and before the pusher is told: the names of what came since `begun_ms` are synced, then
/// the event is written, then the row and the index.
Status after_push(Hub& hub, const Repo& repo, std::string_view actor, std::span<const RefUpdate> updates,
                  int64_t begun_ms = 0);

}  // namespace hearth::hub
