// Shards on their way in: everything that a shard says is checked against what is stored, then its files become rows.
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/xet.h"

namespace hearth::hub {
namespace {

constexpr size_t kOpenMax = 32;             // xorbs mapped at once
constexpr size_t kSegmentsMax = 2'000'000;  // of a shard

Status lie(const xet::Hash& file, std::string_view what) {
  return Status(Code::bad_input, cat("shard refused: file ", file.hex(), ": ", what));
}

}  // namespace

Result<std::shared_ptr<const OpenXorb>> ShardIntake::open(const xet::Hash& hash) {
  if (const auto found = open_.find(hash); found != open_.end()) return found->second;
  auto xorb = OpenXorb::open(hub_, hash.hex());
  if (!xorb.ok()) {
    if (xorb.status().code() != Code::not_found) return std::move(xorb).status();
    return Status(
        Code::bad_input,
        cat("shard refused: xorb ", hash.hex(),
            " is not stored here. If this client uploaded it before, the hub has lost it or is another one: "
            "remove the client's shard cache (the folder `xet` in HF_HOME, or HF_XET_CACHE) and upload again"));
  }
  if (open_.size() >= kOpenMax) open_.clear();
  open_.emplace(hash, *xorb);
  return xorb;
}

Status ShardIntake::check_xorbs(const std::vector<xet::ShardXorb>& xorbs) {
  for (const auto& xorb : xorbs) {
    const auto stored = TRY(open(xorb.hash));
    const auto& table = stored->table();
    bool same = table.count() == xorb.chunks.size();
    for (size_t i = 0; same && i < xorb.chunks.size(); ++i)
      same = table.hash(i) == xorb.chunks[i].hash && table.size_begin(i) == xorb.chunks[i].size_begin &&
             table.size_end(i) - table.size_begin(i) == xorb.chunks[i].size_bytes;
    if (!same)
      return Status(Code::bad_input,
                    cat("shard refused: it lists other chunks of xorb ", xorb.hash.hex(), " than were uploaded"));
    xorbs_.insert(xorb.hash);
  }
  return {};
}

Result<ShardIntake::File> ShardIntake::check_file(xet::ShardFile entry) {
  if (entry.range_hashes.size() != entry.segments.size())
    return lie(entry.hash, "its ranges come without verification hashes");
  File out;
  xet::TreeHasher tree;
  std::vector<xet::Hash> hashes;
  for (size_t s = 0; s < entry.segments.size(); ++s) {
    const auto& segment = entry.segments[s];
    const auto xorb = TRY(open(segment.xorb));
    const auto& table = xorb->table();
    if (segment.chunk_begin >= segment.chunk_end || segment.chunk_end > table.count())
      return lie(entry.hash, cat("chunks ", segment.chunk_begin, " to ", segment.chunk_end, " of xorb ",
                                 segment.xorb.hex(), ", which has ", table.count()));
    if (table.size_end(segment.chunk_end - 1) - table.size_begin(segment.chunk_begin) != segment.size_bytes)
      return lie(entry.hash, cat("range ", s, " does not have the ", segment.size_bytes, " bytes it says"));
    hashes.clear();
    for (uint32_t i = segment.chunk_begin; i < segment.chunk_end; ++i) {
      hashes.push_back(table.hash(i));
      tree.add({hashes.back(), table.size_end(i) - table.size_begin(i)});
    }
    if (xet::range_hash(hashes) != entry.range_hashes[s])
      return lie(entry.hash, cat("the verification hash of range ", s, " is wrong"));
    if (s == 0) out.first_chunk = hashes[0];
    out.size_bytes += segment.size_bytes;
    xorbs_.insert(segment.xorb);
  }
  if (xet::file_hash(tree.finish()) != entry.hash) return lie(entry.hash, "its chunks make another file hash");
  out.entry = std::move(entry);
  return out;
}

Result<std::unique_ptr<ShardIntake>> ShardIntake::begin(const Hub& hub, const Repo& repo,
                                                        std::span<const std::byte> bytes) {
  auto shard = TRY(xet::read_shard(bytes));
  size_t segments = 0;
  for (const auto& file : shard.files) segments += file.segments.size();
  if (segments > kSegmentsMax)
    return Status(Code::too_large, cat("a shard of ", segments, " ranges; the limit is ", kSegmentsMax));
  std::unique_ptr<ShardIntake> out(new ShardIntake(hub, repo));
  TRY(out->check_xorbs(shard.xorbs));
  for (auto& entry : shard.files) {
    auto file = TRY(out->check_file(std::move(entry)));
    // The same chunks were read before: the SHA-256 is known.
    if (const auto known = TRY(xet_file(hub, file.entry.hash.hex()))) {
      file.sha256 = known->sha256;
      if (file.entry.sha256 && file.entry.sha256->hex() != file.sha256)
        return lie(file.entry.hash, cat("its SHA-256 is ", file.sha256, ", not ", file.entry.sha256->hex()));
    } else {
      out->total_ += file.size_bytes;
    }
    out->files_.push_back(std::move(file));
  }
  TRY(out->touch_xorbs());
  return out;
}

// Young again before the long work: no collector takes them meanwhile.
Status ShardIntake::touch_xorbs() {
  auto transaction = TRY(hub_.db().begin());
  for (const auto& xorb : xorbs_)
    TRY(transaction.execute("UPDATE xet_xorbs SET used_ms = $2 WHERE hash = $1", {xorb.hex(), now_ms()}));
  return transaction.commit();
}

Status ShardIntake::read_some(File& file, int64_t deadline_ms, const std::stop_token& stop) {
  if (!hasher_) {
    hasher_.emplace(HashKind::sha256);
    segment_ = 0;
    chunk_ = file.entry.segments.empty() ? 0 : file.entry.segments[0].chunk_begin;
  }
  while (segment_ < file.entry.segments.size()) {
    const auto& segment = file.entry.segments[segment_];
    const auto xorb = TRY(open(segment.xorb));
    for (; chunk_ < segment.chunk_end; ++chunk_) {
      if (stop.stop_requested()) return Status(Code::cancelled, "the client left");
      if (monotonic_ms() >= deadline_ms) return {};
      const auto bytes = TRY(xorb->chunk(chunk_, segment.chunk_end, window_, unpacker_));
      hasher_->update({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      verified_ += bytes.size();
    }
    if (++segment_ < file.entry.segments.size()) chunk_ = file.entry.segments[segment_].chunk_begin;
  }
  file.sha256 = hasher_->hex();
  hasher_.reset();
  if (file.entry.sha256 && file.entry.sha256->hex() != file.sha256)
    return lie(file.entry.hash, cat("its SHA-256 is ", file.sha256, ", not ", file.entry.sha256->hex()));
  return {};
}

Result<bool> ShardIntake::step(int64_t budget_ms, std::stop_token stop) {
  const auto deadline_ms = monotonic_ms() + budget_ms;
  for (; file_ < files_.size(); ++file_) {
    auto& file = files_[file_];
    if (file.sha256.empty()) TRY(read_some(file, deadline_ms, stop));
    if (file.sha256.empty()) return false;
  }
  TRY(commit());
  return true;
}

Status ShardIntake::commit() {
  auto transaction = TRY(hub_.db().begin());
  const auto time = now_ms();
  for (const auto& file : files_) {
    const auto hash = file.entry.hash.hex();
    const bool is_new = !TRY(transaction.query_one("SELECT 1 FROM xet_files WHERE hash = $1", {hash})).has_value();
    inserted_ |= is_new;
    TRY(
        transaction.execute("INSERT INTO xet_files (hash, sha256, size_bytes, used_ms) VALUES ($1, $2, $3, $4) ON "
                            "CONFLICT (hash) DO UPDATE SET used_ms = excluded.used_ms",
                            {hash, file.sha256, static_cast<int64_t>(file.size_bytes), time}));
    TRY(transaction.execute(
        "INSERT INTO repo_objects (sha256, repo_id) VALUES ($1, $2) ON CONFLICT (sha256, repo_id) DO NOTHING",
        {file.sha256, repo_.id}));
    if (!is_new) continue;
    int64_t position = 0, offset = 0;
    for (const auto& segment : file.entry.segments) {
      TRY(transaction.execute(
          "INSERT INTO xet_terms (file_hash, position, xorb_hash, chunk_begin, chunk_end, offset_bytes, size_bytes) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7)",
          {hash, position++, segment.xorb.hex(), segment.chunk_begin, segment.chunk_end, offset, segment.size_bytes}));
      offset += segment.size_bytes;
    }
    if (!file.entry.segments.empty())
      TRY(
          transaction.execute("INSERT INTO xet_chunks (hash, xorb_hash) VALUES ($1, $2) ON CONFLICT (hash, xorb_hash) "
                              "DO NOTHING",
                              {file.first_chunk.hex(), file.entry.segments[0].xorb.hex()}));
  }
  for (const auto& hash : xorbs_) {
    const auto xorb = TRY(open(hash));
    const auto& table = xorb->table();
    for (size_t i = 0; i < table.count(); ++i)
      if (xet::globally_deduplicated(table.hash(i)))
        TRY(transaction.execute(
            "INSERT INTO xet_chunks (hash, xorb_hash) VALUES ($1, $2) ON CONFLICT (hash, xorb_hash) "
            "DO NOTHING",
            {table.hash(i).hex(), hash.hex()}));
  }
  return transaction.commit();
}

}  // namespace hearth::hub
