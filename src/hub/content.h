// A big file's bytes, whichever way they are stored: whole, or as ranges of xorbs. Every reader of big files comes
// here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

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
/// The content as one file of this machine, to map: what is stored as chunks is put together and kept whole from then
/// on.
Result<std::string> local_content(const Hub& hub, std::string_view sha256);
/// The content is about to be named by a commit: a collector that runs at the same time spares it (hub/gc.h).
Status touch_content(const Hub& hub, std::string_view sha256);
/// The file's bytes [begin, begin + length) piece by piece. The hub outlives it.
std::unique_ptr<PieceSource> xet_pieces(const Hub& hub, const XetFile& file, uint64_t begin, uint64_t length);

}  // namespace hearth::hub
