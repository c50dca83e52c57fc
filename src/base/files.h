// Files as RAII types: descriptors, whole-file reads, durable atomic writes, memory maps, folders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth {

/// An owned file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { close(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

/// The failure in `errno` as a Status: not_found, forbidden, no_space (full disk or quota) or io, naming the path.
Status errno_status(std::string_view what, std::string_view path);

Result<Fd> open_read(const std::string& path);
/// Creates the file, or empties it.
Result<Fd> open_write(const std::string& path, int mode = 0644);
/// Writes all of it or fails.
Status write_all(int fd, std::string_view bytes, std::string_view path = "");
/// The whole file; too_large when it has more than `max_bytes`.
Result<std::string> read_file(const std::string& path, uint64_t max_bytes = 1u << 30);
/// Durable and atomic: a temporary neighbour is written, synced, renamed over `path`, and the folder synced.
Status write_file(const std::string& path, std::string_view bytes, int mode = 0644);
Status sync_folder(const std::string& path);

bool exists(const std::string& path);
bool is_folder(const std::string& path);
Result<uint64_t> file_size(const std::string& path);
/// With all its parents; fine when it exists.
Status make_folders(const std::string& path, int mode = 0755);
/// The file, or the folder with all in it; fine when absent. Links are removed, not followed.
Status remove_all(const std::string& path);
Status rename_path(const std::string& from, const std::string& to);
/// Names in a folder, sorted, without `.` and `..`.
Result<std::vector<std::string>> list_folder(const std::string& path);
/// `a/b`, one slash between; `b` alone when `a` is empty.
std::string path_join(std::string_view a, std::string_view b);
/// The path from the root, links resolved; the file must exist.
Result<std::string> absolute_path(const std::string& path);
std::string_view path_name(std::string_view path);    ///< after the last slash
std::string_view path_parent(std::string_view path);  ///< before the last slash, empty without one
/// An environment variable, or empty.
std::string env(const char* name);
/// $HOME, or the password file's entry.
std::string home_folder();

/// A folder of its own under the system's temporary one, removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A whole file mapped read-only. The pages are the file's: nothing is copied.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const std::string& path() const { return path_; }
  /// Gives the memory of those pages back that lie wholly in `bytes`, a part of bytes(): the next read brings them in
  /// again. A part of another array is left alone.
  void forget(std::span<const std::byte> bytes) const;

 private:
  MappedFile(std::string path, const std::byte* data, size_t size) : path_(std::move(path)), data_(data), size_(size) {}
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hearth
