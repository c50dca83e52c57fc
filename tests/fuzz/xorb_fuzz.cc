// Any bytes as a Xet xorb: as a client sends it, and as a stored one with its footer.
#include "huggingface_hub/xet_xorb.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace xet = hearth::xet;
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto view = xet::XorbView::open(bytes); view.ok()) {
    for (size_t i = 0; i < view->count(); ++i)
      VERIFY(view->chunk_at(view->size_begin(i)) == i, "a chunk holds its first byte");
  }
  const auto table = xet::read_xorb(bytes);
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
