// A big file's bytes, whichever way they are stored: whole, or as ranges of xorbs. Every reader of big files comes
// here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/piece.h"
#include "base/result.h"
#include "hub/hub.h"
#include "hub/xet.h"

namespace hearth::hub {

/// Is the content stored, in any form?
Result<bool> has_content(const Hub& hub, std::string_view sha256);
/// not_found when it is not stored.
Result<uint64_t> content_size(const Hub& hub, std::string_view sha256);
/// Up to `length` bytes from `begin`, in memory; fewer only at the end.
Result<std::string> read_content(const Hub& hub, std::string_view sha256, uint64_t begin = 0,
                                 uint64_t length = UINT64_MAX);
/// All of it in pieces; a failure of `sink` ends it and is returned.
Status stream_content(const Hub& hub, std::string_view sha256, const std::function<Status(std::string_view)>& sink);
/// Puts the content together as the new file `path`, outside the store. io when it is damaged; then there is no file.
Status copy_content(const Hub& hub, std::string_view sha256, const std::string& path);

/// A content as a file of this machine, to map: its place in the store, or a file that was put together from chunks
/// and goes with this object.
class LocalContent {
 public:
  static Result<LocalContent> open(const Hub& hub, std::string_view sha256);
  LocalContent(LocalContent&& other) noexcept
      : path_(std::move(other.path_)), is_temporary_(std::exchange(other.is_temporary_, false)) {}
  LocalContent& operator=(LocalContent&&) = delete;
  ~LocalContent();
  const std::string& path() const { return path_; }

 private:
  LocalContent(std::string path, bool is_temporary) : path_(std::move(path)), is_temporary_(is_temporary) {}
  std::string path_;
  bool is_temporary_;
};

/// The content is about to be named by a commit: a collector that runs at the same time spares it (hub/gc.h).
Status touch_content(const Hub& hub, std::string_view sha256);
/// The file's bytes [begin, begin + length) piece by piece. The hub outlives it.
std::unique_ptr<PieceSource> xet_pieces(const Hub& hub, const XetFile& file, uint64_t begin, uint64_t length);

}  // namespace hearth::hub
