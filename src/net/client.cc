#include "net/client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "net/public_address.h"

namespace hearth::net {
namespace {

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

/// A handle and the cache of open connections, one of each a thread: nothing is shared, nothing is locked.
struct Handles {
  std::unique_ptr<CURLM, FreeMulti> multi{curl_multi_init()};
  std::unique_ptr<CURL, FreeEasy> easy{curl_easy_init()};
};

Handles& thread_handles() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  VERIFY(ready, "libcurl starts");
  thread_local Handles handles;
  VERIFY(handles.easy && handles.multi, "libcurl makes its handles");
  return handles;
}

/// The transfer under way, as curl's callbacks see it.
struct Transfer {
  const ClientRequest& request;
  std::stop_token stop;
  CURL* handle = nullptr;
  ClientResponse response = {};
  bool head_told = false;
  Status failure = {};
  int64_t moved_ms = monotonic_ms();  ///< when a byte last moved
  curl_off_t sent = 0, received = 0;
  int64_t told_ms = 0;

  bool tell_head() {
    if (head_told) return true;
    head_told = true;
    if (request.on_head && !request.on_head(response.status, response.headers)) {
      failure = Status(Code::cancelled, cat(request.url, ": ended by the caller"));
      return false;
    }
    return true;
  }
};

size_t on_header(char* bytes, size_t, size_t size, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  const auto line = trim(std::string_view(bytes, size));
  if (line.starts_with("HTTP/")) {  // of the next answer: after a redirect or 100 Continue
    t.response.headers = {};
    long status = 0;
    curl_easy_getinfo(t.handle, CURLINFO_RESPONSE_CODE, &status);
    t.response.status = static_cast<int>(status);
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    t.response.headers.add(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  return size;
}

size_t on_body(char* bytes, size_t, size_t size, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  if (!t.tell_head()) return CURL_WRITEFUNC_ERROR;
  const std::string_view piece(bytes, size);
  if (t.request.sink && t.response.status / 100 == 2) {
    if (t.request.sink(piece)) return size;
    t.failure = Status(Code::cancelled, cat(t.request.url, ": ended by the caller"));
    return CURL_WRITEFUNC_ERROR;
  }
  if (t.response.body.size() + size > t.request.max_bytes) {
    t.failure = Status(Code::too_large, cat(t.request.url, " answered over ", t.request.max_bytes, " bytes"));
    return CURL_WRITEFUNC_ERROR;
  }
  t.response.body.append(piece);
  return size;
}

/// Stopped, or without a byte for too long.
bool must_end(Transfer& t) {
  if (t.stop.stop_requested()) return true;
  if (t.request.stall_timeout_ms == 0 || monotonic_ms() - t.moved_ms <= t.request.stall_timeout_ms) return false;
  t.failure = Status(Code::unavailable, cat(t.request.url, ": no answer for ", t.request.stall_timeout_ms, " ms"));
  return true;
}

/// Curl asks for a socket to an address that a name resolved to: the last moment before a connection is made.
curl_socket_t open_public(void* user, curlsocktype, curl_sockaddr* address) {
  auto& t = *static_cast<Transfer*>(user);
  if (is_public_address(&address->addr))
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  t.failure = Status(Code::forbidden, cat(t.request.url, ": its host has a private or special address"));
  return CURL_SOCKET_BAD;
}

int on_progress(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  auto& t = *static_cast<Transfer*>(user);
  const auto now = monotonic_ms();
  if (received != t.received || sent != t.sent) t.moved_ms = now;
  t.received = received;
  t.sent = sent;
  if (t.request.progress && now - t.told_ms >= 100) {
    t.told_ms = now;
    t.request.progress(static_cast<uint64_t>(sent), static_cast<uint64_t>(received));
  }
  return must_end(t) ? 1 : 0;
}

size_t on_read(char* bytes, size_t, size_t size, void* user) {
  const ssize_t got = ::read(*static_cast<int*>(user), bytes, size);
  return got < 0 ? CURL_READFUNC_ABORT : static_cast<size_t>(got);
}

int on_seek(void* user, curl_off_t offset, int origin) {
  return ::lseek(*static_cast<int*>(user), offset, origin) < 0 ? CURL_SEEKFUNC_CANTSEEK : CURL_SEEKFUNC_OK;
}

/// Which authorities are believed: the variables that Python's clients read (httpx: SSL_CERT_FILE, SSL_CERT_DIR;
/// requests: REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE), else this system's own list, wherever the distribution keeps it.
void trust(CURL* handle) {
  for (const char* name : {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}) {
    if (const auto file = env(name); !file.empty()) {
      curl_easy_setopt(handle, is_folder(file) ? CURLOPT_CAPATH : CURLOPT_CAINFO, file.c_str());
      return;
    }
  }
  if (const auto folder = env("SSL_CERT_DIR"); !folder.empty())
    curl_easy_setopt(handle, CURLOPT_CAPATH, folder.c_str());
  static const std::string bundle = [] {
    for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                             "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"})
      if (exists(file)) return std::string(file);
    return std::string();
  }();
  if (!bundle.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, bundle.c_str());
}

/// What keeps the request's parts alive while curl uses them.
struct Parts {
  curl_slist* headers = nullptr;
  Fd file;
  int file_fd = -1;
  ~Parts() { curl_slist_free_all(headers); }
};

Status set_body(CURL* handle, const ClientRequest& request, Parts& parts) {
  const bool is_head = request.method == "HEAD";
  if (const auto* file = std::get_if<FileBody>(&request.body)) {
    parts.file = TRY(open_read(file->path));
    parts.file_fd = parts.file.get();
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(TRY(file_size(file->path))));
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(handle, CURLOPT_READDATA, &parts.file_fd);
    curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(handle, CURLOPT_SEEKDATA, &parts.file_fd);
    curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
  } else {
    const auto& text = std::get<std::string>(request.body);
    if (!text.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(text.size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, text.data());
    }
  }
  if (is_head) curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (!is_head && request.method != "GET") curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  return {};
}

Status failure_of(CURLcode code, const Transfer& t, const char* detail) {
  if (t.stop.stop_requested()) return Status(Code::cancelled, cat(t.request.url, ": stopped"));
  if (!t.failure.ok()) return t.failure.clone();
  const std::string_view why = *detail ? detail : curl_easy_strerror(code);
  const auto kind =
      code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ? Code::bad_input : Code::unavailable;
  return Status(kind, cat(t.request.url, ": ", why));
}

}  // namespace

Result<ClientResponse> http_request(const ClientRequest& request, std::stop_token stop) {
  auto& handles = thread_handles();
  CURL* handle = handles.easy.get();
  curl_easy_reset(handle);
  Transfer t{.request = request, .stop = std::move(stop), .handle = handle};
  Parts parts;
  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout_ms));
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 512L << 10);
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  if (request.max_redirects > 0) {
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, static_cast<long>(request.max_redirects));
    curl_easy_setopt(handle, CURLOPT_POSTREDIR, static_cast<long>(CURL_REDIR_POST_ALL));
  }
  if (!request.unix_path.empty()) curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_path.c_str());
  if (request.total_timeout_ms > 0)
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout_ms));
  if (request.public_only) {
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_public);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &t);
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
  }
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &t);
  trust(handle);
  TRY(set_body(handle, request, parts));
  // Waiting for 100 Continue costs a second at servers that do not send it; nothing is set by curl's own habit.
  if (!request.headers.has("Expect")) parts.headers = curl_slist_append(parts.headers, "Expect:");
  if (!request.headers.has("Content-Type")) parts.headers = curl_slist_append(parts.headers, "Content-Type:");
  for (const auto& [name, value] : request.headers) {
    if (contains(name, "\n") || contains(value, "\n") || contains(value, "\r"))
      return Status(Code::bad_input, cat("the header ", name, " holds a line break"));
    // curl sends an empty field only when it is written with a semicolon.
    parts.headers = curl_slist_append(parts.headers, (value.empty() ? cat(name, ";") : cat(name, ": ", value)).c_str());
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, parts.headers);

  // Woken at least every 50 ms, so that a stop is seen while nothing moves.
  CURLM* multi = handles.multi.get();
  curl_multi_add_handle(multi, handle);
  CURLcode code = CURLE_OK;
  for (int running = 1; running > 0;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) code = CURLE_FAILED_INIT;
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi, &left))
      if (message->msg == CURLMSG_DONE) code = message->data.result;
    if (running > 0 && must_end(t)) {
      code = CURLE_ABORTED_BY_CALLBACK;
      break;
    }
    if (running > 0) curl_multi_poll(multi, nullptr, 0, 50, nullptr);
  }
  char* last_url = nullptr;
  if (curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &last_url) == CURLE_OK && last_url) t.response.url = last_url;
  curl_multi_remove_handle(multi, handle);
  curl_easy_reset(handle);  // it must not point into this call's frame
  if (code != CURLE_OK) return failure_of(code, t, detail);
  if (!t.tell_head()) return t.failure.clone();
  if (request.progress) request.progress(static_cast<uint64_t>(t.sent), static_cast<uint64_t>(t.received));
  return std::move(t.response);
}

}  // namespace hearth::net
