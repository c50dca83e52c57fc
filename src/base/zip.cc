#include "base/zip.h"

#include <optional>

#include "base/text.h"

namespace hearth {
namespace {

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr size_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kCentralSize = 46, kLocalSize = 30;
constexpr size_t kCommentMax = 65'535, kMembersMax = 1'000'000;

// Little-endian numbers at a place; 0 outside.
class View {
 public:
  explicit View(std::span<const std::byte> bytes) : bytes_(bytes) {}
  uint64_t number(uint64_t at, size_t width) const {
    if (at > bytes_.size() || bytes_.size() - at < width) return 0;
    uint64_t out = 0;
    for (size_t i = width; i-- > 0;) out = out << 8 | std::to_integer<uint64_t>(bytes_[at + i]);
    return out;
  }
  bool has(uint64_t at, uint64_t size) const { return at <= bytes_.size() && bytes_.size() - at >= size; }
  std::string_view text(uint64_t at, uint64_t size) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + at, static_cast<size_t>(size)};
  }
  uint64_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
};

std::optional<uint64_t> find_end(const View& file) {
  if (file.size() < kEndSize) return std::nullopt;
  const auto last = file.size() - kEndSize;
  const auto first = last > kCommentMax ? last - kCommentMax : 0;
  for (auto at = last;; --at) {
    if (file.number(at, 4) == kEnd) return at;
    if (at == first) return std::nullopt;
  }
}

Status broken(std::string_view what) {
  return Status(Code::bad_input, cat("zip archive: ", what));
}

// Sizes and place of 0xFFFFFFFF stand in the extra field of zip64, in this order.
void read_extra(const View& file, uint64_t at, uint64_t size, ZipMember& member) {
  const auto end = at + size;
  while (at + 4 <= end) {
    const auto id = file.number(at, 2), length = file.number(at + 2, 2);
    auto field = at + 4;
    if (id == 1) {
      for (auto* value : {&member.size_bytes, &member.compressed_bytes, &member.header_at}) {
        if (*value != 0xFFFFFFFF || field + 8 > at + 4 + length) continue;
        *value = file.number(field, 8);
        field += 8;
      }
      return;
    }
    at += 4 + length;
  }
}

}  // namespace

bool is_zip(std::span<const std::byte> file) {
  return View(file).number(0, 4) == kLocal;
}

Result<std::vector<ZipMember>> zip_members(std::span<const std::byte> bytes) {
  const View file(bytes);
  const auto end = find_end(file);
  if (!end) return broken("no end record");
  uint64_t count = file.number(*end + 10, 2), at = file.number(*end + 16, 4);
  if (*end >= kLocatorSize && file.number(*end - kLocatorSize, 4) == kLocator64) {
    const auto end64 = file.number(*end - kLocatorSize + 8, 8);
    if (!file.has(end64, kEnd64Size) || file.number(end64, 4) != kEnd64) return broken("its zip64 end record is cut");
    count = file.number(end64 + 32, 8);
    at = file.number(end64 + 48, 8);
  }
  if (count > kMembersMax) return Status(Code::too_large, cat("zip archive of ", count, " members"));
  std::vector<ZipMember> out;
  for (uint64_t i = 0; i < count; ++i) {
    if (!file.has(at, kCentralSize) || file.number(at, 4) != kCentral) return broken("its directory is cut");
    const auto name = file.number(at + 28, 2), extra = file.number(at + 30, 2), comment = file.number(at + 32, 2);
    if (!file.has(at + kCentralSize, name + extra + comment)) return broken("its directory is cut");
    ZipMember member{.name = std::string(file.text(at + kCentralSize, name)),
                     .method = static_cast<int>(file.number(at + 10, 2)),
                     .compressed_bytes = file.number(at + 20, 4),
                     .size_bytes = file.number(at + 24, 4),
                     .header_at = file.number(at + 42, 4)};
    read_extra(file, at + kCentralSize + name, extra, member);
    out.push_back(std::move(member));
    at += kCentralSize + name + extra + comment;
  }
  return out;
}

Result<std::span<const std::byte>> packed_bytes(std::span<const std::byte> bytes, const ZipMember& member) {
  const View file(bytes);
  if (!file.has(member.header_at, kLocalSize) || file.number(member.header_at, 4) != kLocal)
    return broken(cat("no local header of ", printable(member.name)));
  const auto at =
      member.header_at + kLocalSize + file.number(member.header_at + 26, 2) + file.number(member.header_at + 28, 2);
  if (!file.has(at, member.compressed_bytes)) return broken(cat(printable(member.name), " is cut"));
  return bytes.subspan(at, member.compressed_bytes);
}

}  // namespace hearth
