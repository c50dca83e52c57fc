// Rows of upstream hubs and of mirrored repositories; the transfers themselves are the server's
// (server/pull_through.h).
//
// 1. A mirror's commits come from its remote alone: nobody else writes to it (check_mirror_write).
// 2. A mirror serves a large file only once this hub has had it from the remote: a pointer that names somebody else's
//    file by its hash opens nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct Upstream {
  int64_t id = 0;
  std::string name;            ///< how administrators call it
  std::string url;             ///< "https://hub.example.org"
  std::string owner;           ///< asked for this owner's repositories alone; empty: for those of owners not known here
  std::string token;           ///< shown to it; private repositories need one
  int64_t repo_max_bytes = 0;  ///< a repository with more does not come; 0: no limit
};

/// conflict when the name is taken; bad_input for a URL that is none.
Status add_upstream(Hub& hub, Upstream upstream);
Result<std::vector<Upstream>> list_upstreams(const Hub& hub);
/// What was pulled from it stays, as repositories of this hub. not_found unless there is one.
Status remove_upstream(Hub& hub, std::string_view name);

struct Mirror {
  RepoId id;            ///< here
  int64_t repo_id = 0;  ///< 0 until it was created
  std::string url;      ///< of the hub where its truth lies
  std::string remote;   ///< its full name there
  std::string token;
  int64_t every_s = 0;  ///< 0: refreshed by its readers, large files at their first read
  bool once = false;    ///< an import: after the first whole copy it is an ordinary repository
  bool ready = false;   ///< it was copied at least once
  int64_t checked_ms = 0;
  std::string error = {};  ///< of the last attempt
  bool gone = false;       ///< the remote said then that it has no such repository: what came before is all there is

  /// Brought by a reader and refreshed by readers, not by an administrator's word.
  bool by_readers() const { return every_s == 0 && !once; }
};

/// Writes the row down before the repository exists; fine when it is there already.
Status plan_mirror(Hub& hub, const Mirror& mirror);
/// By name; nothing when the repository is none.
Result<std::optional<Mirror>> find_mirror(const Hub& hub, const RepoId& id);
Result<std::optional<Mirror>> mirror_of(const Hub& hub, const Repo& repo);
Result<std::vector<Mirror>> list_mirrors(const Hub& hub);
/// Writes back what changes: repo_id, remote, ready, checked_ms, error, gone.
Status save_mirror(Hub& hub, const Mirror& mirror);
/// The mirror's repository has another name here.
Status rename_mirror(Hub& hub, const Mirror& mirror, const RepoId& to);
/// The repository stays, as one of this hub.
Status remove_mirror(Hub& hub, const RepoId& id);

/// The owner row for what is pulled from an upstream, made when there is none: an organisation whose administrator is
/// the hub's first one. conflict when the name is a local owner's and `rule_owner` does not name it.
Status ensure_upstream_owner(Hub& hub, const Upstream& upstream, std::string_view owner);

/// Addresses of `from` lead to the repository, as after a move.
Status note_renamed(Hub& hub, const RepoId& from, const Repo& to);
/// The upstream that brought the mirror, or would; nothing for what an administrator named.
Result<std::optional<Upstream>> upstream_of(const Hub& hub, const Mirror& mirror);

}  // namespace hearth::hub
