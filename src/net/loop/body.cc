#include "net/loop/body.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace hearth::net {

namespace {
constexpr size_t kHot = 512 << 10;  // received at once, so that it is still in the core's cache when it is hashed
constexpr size_t kBlock = 4096;     // what O_DIRECT wants addresses and lengths to be multiples of
}  // namespace

struct Inflater::State {
  z_stream stream{};
  std::string input;
  bool at_member_end = true;
  char output[64 << 10];
};

Inflater::Inflater() : state_(std::make_unique<State>()) {
  VERIFY(inflateInit2(&state_->stream, 15 + 16) == Z_OK, "zlib reads gzip");
}

Inflater::~Inflater() {
  inflateEnd(&state_->stream);
}

void Inflater::feed(std::string_view bytes) {
  auto& s = *state_;
  s.input.erase(0, s.input.size() - s.stream.avail_in);
  s.input.append(bytes);
  s.stream.next_in = reinterpret_cast<Bytef*>(s.input.data());
  s.stream.avail_in = static_cast<uInt>(s.input.size());
}

Result<std::string_view> Inflater::next() {
  auto& s = *state_;
  for (;;) {
    if (s.at_member_end) {
      if (s.stream.avail_in == 0) return std::string_view();
      inflateReset(&s.stream);
      s.at_member_end = false;
    }
    s.stream.next_out = reinterpret_cast<Bytef*>(s.output);
    s.stream.avail_out = sizeof s.output;
    const int code = inflate(&s.stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return Status(Code::bad_input, "the body says Content-Encoding: gzip but is not gzip");
    s.at_member_end = code == Z_STREAM_END;
    const size_t size = sizeof s.output - s.stream.avail_out;
    if (size > 0) return std::string_view(s.output, size);
    if (code != Z_STREAM_END) return std::string_view();
  }
}

Status Inflater::finish() const {
  if (state_->at_member_end) return {};
  return Status(Code::bad_input, "the gzip body is cut short");
}

Result<Spool> Spool::create(const std::string& folder, Options options) {
  auto path = path_join(folder, cat("body-", random_token(16)));
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return errno_status("cannot write", path);
  return Spool(std::move(path), std::move(fd), options);
}

Spool::~Spool() {
  if (fd_) ::unlink(path_.c_str());
}

std::span<char> Spool::room() {
  if (!filling_) filling_.reset(static_cast<char*>(std::aligned_alloc(kBlock, kBuffer)));
  VERIFY(filling_ != nullptr, "there is memory for a body's buffer");
  return {filling_.get() + filled_, std::min(kBuffer - filled_, kHot)};
}

void Spool::took(std::string_view& bytes) {
  const auto free = room();
  const auto size = std::min(free.size(), bytes.size());
  if (bytes.data() != free.data()) std::memcpy(free.data(), bytes.data(), size);
  if (options_.hashed) hasher_.update({free.data(), size});
  filled_ += size;
  bytes.remove_prefix(size);
}

size_t Spool::turn() {
  std::swap(filling_, writing_);
  return to_write_ = std::exchange(filled_, 0);
}

void Spool::set_direct(bool on) {
  is_direct_ = ::fcntl(fd_.get(), F_SETFL, on ? O_DIRECT : 0) == 0 && on;
}

Status Spool::write() {
  std::string_view rest(writing_.get(), to_write_);
  if (options_.observer) TRY(options_.observer->take(rest));
  if (options_.direct && size_bytes_ == 0 && rest.size() == kBuffer) set_direct(true);
  size_bytes_ += rest.size();
  while (!rest.empty()) {
    if (is_direct_ && rest.size() < kBlock) set_direct(false);
    const auto piece = is_direct_ ? rest.substr(0, rest.size() / kBlock * kBlock) : rest;
    const ssize_t written = ::write(fd_.get(), piece.data(), piece.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EINVAL && is_direct_) {
      set_direct(false);  // a disk of larger blocks
    } else if (errno != EINTR) {
      return errno_status("cannot write", path_);
    }
  }
  return {};
}

Result<SpooledFile> Spool::finish() {
  fd_.close();
  return SpooledFile(std::move(path_), options_.hashed ? hasher_.hex() : std::string(), size_bytes_);
}

}  // namespace hearth::net
