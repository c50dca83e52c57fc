// HTTP as values: headers, requests, and responses whose bodies the event loop sends by itself (text, file ranges, the
// output of a process, another server's answer, a stream that a thread writes).
// Source: RFC 9110 (semantics), RFC 9112 (HTTP/1.1).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/budget.h"
#include "base/files.h"
#include "base/piece.h"
#include "base/process.h"
#include "base/result.h"

namespace hearth::net {

/// Header fields in the order they came; names compare without letter case.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;
  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  /// The first field of that name; empty when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  void add(std::string_view name, std::string_view value);
  /// Replaces every field of that name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

/// The value of a cookie in a `Cookie` header; empty when there is none.
std::string_view cookie(const Headers& headers, std::string_view name);

struct RequestHead {
  std::string method;
  std::string target;  ///< as sent
  std::string path;    ///< of the target, as sent: still percent-encoded
  std::string query;   ///< after `?`, as sent
  Headers headers;
  std::string remote_address;  ///< without the port; empty on a Unix socket
  bool secure = false;         ///< the client speaks TLS, to this server or to the proxy before it
};

/// A received file: removed with this object unless kept or moved away.
class SpooledFile {
 public:
  SpooledFile(std::string path, std::string sha256, uint64_t size_bytes)
      : path_(std::move(path)), sha256_(std::move(sha256)), size_bytes_(size_bytes) {}
  SpooledFile(SpooledFile&& other) noexcept { *this = std::move(other); }
  SpooledFile& operator=(SpooledFile&& other) noexcept;
  ~SpooledFile();
  const std::string& path() const { return path_; }
  const std::string& sha256() const {
    return sha256_;
  }  ///< of the whole content, hexadecimal; empty when not asked for
  uint64_t size_bytes() const { return size_bytes_; }
  /// The file is somebody else's from here on.
  std::string release() { return std::exchange(path_, {}); }

 private:
  std::string path_, sha256_;
  uint64_t size_bytes_ = 0;
};

/// Looks at a body while it arrives.
class BodyObserver {
 public:
  virtual ~BodyObserver() = default;
  /// The bytes that come next, in pieces of any size, called by one thread at a time that may wait. A failure refuses
  /// the request.
  virtual Status take(std::string_view bytes) = 0;
};

struct Request {
  RequestHead head = {};
  std::string body = {};                        ///< with a memory plan
  std::optional<SpooledFile> file = {};         ///< with a spool plan
  std::shared_ptr<BodyObserver> observer = {};  ///< the plan's, which has seen the whole file
  Budget::Share memory = {};                    ///< of what all bodies in memory may take
};

/// Part of a file, sent by sendfile. The descriptor wins over the path.
struct FileRange {
  std::string path = {};
  Fd fd = {};
  uint64_t offset = 0;
  uint64_t length = 0;
};

/// A process: the request's body (pipe plan; decompressed) flows to its standard input, its output to the client. It is
/// killed when the client goes. An answer of status 500 when it fails before it printed anything.
struct ProcessPipe {
  ProcessOptions process;   ///< its three descriptors are set by the server; standard error goes to the log
  std::string prefix = {};  ///< sent before the output
};

/// Another server's answer, byte for byte as it comes: status, headers, body. The client's leaving closes the
/// connection to it at once.
struct Relay {
  std::string unix_path;
  std::string method = "GET";
  std::string target = "/";
  Headers headers = {};
  std::string body = {};
  /// Sent in place of the rest when the other side breaks off inside the body: an event that says so.
  std::string broken_tail = {};
};

/// A body written by a thread while it is sent. The buffer is bounded: `write` never waits and refuses when it is full.
class StreamWriter {
 public:
  static std::shared_ptr<StreamWriter> make(size_t limit_bytes = 1 << 20);

  /// False when the client is gone, or has fallen behind by the whole buffer (it is then cut off).
  bool write(std::string_view bytes);
  /// Waits until a write of some size has room; false when the client is gone or on the stop. For producers that may
  /// wait: those with a thread of their own.
  bool wait_for_room(std::stop_token stop = {});
  /// The body is complete. Without it, dropping the last producer's pointer leaves the client an aborted body.
  void close();
  /// Requested when the client is gone.
  std::stop_token client_gone() const;

  struct State;
  explicit StreamWriter(size_t limit_bytes);
  ~StreamWriter();
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

/// A body whose pieces are made on the pool while those before are sent, as fast as the client takes them. When a piece
/// fails the client is left with an aborted body; when the first does, with an error's answer.
struct PieceBody {
  std::shared_ptr<PieceSource> source;
  std::optional<uint64_t> length = {};  ///< of all pieces; unknown: sent in chunks, and then all pieces lie in memory
};

using Body = std::variant<std::string, FileRange, ProcessPipe, Relay, std::shared_ptr<StreamWriter>, PieceBody>;

/// `Content-Length` or chunks, `Date` and `Connection` are the server's work.
struct Response {
  int status = 200;
  Headers headers = {};
  Body body = {};
  std::shared_ptr<void> lease = {};  ///< let go when the answer is sent or the client has left
  std::string_view route = {};       ///< the pattern that answered, for logs and metrics; of static storage
  std::string user = {};             ///< who asked, for logs
};

/// The standard phrase: "Not Found".
std::string_view status_phrase(int status);

/// A byte range of `Range: bytes=a-b`, resolved against a size.
struct ByteRange {
  uint64_t begin = 0, length = 0;
};
/// Nothing when the header is absent or must be ignored (another unit, several ranges, bad syntax: RFC 9110 14.2);
/// Code::range when no byte of it exists.
Result<std::optional<ByteRange>> parse_range(std::string_view header, uint64_t size);

}  // namespace hearth::net
