// What changed between two revisions, as git's unified text.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct DiffText {
  std::string base, head;  ///< commit ids; `base` is empty for a commit without parent
  std::string text;
  bool cut = false;  ///< over the limit: cut at a line's end
};

/// From `base` to `head`; with `merge_base`, from where they parted.
Result<DiffText> compare(const Hub& hub, const Repo& repo, std::string_view base, std::string_view head,
                         bool merge_base, size_t max_bytes = 8 << 20);
/// What a commit changed beside its first parent.
Result<DiffText> commit_diff(const Hub& hub, const Repo& repo, std::string_view revision, size_t max_bytes = 8 << 20);

}  // namespace hearth::hub
