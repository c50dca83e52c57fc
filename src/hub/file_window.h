// Reading files once from front to back, past the page cache where the disk can (O_DIRECT): no copy, and no pages taken
// from the files that are being served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "base/files.h"

namespace hearth::hub {

/// One buffer that moves over files.
class FileWindow {
 public:
  static constexpr size_t kBuffer = 2 << 20;

  /// The file to read from; nothing happens when it is the same as before.
  Status show(const std::string& path);
  /// Bytes [begin, end), at most half a buffer of them, of which what follows up to `will_read` is wanted soon. Valid
  /// until the next call. io when the file ends before.
  Result<std::span<const std::byte>> read(uint64_t begin, uint64_t end, uint64_t will_read);

 private:
  struct Free {
    void operator()(std::byte* buffer) const { std::free(buffer); }
  };
  Status fill(uint64_t begin, uint64_t end, uint64_t will_read);

  std::string path_;
  Fd file_;
  bool is_direct_ = false;
  std::unique_ptr<std::byte, Free> buffer_;
  uint64_t begin_ = 0, end_ = 0;  // of the file, what the buffer holds
};

}  // namespace hearth::hub
