#include "net/loop/body.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "base/text.h"

namespace hearth::net {

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

Result<Spool> Spool::create(const std::string& folder, bool hashed) {
  auto path = path_join(folder, cat("body-", random_token(16)));
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return errno_status("cannot write", path);
  return Spool(std::move(path), std::move(fd), hashed);
}

Spool::~Spool() {
  if (fd_) ::unlink(path_.c_str());
}

Status Spool::write(std::string_view bytes) {
  TRY(write_all(fd_.get(), bytes, path_));
  if (hashed_) hasher_.update(bytes);
  size_bytes_ += bytes.size();
  return {};
}

Result<SpooledFile> Spool::finish() {
  fd_.close();
  return SpooledFile(std::move(path_), hashed_ ? hasher_.hex() : std::string(), size_bytes_);
}

}  // namespace hearth::net
