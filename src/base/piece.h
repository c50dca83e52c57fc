// Bytes on their way out, in pieces: some lie in memory, some are sent straight from a file.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace hearth {

/// Bytes in memory, or `length` bytes of a file from `offset` on.
struct Piece {
  std::string bytes = {};
  std::shared_ptr<const Fd> file = {};  ///< null: `bytes` count
  uint64_t offset = 0, length = 0;      ///< of the file

  uint64_t size() const { return file ? length : bytes.size(); }
};

/// Makes pieces as they are wanted, a batch at a time, so that a body of any length takes bounded memory.
class PieceSource {
 public:
  virtual ~PieceSource() = default;
  /// The next batch, in order; empty at the end. May wait for the disk; one call at a time, from any thread.
  virtual Result<std::vector<Piece>> next(std::stop_token stop) = 0;
};

}  // namespace hearth
