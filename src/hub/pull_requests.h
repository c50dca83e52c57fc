// The git side of pull requests: their refs, diffs, conflicts and merges.
//
// A merge is one commit on the branch that the pull request is for (its base), "Title (#N)" with the pull request's
// commits in its message, as the Hub makes it: its tree is that of a three-way merge, its parent is the former head.
// The base moves under the repository's lock and only from the commit that was read. Source: huggingface_hub 2.4.0
// HfApi.get_discussion_details, merge_pull_request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/discussions.h"

namespace hearth::hub {

/// Makes refs/pr/N at a revision and returns the commit.
Result<std::string> create_pull_request_ref(const Hub& hub, const Repo& repo, int64_t num, std::string_view start);

/// Writes events for commits that came to refs/pr/N since the last look, and updates `discussion`.
Status follow_pull_request(Hub& hub, const Repo& repo, Discussion& discussion);

/// The changes since the pull request left its base as unified text; cut at a line's end, with a note, over
/// `max_bytes`. Empty when the base is gone.
Result<std::string> pull_request_diff(const Hub& hub, const Repo& repo, const Discussion& discussion,
                                      size_t max_bytes = 1 << 20);

/// Paths that the base and the pull request changed differently; none when the base is gone.
Result<std::vector<std::string>> merge_conflicts(const Hub& hub, const Repo& repo, const Discussion& discussion);

/// bad_input for a draft or one without changes; conflict when closed, merged already, or with conflicting files;
/// precondition when the base moved meanwhile.
Result<Discussion> merge_pull_request(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                      std::string_view comment);

}  // namespace hearth::hub
