// What a client that changes parts of a file needs to know of the rest: which runs of chunks it has to cut anew, and
// the hashes of what lies between them. Source: xet-core cas_client chunk_window_builder; spec/api.md "Get File Chunk
// Hashes"; @huggingface/hub 2.17.5 utils/rangeEdit.ts asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/xet.h"
#include "huggingface_hub/xet_subtree.h"

namespace hearth::hub {

using ByteRange = std::pair<uint64_t, uint64_t>;  ///< [begin, end)

struct EditPlan {
  uint64_t chunks = 0;                            ///< of the whole file
  std::vector<ByteRange> windows;                 ///< what has to be cut anew: whole chunks around the asked ranges
  std::vector<std::optional<xet::Subtree>> gaps;  ///< before, between and after them; nothing where no chunk is left
  std::vector<std::string> range_hashes;          ///< of the file's terms that touch no window, in order
};

/// Windows of a file's chunks around changed ranges. A window goes on behind its range until two chunks in a row have
/// lengths that cutting finds again whatever stood before them: the new chunks end where the old ones did.
class WindowCutter {
 public:
  /// `changed`: in order, apart from each other.
  explicit WindowCutter(std::vector<ByteRange> changed) : changed_(std::move(changed)) {}
  void add(const xet::TreeEntry& chunk);
  /// With windows and gaps.
  EditPlan finish();

 private:
  void close_gap(bool at_end);
  const std::vector<ByteRange> changed_;
  size_t next_ = 0;  ///< of `changed_`: the first that does not end before the next chunk
  uint64_t at_ = 0;  ///< where the next chunk begins
  bool in_window_ = false;
  bool last_is_calm_ = false;  ///< the chunk before lies behind the range and has such a length
  std::vector<xet::TreeEntry> gap_;
  EditPlan plan_;
};

/// bad_input when no range lies within the file; too_large for files of more than some 64 GiB.
Result<EditPlan> plan_edit(const Hub& hub, const XetFile& file, std::vector<ByteRange> changed);

}  // namespace hearth::hub
