#include "hub/adopt_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kPiece = 1 << 20;

// Reads the file once: its hash and size, and its bytes into `copy` when there is one.
Result<AdoptedFile> read_through(const std::string& path, const Fd* copy) {
  const auto file = TRY(open_read(path));
  Hasher hasher(HashKind::sha256);
  AdoptedFile out;
  std::string bytes(kPiece, '\0');
  for (;;) {
    const auto got = ::read(file.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_status("cannot read", path);
    if (got == 0) break;
    const auto piece = std::string_view(bytes).substr(0, static_cast<size_t>(got));
    hasher.update(piece);
    if (copy) TRY(write_all(copy->get(), piece, path));
    out.size_bytes += piece.size();
  }
  out.sha256 = hasher.hex();
  return out;
}

}  // namespace

Result<AdoptedFile> adopt_file(Hub& hub, const std::string& path, std::string_view expected) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno_status("cannot read", path);
  if (!S_ISREG(info.st_mode)) return Status(Code::bad_input, cat(path, " is no file"));
  if (!expected.empty() && TRY(hub.blobs().has(expected)))
    return AdoptedFile{.sha256 = std::string(expected), .size_bytes = TRY(hub.blobs().size(expected)), .linked = true};
  const auto temporary = path_join(hub.blobs().incoming(), cat("adopt-", random_token(16)));
  const bool linked = ::link(path.c_str(), temporary.c_str()) == 0;
  auto read = [&]() -> Result<AdoptedFile> {
    if (linked) return read_through(temporary, nullptr);
    const auto copy = TRY(open_write(temporary, 0600));
    return read_through(path, &copy);
  }();
  if (read.ok() && !expected.empty() && read->sha256 != expected)
    read = Status(Code::bad_input, cat(path, " is damaged: its SHA-256 is ", read->sha256, ", not ", expected));
  if (!read.ok()) {
    ::unlink(temporary.c_str());
    return read;
  }
  TRY(hub.blobs().adopt(temporary, store::ObjectName(read->sha256), read->size_bytes));
  read->linked = linked && hub.blobs().is_local();
  return read;
}

}  // namespace hearth::hub
