// The content store's way out: reconstructions (which ranges of which xorbs make a file), the xorbs' bytes, and the
// hashes of what a client leaves as it is when it changes a part of a file.
//
// 1. A reconstruction is given for files of the token's repository alone.
// 2. A xorb's address is signed with the byte ranges it is for: other chunks of the same xorb may be somebody else's.
// Source: huggingface/xet-core cas_types (QueryReconstructionResponse, V2); @huggingface/hub utils/XetBlob.ts.
#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/xet.h"
#include "hub/xet_edit.h"
#include "server/route.h"
#include "server/services.h"
#include "server/xet_urls.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kLifetime_ms = 3600 * 1000;
constexpr int64_t kTermsMax = 400'000;
constexpr size_t kRangesAnAddress = 100;
constexpr size_t kRangesAsked = 1000;
constexpr size_t kFilesAsked = 64;

/// Chunks [begin, end) of a xorb and the bytes they take in its file.
struct ChunkRange {
  uint32_t begin = 0, end = 0;
  uint64_t bytes_begin = 0, bytes_end = 0;
};

struct Term {
  std::string xorb;
  uint32_t begin = 0, end = 0;
  uint64_t size_bytes = 0;
};

/// The part of a file that was asked for.
struct Plan {
  uint64_t offset_into_first = 0;
  std::vector<Term> terms;
  std::map<std::string, std::vector<ChunkRange>> xorbs;  ///< merged, in order
};

void merge(std::vector<ChunkRange>& ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  std::vector<ChunkRange> out;
  for (const auto& range : ranges) {
    if (out.empty() || range.begin > out.back().end) {
      out.push_back(range);
    } else if (range.end > out.back().end) {
      out.back().end = range.end;
      out.back().bytes_end = range.bytes_end;
    }
  }
  ranges = std::move(out);
}

Result<Plan> plan_of(const hub::Hub& hub, const hub::XetFile& file, uint64_t begin, uint64_t end) {
  Plan out;
  std::shared_ptr<const hub::OpenXorb> xorb;
  std::string open;
  const auto terms = TRY(hub::xet_terms(hub, file.hash, begin, end, kTermsMax + 1));
  if (terms.size() > static_cast<size_t>(kTermsMax))
    return Status(Code::too_large, "the file has too many parts for one answer: ask for a range of it");
  for (const auto& term : terms) {
    if (open != term.xorb) {
      xorb = TRY(hub::OpenXorb::open(hub, term.xorb));
      open = term.xorb;
    }
    const auto& table = xorb->table();
    if (term.chunk_end > table.count()) return Status(Code::io, cat("stored xorb ", term.xorb, " has too few chunks"));
    uint32_t first = term.chunk_begin, last = term.chunk_end;
    const uint64_t base = table.size_begin(first);
    if (term.offset_bytes < begin) {
      first = static_cast<uint32_t>(table.chunk_at(static_cast<uint32_t>(base + begin - term.offset_bytes)));
      out.offset_into_first = base + (begin - term.offset_bytes) - table.size_begin(first);
    }
    if (term.offset_bytes + term.size_bytes > end)
      last = static_cast<uint32_t>(table.chunk_at(static_cast<uint32_t>(base + (end - 1 - term.offset_bytes)))) + 1;
    out.terms.push_back({term.xorb, first, last, table.size_end(last - 1) - table.size_begin(first)});
    out.xorbs[term.xorb].push_back({first, last, table.packed_begin(first), table.packed_end(last - 1)});
  }
  for (auto& [hash, ranges] : out.xorbs) merge(ranges);
  return out;
}

std::string address(const Request& rq, std::string_view xorb, std::span<const ChunkRange> ranges) {
  std::string list;
  for (const auto& range : ranges) list += cat(list.empty() ? "" : ",", range.bytes_begin, "-", range.bytes_end - 1);
  return cat(rq.endpoint(),
             signed_target(rq.services().signer, "GET", cat("/xet/xorbs/", xorb, "?range=", list), kLifetime_ms));
}

void pair(JsonWriter& out, std::string_view name, uint64_t start, uint64_t end) {
  out.key(name).begin_object().field("start", start).field("end", end).end();
}

void write_terms(JsonWriter& out, const Plan& plan) {
  out.begin_array();
  for (const auto& term : plan.terms) {
    out.begin_object().field("hash", term.xorb).field("unpacked_length", term.size_bytes);
    pair(out, "range", term.begin, term.end);
    out.end();
  }
  out.end();
}

// Version 1: an address each range.
void write_fetch_info(JsonWriter& out, const Request& rq, const std::map<std::string, std::vector<ChunkRange>>& xorbs) {
  out.begin_object();
  for (const auto& [hash, ranges] : xorbs) {
    out.key(hash).begin_array();
    for (const auto& range : ranges) {
      out.begin_object();
      pair(out, "range", range.begin, range.end);
      out.field("url", address(rq, hash, {&range, 1}));
      pair(out, "url_range", range.bytes_begin, range.bytes_end - 1);
      out.end();
    }
    out.end();
  }
  out.end();
}

// Version 2: several ranges an address.
void write_xorbs(JsonWriter& out, const Request& rq, const Plan& plan) {
  out.begin_object();
  for (const auto& [hash, ranges] : plan.xorbs) {
    out.key(hash).begin_array();
    for (size_t at = 0; at < ranges.size(); at += kRangesAnAddress) {
      const auto some = std::span(ranges).subspan(at, std::min(kRangesAnAddress, ranges.size() - at));
      out.begin_object().field("url", address(rq, hash, some)).key("ranges").begin_array();
      for (const auto& range : some) {
        out.begin_object();
        pair(out, "chunks", range.begin, range.end);
        pair(out, "bytes", range.bytes_begin, range.bytes_end - 1);
        out.end();
      }
      out.end().end();
    }
    out.end();
  }
  out.end();
}

// The file of that hash, when it is one of the token's repository.
Result<hub::XetFile> file_of(const Request& rq, std::string_view text) {
  const auto hash = xet::parse_hash(text);
  if (!hash) return Status(Code::bad_input, "a Xet hash has 64 hexadecimal digits");
  const auto file = TRY(hub::xet_file(rq.hub(), hash->hex()));
  if (!file || !TRY(hub::is_linked(rq.hub(), *TRY(rq.repo()), file->sha256)))
    return Status(Code::not_found, cat("the repository has no file ", hash->hex()));
  return *file;
}

struct Asked {
  hub::XetFile file;
  Plan plan;
};

// Nothing: the range begins past the end.
Result<std::optional<Asked>> ask(const Request& rq) {
  Asked out;
  out.file = TRY(file_of(rq, rq.arg("hash")));
  uint64_t begin = 0, end = out.file.size_bytes;
  const auto range = net::parse_range(rq.header("range"), out.file.size_bytes);
  if (!range.ok()) return std::optional<Asked>();
  if (*range) {
    begin = (*range)->begin;
    end = begin + (*range)->length;
  }
  out.plan = TRY(plan_of(rq.hub(), out.file, begin, end));
  return std::optional(std::move(out));
}

Response past_end(const Request& rq) {
  return error_response(Status(Code::range, "the range begins after the file's end"), rq.caller().anonymous());
}

Result<Response> reconstruct_v1(Request& rq) {
  const auto asked = TRY(ask(rq));
  if (!asked) return past_end(rq);
  JsonWriter out;
  out.begin_object().field("offset_into_first_range", asked->plan.offset_into_first).key("terms");
  write_terms(out, asked->plan);
  out.key("fetch_info");
  write_fetch_info(out, rq, asked->plan.xorbs);
  return json_response(out.end().take());
}

Result<Response> reconstruct_v2(Request& rq) {
  const auto asked = TRY(ask(rq));
  if (!asked) return past_end(rq);
  JsonWriter out;
  out.begin_object().field("offset_into_first_range", asked->plan.offset_into_first).key("terms");
  write_terms(out, asked->plan);
  out.key("xorbs");
  write_xorbs(out, rq, asked->plan);
  return json_response(out.end().take());
}

Result<Response> reconstruct_many(Request& rq) {
  const auto ids = rq.query_all("file_id");
  if (ids.size() > kFilesAsked) return Status(Code::too_large, cat("at most ", kFilesAsked, " files a request"));
  std::map<std::string, std::vector<ChunkRange>> xorbs;
  JsonWriter out;
  out.begin_object().key("files").begin_object();
  for (const auto id : ids) {
    const auto file = TRY(file_of(rq, id));
    const auto plan = TRY(plan_of(rq.hub(), file, 0, file.size_bytes));
    out.key(file.hash);
    write_terms(out, plan);
    for (const auto& [hash, ranges] : plan.xorbs) xorbs[hash].insert(xorbs[hash].end(), ranges.begin(), ranges.end());
  }
  for (auto& [hash, ranges] : xorbs) merge(ranges);
  out.end().key("fetch_info");
  write_fetch_info(out, rq, xorbs);
  return json_response(out.end().take());
}

// ---- the xorbs' bytes ----

using ByteRanges = std::vector<hub::ByteRange>;

// "0-99,200-299"; nothing when it is anything else.
std::optional<ByteRanges> parse_ranges(std::string_view text) {
  ByteRanges out;
  for (const auto part : split(text, ',')) {
    const auto one = trim(part);
    const auto dash = one.find('-');
    if (dash == std::string_view::npos || out.size() == kRangesAsked) return std::nullopt;
    const auto begin = parse_int(one.substr(0, dash)), last = parse_int(one.substr(dash + 1));
    if (!begin || !last || *begin < 0 || *last < *begin) return std::nullopt;
    out.emplace_back(*begin, *last + 1);
  }
  return out;
}

/// Pieces that are known from the start.
class Listed final : public PieceSource {
 public:
  explicit Listed(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {}
  Result<std::vector<Piece>> next(std::stop_token) override { return std::exchange(pieces_, {}); }

 private:
  std::vector<Piece> pieces_;
};

Result<Response> get_xorb(Request& rq) {
  const auto hash = xet::parse_hash(rq.arg("hash"));
  const auto allowed = parse_ranges(rq.query("range"));
  if (!hash || !allowed) return Status(Code::not_found, "no such xorb");
  const auto header = rq.header("range");
  auto wanted = header.starts_with("bytes=") ? parse_ranges(header.substr(6)) : std::nullopt;
  if (!wanted && header.empty() && allowed->size() == 1) wanted = allowed;
  if (!wanted) return Status(Code::bad_input, "ask for one of the address's ranges: Range: bytes=FIRST-LAST");
  for (const auto& [begin, end] : *wanted) {
    const bool inside = std::any_of(allowed->begin(), allowed->end(), [begin = begin, end = end](const auto& range) {
      return range.first <= begin && end <= range.second;
    });
    if (!inside) return Status(Code::forbidden, "this address is for other ranges of the xorb");
  }
  const auto xorb = TRY(hub::OpenXorb::open(rq.hub(), hash->hex()));
  const uint64_t size = xorb->packed_bytes();
  std::vector<Piece> pieces;
  Response out;
  out.status = 206;
  out.headers.set("Accept-Ranges", "bytes");
  out.headers.set("Cache-Control", "private, max-age=3600, immutable");
  out.headers.set("Content-Type", "application/octet-stream");
  const auto boundary = random_token(24);
  for (const auto& [begin, end] : *wanted) {
    if (end > size) return Status(Code::range, cat("the xorb has ", size, " bytes"));
    const auto content_range = cat("bytes ", begin, "-", end - 1, "/", size);
    if (wanted->size() > 1)
      pieces.push_back(
          {.bytes = cat("\r\n--", boundary,
                        "\r\nContent-Type: application/octet-stream\r\nContent-Range: ", content_range, "\r\n\r\n")});
    else
      out.headers.set("Content-Range", content_range);
    xorb->append_packed(pieces, static_cast<uint32_t>(begin), static_cast<uint32_t>(end));
  }
  if (wanted->size() > 1) {
    pieces.push_back({.bytes = cat("\r\n--", boundary, "--\r\n")});
    out.headers.set("Content-Type", cat("multipart/byteranges; boundary=", boundary));
  }
  uint64_t length = 0;
  for (const auto& piece : pieces) length += piece.size();
  out.body = net::PieceBody{std::make_shared<Listed>(std::move(pieces)), length};
  return out;
}

// ---- what lies around a change ----

void write_subtree(JsonWriter& out, const xet::Subtree& tree) {
  out.begin_object().key("nodes").begin_array();
  for (const auto& node : tree.nodes)
    out.begin_object().field("hash", node.hash.hex()).field("size", node.size_bytes).end();
  out.end().key("levels").begin_array();
  for (const auto& [left, right] : tree.levels) out.begin_array().value(left).value(right).end();
  out.end().field("at_start", tree.at_start).field("at_end", tree.at_end).end();
}

Result<Response> chunk_hashes(Request& rq) {
  const auto header = rq.header("X-Range-Dirty");
  const auto changed = header.starts_with("bytes=") ? parse_ranges(header.substr(6)) : std::nullopt;
  if (!changed) return Status(Code::bad_input, "say what changes: X-Range-Dirty: bytes=FIRST-LAST,...");
  const auto file = TRY(file_of(rq, rq.arg("hash")));
  const auto plan = TRY(hub::plan_edit(rq.hub(), file, *changed));
  JsonWriter out;
  out.begin_object().field("totalChunks", plan.chunks).field("fileSize", file.size_bytes).key("windows").begin_array();
  for (const auto& [begin, end] : plan.windows)
    out.begin_object().key("dirtyByteRange").begin_array().value(begin).value(end).end().end();
  out.end().key("hashRanges").begin_array();
  for (const auto& gap : plan.gaps) gap ? write_subtree(out, *gap) : static_cast<void>(out.null());
  out.end().key("gapVerification").begin_array();
  for (const auto& hash : plan.range_hashes) out.value(hash);
  return json_response(out.end().end().take());
}

constexpr Route kRoutes[] = {
    {"GET", "/xet/v2/reconstructions/{hash}", Access::xet_read, reconstruct_v2},
    {"GET", "/xet/v1/reconstructions/{hash}", Access::xet_read, reconstruct_v1},
    {"GET", "/xet/v1/reconstructions", Access::xet_read, reconstruct_many},
    {"GET", "/xet/v2/file-chunk-hashes/{hash}", Access::xet_read, chunk_hashes},
    {"GET", "/xet/xorbs/{hash}", Access::signed_link, get_xorb},
};

}  // namespace
extern constinit const Routes xet_download_entry{kRoutes};
}  // namespace hearth::server::routes
