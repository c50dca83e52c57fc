#include "server/file_response.h"

#include "base/encoding.h"
#include "base/files.h"
#include "base/text.h"
#include "hub/content.h"
#include "server/pull_through.h"
#include "server/services.h"

namespace hearth::server {
namespace {

struct Type {
  std::string_view ending, type;
};
constexpr Type kTypes[] = {{".json", "application/json"}, {".png", "image/png"},   {".jpg", "image/jpeg"},
                           {".jpeg", "image/jpeg"},       {".gif", "image/gif"},   {".webp", "image/webp"},
                           {".mp3", "audio/mpeg"},        {".wav", "audio/wav"},   {".flac", "audio/flac"},
                           {".mp4", "video/mp4"},         {".webm", "video/webm"}, {".pdf", "application/pdf"}};

std::string_view content_type(std::string_view name, bool is_text) {
  const auto lower = to_lower_ascii(name);
  for (const auto& row : kTypes)
    if (lower.ends_with(row.ending)) return row.type;
  return is_text ? "text/plain; charset=utf-8" : "application/octet-stream";
}

std::string disposition(const FileAnswer& file) {
  std::string ascii;
  for (const char c : file.name) ascii.push_back(c >= 0x20 && c < 0x7f && c != '"' && c != '\\' ? c : '_');
  return cat(file.attachment ? "attachment" : "inline", "; filename*=UTF-8''", percent_encode(file.name),
             "; filename=\"", ascii, "\";");
}

bool etag_matches(std::string_view header, std::string_view etag) {
  for (auto part : split(header, ',')) {
    part = trim(part);
    if (part.starts_with("W/")) part.remove_prefix(2);
    if (part == "*" || (part.size() > 2 && part.substr(1, part.size() - 2) == etag)) return true;
  }
  return false;
}

// Local files are sent from where they lie, others as they come.
Result<net::Body> stored(const Request& rq, const store::ObjectName& name, uint64_t begin, uint64_t length) {
  const auto& blobs = rq.hub().blobs();
  if (!blobs.is_local()) return net::Body(net::PieceBody{blobs.pieces(name, begin, length), length});
  return net::Body(net::FileRange{.path = TRY(blobs.local_path(name)), .offset = begin, .length = length});
}

Result<net::Body> arriving(const Request& rq, const RemoteObject& object, uint64_t size_bytes, uint64_t begin,
                           uint64_t length) {
  const auto repo = TRY(rq.hub().repo_by_number(object.repo_id));
  const auto file = TRY(rq.services().pull_through->object(repo, object.sha256, size_bytes, rq.caller().anonymous()));
  if (file) return net::Body(TRY(file->read(begin, length)));
  // It came a moment ago, and lies here whole or as chunks.
  if (const auto chunks = TRY(hub::xet_file_of(rq.hub(), object.sha256)))
    return net::Body(net::PieceBody{hub::xet_pieces(rq.hub(), *chunks, begin, length), length});
  return stored(rq, object.sha256, begin, length);
}

}  // namespace

Result<std::optional<FileContent>> find_content(const Request& rq, const hub::Repo& repo, const std::string& sha256) {
  std::optional<FileContent> out;
  auto* upstream = rq.services().pull_through;
  // A copy's pointers are another hub's word: what they name here may be somebody else's, so it comes from there.
  if (upstream && TRY(upstream->may_hold(repo, sha256)))
    out = RemoteObject{.repo_id = repo.id, .sha256 = sha256};
  else if (!TRY(hub::is_linked(rq.hub(), repo, sha256))) {
    if (upstream) TRY(upstream->check_lost(repo));  // else deleted for good here, wherever else it still is
  } else if (TRY(rq.hub().blobs().has(sha256)))
    out = store::ObjectName(sha256);
  else if (auto file = TRY(hub::xet_file_of(rq.hub(), sha256)))
    out = *std::move(file);
  return out;
}

Response file_response(const Request& rq, FileAnswer file) {
  Response out;
  const auto* text = std::get_if<std::string>(&file.content);
  if (!file.etag.empty()) out.headers.set("ETag", cat("\"", file.etag, "\""));
  out.headers.set("Accept-Ranges", "bytes");
  out.headers.set("X-Content-Type-Options", "nosniff");
  out.headers.set("Content-Security-Policy", "default-src 'none'; sandbox");
  out.headers.set("Content-Disposition", disposition(file));
  if (!file.etag.empty() && etag_matches(rq.header("if-none-match"), file.etag)) {
    out.status = 304;
    return out;
  }
  out.headers.set("Content-Type", content_type(file.name, text && is_utf8(*text)));

  // Where the store gives addresses out, the client fetches from there; it repeats its Range by itself.
  if (const auto* object = std::get_if<store::ObjectName>(&file.content)) {
    const auto url = rq.hub().blobs().presigned_url(
        *object,
        {.content_type = std::string(content_type(file.name, false)), .content_disposition = disposition(file)});
    if (!url.empty()) {
      out.status = 302;
      out.headers.set("Location", url);
      return out;
    }
  }

  auto range = net::parse_range(rq.header("range"), file.size_bytes);
  if (!range.ok()) {
    auto refused = error_response(range.status(), rq.caller().anonymous());
    refused.headers.set("Content-Range", cat("bytes */", file.size_bytes));
    return refused;
  }
  uint64_t begin = 0, length = file.size_bytes;
  if (*range) {
    begin = (*range)->begin;
    length = (*range)->length;
    out.status = 206;
    out.headers.set("Content-Range", cat("bytes ", begin, "-", begin + length - 1, "/", file.size_bytes));
  }
  if (const auto* remote = std::get_if<RemoteObject>(&file.content)) {
    out.headers.set("Content-Length", cat(length));
    if (rq.method() == "HEAD") return out;  // what is only looked at need not come
    auto body = arriving(rq, *remote, file.size_bytes, begin, length);
    if (!body.ok()) return error_response(body.status(), rq.caller().anonymous());
    out.body = *std::move(body);
  } else if (text) {
    out.body = *range ? text->substr(begin, length) : std::get<std::string>(std::move(file.content));
  } else if (const auto* xet = std::get_if<hub::XetFile>(&file.content)) {
    out.body = net::PieceBody{hub::xet_pieces(rq.hub(), *xet, begin, length), length};
  } else {
    auto body = stored(rq, std::get<store::ObjectName>(file.content), begin, length);
    if (!body.ok()) return error_response(body.status(), rq.caller().anonymous());
    out.body = *std::move(body);
  }
  return out;
}

}  // namespace hearth::server
