// Objects in an S3-compatible store: PREFIX/KIND/HASH, one S3 object each.
//
// 1. Every body that is sent carries its SHA-256 in the signature: the store refuses what was damaged on the way.
// 2. An object becomes visible at once and whole: by one PUT, or by completing a multipart upload.
// 3. Reading goes on where a broken connection ended; what is asked for again has the same bytes.
// 4. Copies fetched to this machine take no more room than `cache_mb` says: those that were used last stay.
// Source: Amazon S3 API reference.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "net/client.h"
#include "store/blobs/leftovers.h"
#include "store/blobs/s3_sign.h"
#include "store/blobs/s3_xml.h"
#include "store/blobs/stores.h"

namespace hearth::store {
namespace {

constexpr uint64_t kPartMin = 32u << 20;  // in memory while it is sent
constexpr uint64_t kPartsMax = 10'000;    // S3's limit
constexpr uint64_t kCopyPart = 1u << 30;  // S3 copies up to 5 GiB at once
constexpr uint64_t kCacheMb = 20 << 10;
constexpr uint64_t kCacheLookedAt = 16;  // how many times the cache is measured while it fills once
constexpr int kTries = 4;
constexpr int kFirstPauseMs = 200;

struct Place {
  std::string scheme_and_host;  // "https://host:port"
  std::string host;
  std::string base;         // "/bucket/prefix/" or "/prefix/", percent-encoded
  std::string bucket_path;  // "/bucket" or "/"
  std::string prefix;       // "prefix/" or ""
  std::string bucket, region;
  bool redirect = true;
  uint64_t cache_bytes = kCacheMb << 20;
};

void pause(int tries) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, std::chrono::milliseconds(kFirstPauseMs << tries));
}

bool may_pass(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

class S3 final : public Blobs {
 public:
  S3(std::string folder, Place place, S3Credentials credentials)
      : Blobs(path_join(folder, "incoming")),
        fetched_(path_join(folder, "fetched")),
        place_(std::move(place)),
        credentials_(std::move(credentials)) {}

  Status make_local_folders() const {
    TRY(make_folders(incoming()));
    return make_folders(fetched_);
  }

  Status put(const ObjectName& name, std::string_view bytes) const override {
    TRY(answered({.method = "PUT", .path = path(name), .body = std::string(bytes)}));
    return {};
  }

  Result<uint64_t> size(const ObjectName& name) const override {
    const auto answer = TRY(answered({.method = "HEAD", .path = path(name)}));
    const auto size = parse_int(answer.headers.get("Content-Length"));
    if (!size || *size < 0) return Status(Code::io, cat(description(), " does not tell the size of ", name.text()));
    return static_cast<uint64_t>(*size);
  }

  Status stream(const ObjectName& name, uint64_t begin, uint64_t length,
                const std::function<bool(std::string_view)>& sink) const override {
    bool ended = false;
    const auto take = [&](std::string_view piece) {
      piece = piece.substr(0, length);  // a store that ignores the range must not exceed it
      ended = !sink(piece);
      begin += piece.size();
      length -= piece.size();
      return !ended && length > 0;
    };
    for (int tries = 0; length > 0; ++tries) {
      Ask ask{.method = "GET", .path = path(name), .sink = take};
      const bool whole = begin == 0 && length == UINT64_MAX;
      const auto last = length > UINT64_MAX - begin ? std::string() : cat(begin + length - 1);
      if (!whole) ask.headers.emplace_back("range", cat("bytes=", begin, "-", last));
      auto answer = answered(ask);
      if (ended) return Status(Code::cancelled, cat(name.text(), ": ended by the reader"));
      if (length == 0 || answer.ok()) return {};
      if (answer.status().code() == Code::range) return {};  // begins behind the end
      if (answer.status().code() != Code::unavailable || tries + 1 == kTries) return std::move(answer).status();
      pause(tries);
    }
    return {};
  }

  Result<std::string> local_path(const ObjectName& name) const override {
    return fetched(name, 0, UINT64_MAX, cat(name.kind(), "-", name.hash()));
  }
  Result<LocalPart> local_part(const ObjectName& name, uint64_t begin, uint64_t length) const override {
    return LocalPart{
        .path = TRY(fetched(name, begin, length, cat(name.kind(), "-", name.hash(), "-", begin, "-", length)))};
  }
  bool is_local() const override { return false; }

  std::string presigned_url(const ObjectName& name, const PresignOptions& options) const override {
    if (!place_.redirect) return {};
    S3Request request{.method = "GET", .host = place_.host, .path = path(name)};
    if (!options.content_type.empty()) request.query.emplace_back("response-content-type", options.content_type);
    if (!options.content_disposition.empty())
      request.query.emplace_back("response-content-disposition", options.content_disposition);
    return cat(place_.scheme_and_host, path(name), "?",
               presign_s3(std::move(request), credentials_, place_.region, options.lifetime_s, now_ms()));
  }

  // A copy onto itself: S3 has no other way to renew an object's time.
  Status touch(const ObjectName& name) const override {
    const auto bytes = TRY(size(name));
    const auto source = cat("/", place_.bucket, "/", percent_encode(key(name), /*keep_slash=*/true));
    if (bytes <= kCopyPart) {
      TRY(answered({.method = "PUT",
                    .path = path(name),
                    .headers = {{"x-amz-copy-source", source}, {"x-amz-metadata-directive", "REPLACE"}}}));
      return {};
    }
    return multipart(name, bytes, kCopyPart, [&](uint64_t begin, uint64_t length, Ask& ask) {
      ask.headers = {{"x-amz-copy-source", source},
                     {"x-amz-copy-source-range", cat("bytes=", begin, "-", begin + length - 1)}};
      return Status();
    });
  }

  Status remove(const ObjectName& name) const override {
    auto answer = answered({.method = "DELETE", .path = path(name)});
    if (answer.ok() || answer.status().code() == Code::not_found) return {};
    return std::move(answer).status();
  }

  Status list(std::string_view kind, const std::function<Status(const ObjectInfo&)>& each) const override {
    const auto prefix = cat(place_.prefix, kind, "/");
    std::string token;
    do {
      Ask ask{.method = "GET", .path = place_.bucket_path, .query = {{"list-type", "2"}, {"prefix", prefix}}};
      if (!token.empty()) ask.query.emplace_back("continuation-token", token);
      const auto answer = TRY(answered(ask));
      for (const auto item : xml_elements(answer.body, "Contents")) {
        const auto name = ObjectName::parse(xml_text(item, "Key").substr(place_.prefix.size()));
        const auto size = parse_int(xml_text(item, "Size"));
        if (!name || !size) continue;  // somebody else's
        TRY(each({.name = *name,
                  .size_bytes = static_cast<uint64_t>(*size),
                  .modified_ms = TRY(parse_iso_time(xml_text(item, "LastModified")))}));
      }
      token = xml_text(answer.body, "NextContinuationToken");
    } while (!token.empty());
    return {};
  }

  Status remove_leftovers(int64_t age_s) const override {
    TRY(Blobs::remove_leftovers(age_s));
    TRY(remove_old_files(fetched_, now_ms() / 1000 - age_s));
    const auto answer = TRY(
        answered({.method = "GET", .path = place_.bucket_path, .query = {{"uploads", ""}, {"prefix", place_.prefix}}}));
    for (const auto upload : xml_elements(answer.body, "Upload")) {
      const auto begun = parse_iso_time(xml_text(upload, "Initiated"));
      if (!begun.ok() || *begun > now_ms() - age_s * 1000) continue;
      const auto at = cat(place_.bucket_path, place_.bucket_path.ends_with('/') ? "" : "/",
                          percent_encode(xml_text(upload, "Key"), /*keep_slash=*/true));
      TRY(abort(at, xml_text(upload, "UploadId")));
    }
    return {};
  }

  std::string description() const override { return cat("s3://", place_.bucket, "/", place_.prefix); }

 protected:
  Status take(const std::string& temporary, const ObjectName& name, uint64_t size_bytes) const override {
    const auto fd = TRY(open_read(temporary));
    const auto read_part = [&](uint64_t begin, uint64_t length) -> Result<std::string> {
      std::string out(length, '\0');
      for (uint64_t at = 0; at < length;) {
        const ssize_t got = ::pread(fd.get(), out.data() + at, length - at, static_cast<off_t>(begin + at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_status("cannot read", temporary);
        if (got == 0) return Status(Code::io, cat(temporary, " became shorter while it was stored"));
        at += static_cast<uint64_t>(got);
      }
      return out;
    };
    if (size_bytes <= kPartMin) return put(name, TRY(read_part(0, size_bytes)));
    if (auto young = touch(name); young.code() != Code::not_found) return young;
    const auto part = std::max(kPartMin, size_bytes / kPartsMax + 1);
    return multipart(name, size_bytes, part, [&](uint64_t begin, uint64_t length, Ask& ask) -> Status {
      ask.body = TRY(read_part(begin, length));
      return {};
    });
  }

 private:
  struct Ask {
    std::string method, path;
    S3Fields query = {}, headers = {};
    std::string body = {};
    std::function<bool(std::string_view)> sink = {};
  };

  // A range as the file `as` of the folder of copies. Who wants the same at once waits for the first.
  Result<std::string> fetched(const ObjectName& name, uint64_t begin, uint64_t length, const std::string& as) const {
    auto file = path_join(fetched_, as);
    const auto present = [&] { return ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0) == 0; };  // in use: young again
    if (present()) return file;
    const std::lock_guard lock(fetching_[std::hash<std::string>()(as) % fetching_.size()]);
    if (present()) return file;
    const auto temporary = path_join(incoming(), random_token(16));
    uint64_t got = 0;
    auto status = [&]() -> Status {
      const auto fd = TRY(open_write(temporary));
      Status written;
      auto streamed = stream(name, begin, length, [&](std::string_view piece) {
        written = write_all(fd.get(), piece, temporary);
        got += piece.size();
        return written.ok();
      });
      if (!written.ok()) return written;
      if (!streamed.ok()) return streamed;
      if (length != UINT64_MAX && got != length)
        return Status(Code::io, cat(description(), ": ", name.text(), " has fewer bytes than ", begin + length));
      return rename_path(temporary, file);
    }();
    if (!status.ok()) {
      ::unlink(temporary.c_str());
      return status;
    }
    if (fetched_since_.fetch_add(got) + got > place_.cache_bytes / kCacheLookedAt) make_room();
    return file;
  }

  // Removes the copies that were used longest ago. Who has one open keeps its bytes.
  void make_room() const {
    fetched_since_ = 0;
    struct Copy {
      int64_t used_s;
      uint64_t bytes;
      std::string path;
    };
    std::vector<Copy> copies;
    uint64_t total = 0;
    auto names = list_folder(fetched_);
    for (const auto& name : names.ok() ? *names : std::vector<std::string>()) {
      struct stat info {};
      auto path = path_join(fetched_, name);
      if (::stat(path.c_str(), &info) != 0) continue;
      copies.push_back({info.st_mtime, static_cast<uint64_t>(info.st_size), std::move(path)});
      total += copies.back().bytes;
    }
    std::sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) { return a.used_s < b.used_s; });
    const uint64_t wanted = place_.cache_bytes - place_.cache_bytes / kCacheLookedAt;
    for (size_t i = 0; i + 1 < copies.size() && total > wanted; ++i) {  // the last one was fetched a moment ago
      ::unlink(copies[i].path.c_str());
      total -= copies[i].bytes;
    }
  }

  std::string key(const ObjectName& name) const { return cat(place_.prefix, name.text()); }
  std::string path(const ObjectName& name) const { return cat(place_.base, name.text()); }

  // One request, signed; tried again where the store is busy. Status of the answer as a Code.
  Result<net::ClientResponse> answered(const Ask& ask) const {
    for (int tries = 0;; ++tries) {
      S3Request signed_request{
          .method = ask.method, .host = place_.host, .path = ask.path, .query = ask.query, .headers = ask.headers};
      sign_s3(signed_request, credentials_, place_.region, sha256_hex(ask.body), now_ms());
      net::ClientRequest request{
          .method = ask.method,
          .url = cat(place_.scheme_and_host, ask.path, ask.query.empty() ? "" : "?", s3_query(ask.query)),
          .body = ask.body,
          .sink = ask.sink};
      for (const auto& [name, value] : signed_request.headers) request.headers.add(name, value);
      auto answer = net::http_request(request);
      const bool again = answer.ok() ? may_pass(answer->status) : answer.status().code() == Code::unavailable;
      if (again && !ask.sink && tries + 1 < kTries) {
        pause(tries);
        continue;
      }
      if (!answer.ok()) return answer;
      // A copy and a completion may fail after their 200 was sent.
      if (answer->status / 100 == 2 && (ask.sink || xml_elements(answer->body, "Error").empty())) return answer;
      return failure(ask, *answer);
    }
  }

  Status failure(const Ask& ask, const net::ClientResponse& answer) const {
    Code code = Code::io;
    if (answer.status == 404) code = Code::not_found;
    if (answer.status == 403 || answer.status == 401) code = Code::forbidden;
    if (answer.status == 416) code = Code::range;
    if (may_pass(answer.status)) code = Code::unavailable;
    const auto reason = xml_text(answer.body, "Code");
    // Without the bucket every object would seem to be absent.
    if (reason == "NoSuchBucket") code = Code::io;
    return Status(code,
                  cat("object store ", description(), ": ", ask.method, " ", ask.path, " answered ", answer.status,
                      reason.empty() ? "" : cat(" ", reason, ": ", xml_text(answer.body, "Message"))));
  }

  // `fill` gives each part its bytes or the source of its copy.
  template <class F>
  Status multipart(const ObjectName& name, uint64_t size_bytes, uint64_t part_bytes, const F& fill) const {
    const auto begun = TRY(answered({.method = "POST", .path = path(name), .query = {{"uploads", ""}}}));
    const auto id = xml_text(begun.body, "UploadId");
    if (id.empty()) return Status(Code::io, cat("object store ", description(), " began an upload without naming it"));
    auto done = [&]() -> Status {
      std::string list = "<CompleteMultipartUpload>";
      int number = 0;
      for (uint64_t begin = 0; begin < size_bytes; begin += part_bytes) {
        Ask ask{.method = "PUT", .path = path(name), .query = {{"partNumber", cat(++number)}, {"uploadId", id}}};
        TRY(fill(begin, std::min(part_bytes, size_bytes - begin), ask));
        const auto answer = TRY(answered(ask));
        auto etag = std::string(answer.headers.get("ETag"));
        if (etag.empty()) etag = xml_text(answer.body, "ETag");  // of a copied part
        list += cat("<Part><PartNumber>", number, "</PartNumber><ETag>", html_escape(etag), "</ETag></Part>");
      }
      TRY(answered({.method = "POST",
                    .path = path(name),
                    .query = {{"uploadId", id}},
                    .body = cat(list, "</CompleteMultipartUpload>")}));
      return {};
    }();
    if (!done.ok()) {
      const auto aborted = abort(path(name), id);
      static_cast<void>(aborted.ok());  // else remove_leftovers does
    }
    return done;
  }

  Status abort(const std::string& at, const std::string& upload_id) const {
    auto answer = answered({.method = "DELETE", .path = at, .query = {{"uploadId", upload_id}}});
    if (answer.ok() || answer.status().code() == Code::not_found) return {};
    return std::move(answer).status();
  }

  std::string fetched_;
  Place place_;
  S3Credentials credentials_;
  mutable std::array<std::mutex, 64> fetching_;
  mutable std::atomic<uint64_t> fetched_since_ = 0;  // bytes, since the cache was measured
};

Result<Place> parse_place(std::string_view where) {
  const auto bad = [&](std::string_view why) {
    return Status(Code::bad_input,
                  cat("objects '", where, "': ", why, " (s3://bucket/prefix?endpoint=URL&region=NAME)"));
  };
  auto rest = where.substr(5);
  const auto query_at = rest.find('?');
  const auto query = query_at == std::string_view::npos ? std::string_view() : rest.substr(query_at + 1);
  rest = rest.substr(0, query_at);
  const auto slash = rest.find('/');
  Place out;
  out.bucket = rest.substr(0, slash);
  if (out.bucket.empty()) return bad("no bucket");
  auto prefix = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (!prefix.empty()) out.prefix = cat(prefix, "/");
  std::string endpoint;
  for (const auto& [name, value] : TRY(parse_query(query))) {
    if (name == "endpoint") {
      endpoint = value;
    } else if (name == "region") {
      out.region = value;
    } else if (name == "redirect" && (value == "off" || value == "on")) {
      out.redirect = value == "on";
    } else if (const auto mb = parse_int(value); name == "cache_mb" && mb && *mb > 0 && *mb < (1 << 30)) {
      out.cache_bytes = static_cast<uint64_t>(*mb) << 20;
    } else {
      return bad(cat("'", name, "=", value, "' is not known (endpoint, region, redirect=on|off, cache_mb=N)"));
    }
  }
  for (const char* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (out.region.empty()) out.region = env(variable);
  if (out.region.empty()) out.region = "us-east-1";
  // Amazon names the bucket in the host; what has an endpoint of its own, in the path.
  const bool in_path = !endpoint.empty() || contains(out.bucket, ".");
  if (endpoint.empty())
    endpoint = cat("https://", in_path ? "" : cat(out.bucket, "."), "s3.", out.region, ".amazonaws.com");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const auto host_at = endpoint.find("://");
  if (host_at == std::string::npos || contains(std::string_view(endpoint).substr(host_at + 3), "/"))
    return bad(cat("the endpoint '", endpoint, "' is no https://host or http://host:port"));
  out.scheme_and_host = endpoint;
  out.host = endpoint.substr(host_at + 3);
  out.bucket_path = in_path ? cat("/", out.bucket) : "/";
  out.base = cat(in_path ? cat("/", out.bucket, "/") : "/", percent_encode(out.prefix, /*keep_slash=*/true));
  return out;
}

}  // namespace

Result<std::unique_ptr<Blobs>> open_s3(std::string folder, std::string_view where) {
  auto place = TRY(parse_place(where));
  S3Credentials credentials{.access_key = env("AWS_ACCESS_KEY_ID"),
                            .secret_key = env("AWS_SECRET_ACCESS_KEY"),
                            .session_token = env("AWS_SESSION_TOKEN")};
  if (credentials.access_key.empty() || credentials.secret_key.empty())
    return Status(Code::unauthenticated, cat("objects lie in ", where.substr(0, where.find('?')),
                                             ": set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
  auto out = std::make_unique<S3>(std::move(folder), std::move(place), std::move(credentials));
  TRY(out->make_local_folders());
  return std::unique_ptr<Blobs>(std::move(out));
}

}  // namespace hearth::store
