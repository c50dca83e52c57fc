// Any bytes as a Xet xorb: as a client sends it, and as a stored one with its footer.
#include <algorithm>

#include "huggingface_hub/xet_xorb.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace xet = hearth::xet;
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto view = xet::XorbView::open(bytes); view.ok()) {
    for (size_t i = 0; i < view->count(); ++i)
      VERIFY(view->chunk_at(view->size_begin(i)) == i, "a chunk holds its first byte");
  }
  const auto table = xet::read_xorb(bytes);
  // In pieces, whose sizes the bytes choose, it reads the same.
  const auto pieced = [&]() -> hearth::Result<xet::XorbTable> {
    xet::XorbReader reader;
    for (size_t at = 0; at < size;) {
      const auto piece = std::min<size_t>(1 + data[at] % 64, size - at);
      TRY(reader.add(bytes.subspan(at, piece)));
      at += piece;
    }
    return reader.finish();
  }();
  VERIFY(table.ok() == pieced.ok() && (!table.ok() || table->hash == pieced->hash), "pieces change nothing");
  if (!table.ok()) return 0;
  // What was read once reads the same from its own footer.
  std::string stored(reinterpret_cast<const char*>(data), table->packed_bytes());
  stored += xet::format_xorb_footer(*table);
  const auto view = xet::XorbView::open(std::as_bytes(std::span(stored)));
  VERIFY(view.ok() && view->count() == table->chunks.size(), "our footer is one");
  VERIFY(xet::read_xorb(std::as_bytes(std::span(stored)))->hash == table->hash, "a footer changes nothing");
  xet::Unpacker unpacker;
  for (size_t i = 0; i < view->count(); ++i) {
    const auto at = std::as_bytes(std::span(stored)).subspan(view->packed_begin(i));
    const auto header = xet::read_chunk_header(at);
    VERIFY(header.ok(), "it was read before");
    const auto chunk = unpacker.unpack(*header, at.subspan(xet::kChunkHeader, header->packed_bytes));
    VERIFY(chunk.ok() && xet::chunk_hash(*chunk) == view->hash(i), "it was hashed before");
  }
  return 0;
}
