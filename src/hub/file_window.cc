#include "hub/file_window.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr uint64_t kBlock = 4096;  // what O_DIRECT wants addresses, offsets and lengths to be multiples of

}  // namespace

Status FileWindow::show(const std::string& path) {
  if (path == path_) return {};
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  is_direct_ = static_cast<bool>(file);
  if (!file) file = TRY(open_read(path));  // a disk that cannot, or says why
  file_ = std::move(file);
  path_ = path;
  begin_ = end_ = 0;
  return {};
}

Status FileWindow::fill(uint64_t begin, uint64_t end, uint64_t will_read) {
  if (!buffer_) buffer_.reset(static_cast<std::byte*>(std::aligned_alloc(kBlock, kBuffer)));
  VERIFY(buffer_ != nullptr, "there is memory for a file's window");
  begin_ = end_ = begin / kBlock * kBlock;
  const auto wanted = std::min<uint64_t>(kBuffer, (std::max(end, will_read) - begin_ + kBlock - 1) / kBlock * kBlock);
  while (end_ < end) {
    const ssize_t got =
        ::pread(file_.get(), buffer_.get() + (end_ - begin_), wanted - (end_ - begin_), static_cast<off_t>(end_));
    if (got > 0) {
      end_ += static_cast<uint64_t>(got);
    } else if (got < 0 && errno == EINVAL && is_direct_) {
      is_direct_ = false;  // a disk of larger blocks
      if (::fcntl(file_.get(), F_SETFL, 0) != 0) return errno_status("cannot read", path_);
    } else if (got == 0) {
      return Status(Code::io, cat(path_, " ends at ", end_, ", before byte ", end));
    } else if (errno != EINTR) {
      return errno_status("cannot read", path_);
    }
  }
  return {};
}

Result<std::span<const std::byte>> FileWindow::read(uint64_t begin, uint64_t end, uint64_t will_read) {
  VERIFY(begin <= end && end - begin <= kBuffer / 2, "a window shows at most half a buffer at once");
  if (begin < begin_ || end > end_)
    if (auto filled = fill(begin, end, will_read); !filled.ok()) {
      end_ = begin_;
      return filled;
    }
  return std::span<const std::byte>(buffer_.get() + (begin - begin_), end - begin);
}

}  // namespace hearth::hub
