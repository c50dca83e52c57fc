// The body of a commit: newline-separated JSON, a header and then one operation a line.
// Source: huggingface_hub 2.4.0 _commit_api.py (_prepare_commit_payload).
#pragma once

#include <string_view>

#include "base/result.h"
#include "hub/commit.h"

namespace hearth::server {

/// The commit that the body describes; its branch is the caller's to set. bad_input that names the line; too_large for
/// a line or files beyond what a commit takes. Holds the files, not the text, when it returns.
Result<hub::NewCommit> read_commit_payload(std::string_view text);

}  // namespace hearth::server
