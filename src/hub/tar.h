// A tar file, written member by member as its bytes come.
// Source: POSIX.1-2017 pax, "ustar Interchange Format"; sizes from 8 GiB on as GNU tar writes them (base 256).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"

namespace hearth::hub {

class TarWriter {
 public:
  /// Creates the file, or empties it.
  static Result<TarWriter> create(std::string path);

  /// A member of at most 100 characters of name; exactly `size_bytes` are written to it before the next one begins.
  Status begin(std::string_view name, uint64_t size_bytes);
  Status write(std::string_view bytes);
  /// Ends the archive; it is on the disk afterwards.
  Status finish();

 private:
  TarWriter(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  Status pad();
  std::string path_;
  Fd fd_;
  uint64_t missing_ = 0;  ///< of the member's bytes
  size_t padding_ = 0;    ///< after them
};

}  // namespace hearth::hub
