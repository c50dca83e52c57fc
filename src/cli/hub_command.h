// What the verbs that talk to a Hub share: their options, the client they make of them, progress and interruption.
#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/arguments.h"
#include "base/terminal.h"
#include "cli/output.h"
#include "huggingface_hub/file_download.h"
#include "huggingface_hub/hf_api.h"

namespace hearth::cli {

inline constexpr Option kTypeOption{"repo-type", "TYPE", "model (the default), dataset or space.", false, "type"};
inline constexpr Option kTokenOption{"token", "TOKEN", "The access token to use instead of the saved one."};
inline constexpr Option kRevisionOption{"revision", "REV", "A branch, a tag or a commit (main)."};

/// A client for HF_ENDPOINT with --token, or else the saved token.
HfApi make_api(const Arguments& arguments);

/// The repository that the first word names, with --repo-type; bad_input with the usage when there is no word.
Result<RepoArgument> repo_argument(const Arguments& arguments, std::string_view usage);

/// bad_input unless there are between `low` and `high` words.
Status check_words(const Arguments& arguments, size_t low, size_t high, std::string_view usage);

/// Control-C and a termination ask the running transfer to stop; it is resumed by the next run.
std::stop_token interrupted();

/// A bar for transfers of several threads.
class TransferBar : public TransferObserver {
 public:
  /// `shown` false: nothing is drawn (--json, --quiet, HF_HUB_DISABLE_PROGRESS_BARS).
  TransferBar(Terminal& terminal, bool shown);
  void begin(std::string_view what, uint64_t total_bytes) override;
  void advance(int64_t bytes) override;
  void finish();

 private:
  std::mutex mutex_;
  Terminal& terminal_;
  bool shown_;
  int64_t done_ = 0;
  std::optional<Progress> bar_;
};

}  // namespace hearth::cli
