#include "hub/scan/zip.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace hearth::hub::scan {

Result<std::string> read_member(std::span<const std::byte> bytes, const ZipMember& member, uint64_t max_bytes) {
  const auto packed = TRY(packed_bytes(bytes, member));
  const auto too_large = [&] {
    return Status(Code::too_large, cat(printable(member.name), " unpacks to more than ", max_bytes, " bytes"));
  };
  if (member.method == 0) {
    if (packed.size() > max_bytes) return too_large();
    return std::string(reinterpret_cast<const char*>(packed.data()), packed.size());
  }
  if (member.method != 8) return Status(Code::unsupported, cat("zip method ", member.method));
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Status(Code::internal, "zlib does not start");
  const auto ended = [](z_stream* s) { inflateEnd(s); };
  const std::unique_ptr<z_stream, decltype(ended)> guard(&stream, ended);
  std::string out;
  uint64_t used = 0;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    if (stream.avail_in == 0) {
      const auto take = std::min<uint64_t>(packed.size() - used, 1u << 30);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + used));
      stream.avail_in = static_cast<uInt>(take);
      used += take;
    }
    char block[65'536];
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof block;
    state = inflate(&stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END)
      return Status(Code::bad_input, cat("zip archive: ", printable(member.name), " is no deflated data"));
    out.append(block, sizeof block - stream.avail_out);
    if (out.size() > max_bytes) return too_large();
  }
  return out;
}

}  // namespace hearth::hub::scan
