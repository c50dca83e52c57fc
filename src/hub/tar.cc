#include "hub/tar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kBlock = 512;
constexpr uint64_t kOctalMax = uint64_t{1} << 33;  // eleven octal digits
constexpr int kMode = 0644;

// A field of `digits` octal digits and an end.
void put_octal(std::string& block, size_t at, int digits, uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "%0*llo", digits, static_cast<unsigned long long>(value));
  block.replace(at, static_cast<size_t>(digits), text);
}

std::string header(std::string_view name, uint64_t size_bytes) {
  std::string block(kBlock, '\0');
  block.replace(0, name.size(), name);
  put_octal(block, 100, 7, kMode);
  put_octal(block, 108, 7, 0);  // owner, group
  put_octal(block, 116, 7, 0);
  if (size_bytes < kOctalMax) {
    put_octal(block, 124, 11, size_bytes);
  } else {
    block[124] = static_cast<char>(0x80);
    for (size_t i = 0; i < 8; ++i) block[135 - i] = static_cast<char>(size_bytes >> (8 * i));
  }
  put_octal(block, 136, 11, static_cast<uint64_t>(now_ms() / 1000));
  block.replace(148, 8, "        ");  // counts as spaces in its own sum
  block[156] = '0';
  block.replace(257, 8, std::string_view("ustar\00000", 8));
  uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put_octal(block, 148, 6, sum);
  block[154] = '\0';
  return block;
}

}  // namespace

Result<TarWriter> TarWriter::create(std::string path) {
  auto fd = TRY(open_write(path));
  return TarWriter(std::move(path), std::move(fd));
}

Status TarWriter::begin(std::string_view name, uint64_t size_bytes) {
  TRY(pad());
  VERIFY(name.size() <= 100, "callers name their members briefly");
  missing_ = size_bytes;
  padding_ = (kBlock - size_bytes % kBlock) % kBlock;
  return write_all(fd_.get(), header(name, size_bytes), path_);
}

Status TarWriter::write(std::string_view bytes) {
  if (bytes.size() > missing_) return Status(Code::io, cat(path_, ": a member has more bytes than it said"));
  missing_ -= bytes.size();
  return write_all(fd_.get(), bytes, path_);
}

Status TarWriter::pad() {
  if (missing_ > 0) return Status(Code::io, cat(path_, ": a member lacks ", missing_, " bytes"));
  return write_all(fd_.get(), std::string(std::exchange(padding_, 0), '\0'), path_);
}

Status TarWriter::finish() {
  TRY(pad());
  TRY(write_all(fd_.get(), std::string(2 * kBlock, '\0'), path_));
  return ::fsync(fd_.get()) == 0 ? Status() : errno_status("cannot sync", path_);
}

}  // namespace hearth::hub
