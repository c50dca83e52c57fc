#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "base/hash.h"
#include "base/text.h"

namespace hearth {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Status errno_status(std::string_view what, std::string_view path) {
  const int error = errno;
  Code code = Code::io;
  if (error == ENOENT || error == ENOTDIR) code = Code::not_found;
  if (error == EACCES || error == EPERM || error == EROFS) code = Code::forbidden;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) code = Code::no_space;
  if (error == ENAMETOOLONG || error == EISDIR) code = Code::bad_input;
  return Status(code, cat(what, " ", path, ": ", std::string_view(strerrordesc_np(error))));
}

Result<Fd> open_read(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_status("cannot open", path);
  return fd;
}

Result<Fd> open_write(const std::string& path, int mode) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) return errno_status("cannot write", path);
  return fd;
}

Status write_all(int fd, std::string_view bytes, std::string_view path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_status("cannot write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Result<std::string> read_file(const std::string& path, uint64_t max_bytes) {
  const auto fd = TRY(open_read(path));
  std::string out;
  struct stat info {};
  if (fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
    if (static_cast<uint64_t>(info.st_size) > max_bytes)
      return Status(Code::too_large, cat(path, " has ", info.st_size, " bytes, the limit is ", max_bytes));
    out.reserve(static_cast<size_t>(info.st_size) + 1);
  }
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_status("cannot read", path);
    if (got == 0) return out;
    out.append(buffer, static_cast<size_t>(got));
    if (out.size() > max_bytes) return Status(Code::too_large, cat(path, " has more than ", max_bytes, " bytes"));
  }
}

Status sync_folder(const std::string& path) {
  const auto fd = TRY(open_read(path.empty() ? "." : path));
  if (fsync(fd.get()) != 0) return errno_status("cannot sync", path);
  return {};
}

Status write_file(const std::string& path, std::string_view bytes, int mode) {
  const auto temporary = cat(path, ".", random_token(8), ".tmp");
  auto status = [&]() -> Status {
    const auto fd = TRY(open_write(temporary, mode));
    TRY(write_all(fd.get(), bytes, temporary));
    if (fsync(fd.get()) != 0) return errno_status("cannot sync", temporary);
    return rename_path(temporary, path);
  }();
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return sync_folder(std::string(path_parent(path)));
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<uint64_t> file_size(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno_status("cannot read", path);
  return static_cast<uint64_t>(info.st_size);
}

Status make_folders(const std::string& path, int mode) {
  if (path.empty() || is_folder(path)) return {};
  TRY(make_folders(std::string(path_parent(path)), mode));
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) != 0 && errno != EEXIST)
    return errno_status("cannot create", path);
  if (!is_folder(path)) return Status(Code::io, cat("cannot create ", path, ": a file of that name is in the way"));
  return {};
}

Status remove_all(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  const auto remove_one = [](const char* name, const struct stat*, int, struct FTW*) { return ::remove(name); };
  if (nftw(path.c_str(), remove_one, 32, FTW_DEPTH | FTW_PHYS) != 0) return errno_status("cannot remove", path);
  return {};
}

Status rename_path(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_status("cannot rename to", to);
  return {};
}

Result<std::vector<std::string>> list_folder(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (!folder) return errno_status("cannot list", path);
  std::vector<std::string> out;
  while (const auto* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") out.emplace_back(name);
  }
  ::closedir(folder);
  std::sort(out.begin(), out.end());
  return out;
}

std::string path_join(std::string_view a, std::string_view b) {
  if (a.empty()) return std::string(b);
  return a.ends_with('/') ? cat(a, b) : cat(a, "/", b);
}

Result<std::string> absolute_path(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  if (!real) return errno_status("cannot find", path);
  std::string out(real);
  std::free(real);
  return out;
}

std::string_view path_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view path_parent(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return slash == 0 ? path.substr(0, path.size() > 1 ? 1 : 0) : path.substr(0, slash);
}

std::string env(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets variables once threads run
  return value ? value : "";
}

std::string home_folder() {
  if (auto home = env("HOME"); !home.empty()) return home;
  const auto* entry = getpwuid(getuid());  // NOLINT(concurrency-mt-unsafe): called from main
  return entry ? entry->pw_dir : "/";
}

TempFolder::TempFolder() {
  const auto base = env("TMPDIR");
  path_ = path_join(base.empty() ? "/tmp" : base, "hearth-XXXXXX");
  VERIFY(mkdtemp(path_.data()) != nullptr, "the temporary folder can be written");
}

TempFolder::~TempFolder() {
  const auto status = remove_all(path_);
  static_cast<void>(status.ok());  // best effort: nothing depends on it
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const auto fd = TRY(open_read(path));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return errno_status("cannot read", path);
  if (!S_ISREG(info.st_mode)) return Status(Code::bad_input, cat(path, " is not a regular file"));
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return MappedFile(path, nullptr, 0);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return errno_status("cannot map", path);
  return MappedFile(path, static_cast<const std::byte*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::forget(std::span<const std::byte> bytes) const {
  const auto* end = bytes.data() + bytes.size();
  if (std::less<>()(bytes.data(), data_) || std::less<>()(data_ + size_, end)) return;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto first = (static_cast<size_t>(bytes.data() - data_) + page - 1) / page * page;
  const auto last = static_cast<size_t>(end - data_) / page * page;
  if (first < last) ::madvise(const_cast<std::byte*>(data_ + first), last - first, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace hearth
