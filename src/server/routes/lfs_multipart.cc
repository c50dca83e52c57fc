// PUT of an upload's parts and the POST that joins them, on addresses that the batch call signed.
//
// 1. A part is a file of the store's incoming folder named by its upload and number; its ETag is its SHA-256. Sending
// it
//    again replaces it, so that an upload goes on after a break.
// 2. Joining checks every ETag, hashes the whole on the way, and gives it to the store; only then are the parts
// removed.
//    Doing it twice finds the file stored.
// 3. What is never joined is removed with the store's other leftovers.
// Source: huggingface_hub 2.4.0 lfs.py (_upload_multi_part, _get_completion_payload).
#include "server/lfs_multipart.h"

#include <algorithm>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "server/route.h"
#include "server/services.h"

namespace hearth::server {
namespace {

constexpr int64_t kPartsMax = 1000;
constexpr int64_t kMultipartOver = int64_t{5} << 30;  // what one PUT carries well; the public Hub's limit too
constexpr int64_t kPartBytes = int64_t{64} << 20;

}  // namespace

int64_t lfs_part_size(int64_t size_bytes, int64_t multipart_over) {
  const auto over = multipart_over > 0 ? multipart_over : kMultipartOver;
  if (size_bytes <= over) return 0;
  const auto part = multipart_over > 0 ? std::min(multipart_over, kPartBytes) : kPartBytes;
  return std::max(part, (size_bytes + kPartsMax - 1) / kPartsMax);
}

void lfs_multipart_action(JsonWriter& out, const Request& rq, const hub::Repo& repo, std::string_view sha256,
                          int64_t size_bytes, int64_t part_bytes, int64_t lifetime_ms) {
  const auto& signer = rq.services().signer;
  const auto upload = random_token(24);
  const auto base = cat("/lfs/parts/", repo.id, "/", sha256, "/", upload);
  const auto count = (size_bytes + part_bytes - 1) / part_bytes;
  out.key("upload").begin_object();
  out.field("href", cat(rq.endpoint(), signed_target(signer, "POST", cat(base, "?total=", size_bytes, "&parts=", count),
                                                     lifetime_ms)));
  out.key("header").begin_object().field("chunk_size", cat(part_bytes));
  for (int64_t i = 1; i <= count; ++i) {
    const auto size = std::min(part_bytes, size_bytes - (i - 1) * part_bytes);
    out.field(cat(i), cat(rq.endpoint(), signed_target(signer, "PUT", cat(base, "/", i, "?size=", size), lifetime_ms)));
  }
  out.end().field("expires_in", lifetime_ms / 1000).end();
}

namespace routes {
namespace {

// The upload's name came from us and is signed; it is checked all the same, as it becomes a file's name.
Result<std::string> part_path(const Request& rq, int64_t number) {
  const auto& upload = rq.arg("upload");
  if (upload.size() != 24 ||
      !std::all_of(upload.begin(), upload.end(), [](unsigned char c) { return std::isalnum(c); }))
    return Status(Code::not_found, "no such upload");
  return path_join(rq.hub().blobs().incoming(), cat("part-", upload, "-", number));
}

Result<Response> put_part(Request& rq) {
  const auto number = parse_int(rq.arg("part")).value_or(0);
  if (number < 1 || number > kPartsMax) return Status(Code::not_found, "no such part");
  auto& file = rq.spooled();
  const auto size = parse_int(rq.query("size")).value_or(-1);
  if (static_cast<int64_t>(file.size_bytes()) != size)
    return Status(Code::bad_input, cat("part ", number, " has ", file.size_bytes(), " bytes, not ", size));
  const auto path = TRY(part_path(rq, number));
  const auto etag = file.sha256();
  TRY(rename_path(file.release(), path));
  auto out = empty_response(200);
  out.headers.set("ETag", cat("\"", etag, "\""));
  return out;
}

// Appends a part to `whole`, its bytes to both hashes.
Status append_part(const std::string& path, int whole, Hasher& sum, std::string_view etag, int64_t number) {
  const auto part = TRY(MappedFile::open(path));
  constexpr size_t kStep = 4u << 20;
  Hasher own(HashKind::sha256);
  for (auto rest = part.text(); !rest.empty(); rest.remove_prefix(std::min(kStep, rest.size()))) {
    const auto piece = rest.substr(0, kStep);
    own.update(piece);
    sum.update(piece);
    TRY(write_all(whole, piece));
  }
  if (own.hex() != etag) return Status(Code::bad_input, cat("the ETag of part ", number, " is not that of its bytes"));
  return {};
}

Result<Response> complete(Request& rq) {
  const auto number = parse_int(rq.arg("number"));
  if (!number) return Status(Code::not_found, "no such repository");
  const auto repo = TRY(rq.hub().repo_by_number(*number));
  const auto body = TRY(rq.json());
  const auto& sha256 = rq.arg("oid");
  if (!store::is_sha256(sha256) || body["oid"].as_string() != sha256)
    return Status(Code::bad_input, cat("\"oid\" must be ", sha256.substr(0, 64)));
  const auto count = parse_int(rq.query("parts")).value_or(0), total = parse_int(rq.query("total")).value_or(-1);
  auto& blobs = rq.hub().blobs();
  if (!TRY(blobs.has(sha256))) {
    const auto& parts = body["parts"].array();
    if (static_cast<int64_t>(parts.size()) != count)
      return Status(Code::bad_input, cat(parts.size(), " parts listed, the upload has ", count));
    const auto temporary = path_join(blobs.incoming(), cat("whole-", random_token(24)));
    const auto whole = TRY(open_write(temporary, 0600));
    Hasher sum(HashKind::sha256);
    const auto joined = [&]() -> Status {
      for (int64_t i = 1; i <= count; ++i) {
        if (rq.stop().stop_requested()) return Status(Code::cancelled, "the client left");
        const auto& part = parts[static_cast<size_t>(i - 1)];
        auto etag = part["etag"].as_string();
        if (etag.size() > 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
        if (part["partNumber"].as_int() != i)
          return Status(Code::bad_input, "\"parts\" lists partNumber 1, 2, ... in order");
        auto appended = append_part(TRY(part_path(rq, i)), whole.get(), sum, etag, i);
        if (!appended.ok() && appended.code() == Code::not_found)
          return Status(Code::bad_input, cat("part ", i, " has not arrived: send it, then complete again"));
        TRY(std::move(appended));
      }
      if (const auto found = sum.hex(); found != sha256)
        return Status(Code::bad_input, cat("the parts together have SHA-256 ", found, ", announced was ", sha256));
      return {};
    }();
    if (!joined.ok()) {
      TRY(remove_all(temporary));
      return joined.clone();
    }
    TRY(blobs.adopt(temporary, sha256, static_cast<uint64_t>(total)));
  }
  TRY(rq.hub().link_object(repo, sha256));
  for (int64_t i = 1; i <= count; ++i) TRY(remove_all(TRY(part_path(rq, i))));
  return text_response("{}", "application/vnd.git-lfs+json");
}

constexpr Route kRoutes[] = {
    {"PUT", "/lfs/parts/{number}/{oid}/{upload}/{part}", Access::signed_link, put_part, BodyMode::spool,
     uint64_t{1} << 40},
    {"POST", "/lfs/parts/{number}/{oid}/{upload}", Access::signed_link, complete},
};

}  // namespace
extern constinit const Routes lfs_multipart_entry{kRoutes};
}  // namespace routes
}  // namespace hearth::server
