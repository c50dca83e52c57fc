// Files of the Xet store: rows and terms, dedup answers, and a Xet form for what came whole.
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/rows.h"
#include "hub/xet.h"

namespace hearth::hub {
namespace {

constexpr size_t kNamesAtOnce = 200;
constexpr int64_t kHoldersAsked = 64, kXorbsAsked = 8;
constexpr int64_t kXorbsTold = 256;                        // in a dedup answer: up to 16 GiB, some 12 MB of hashes
constexpr int64_t kXorbsHinted = 64, kFilesHinted = 1000;  // in one that was not asked for: some 3 MB
constexpr int64_t kAnswerKept_s = 21 * 24 * 3600;          // by clients, as their own uploads' shards
constexpr std::string_view kFileColumns = "hash, sha256, size_bytes";

XetFile file_of(const store::Row& row) {
  return {row[0].text(), row[1].text(), static_cast<uint64_t>(row[2].integer())};
}

// A file with chunks of this xorb that the caller may read, the last used first; empty when there is none.
Result<std::string> readable_file(const Hub& hub, const Caller& caller, const Repo& repo, std::string_view xorb) {
  const auto rows = TRY(hub.db().query(
      cat("SELECT ", kRepoColumns, ", xet_files.hash FROM ", kReposWithOwners,
          " JOIN repo_objects ON repo_objects.repo_id = repos.id JOIN xet_files ON xet_files.sha256 = "
          "repo_objects.sha256 JOIN (SELECT DISTINCT file_hash FROM xet_terms WHERE xorb_hash = $1) AS users ON "
          "users.file_hash = xet_files.hash ORDER BY xet_files.used_ms DESC LIMIT $2"),
      {store::Value(xorb), kHoldersAsked}));
  for (const auto& row : rows) {
    const auto holder = repo_of(row);
    if (holder.id == repo.id || check_access(caller, holder, Right::content).ok()) return row[kRepoColumnCount].text();
  }
  return std::string();
}

// Clients will count on the xorb from now on.
Status keep_young(const Hub& hub, const std::string& xorb) {
  constexpr int64_t day_ms = int64_t{24} * 3600 * 1000;
  const auto time = now_ms();
  if (!TRY(hub.db().query_one("SELECT 1 FROM xet_xorbs WHERE hash = $1 AND used_ms < $2", {xorb, time - day_ms})))
    return {};
  TRY(hub.db().execute("UPDATE xet_xorbs SET used_ms = $2 WHERE hash = $1", {xorb, time}));
  return {};
}

// What a dedup query is answered: the chunks of these xorbs, named by each row's first column. Nothing when none is
// left. A xorb may hold chunks of files that the asker may not read, and whoever lists a chunk's hash in a shard proves
// that he has it: so the hashes are keyed, told to those alone who have the chunk and can make its hash.
Result<std::optional<std::string>> shard_of(Hub& hub, const std::vector<store::Row>& xorbs) {
  xet::Hash key;
  const auto secret = TRY(hub.secret("chunks"));
  std::copy_n(secret.begin(), std::min(secret.size(), key.bytes.size()), key.bytes.begin());
  xet::Shard shard;
  for (const auto& row : xorbs) {
    const auto& hash = row[0].text();
    const auto xorb = OpenXorb::open(hub, hash);
    if (!xorb.ok()) continue;  // lost: clients must not build on it
    TRY(keep_young(hub, hash));
    const auto& table = (*xorb)->table();
    xet::ShardXorb entry{*xet::parse_hash(hash), table.size_end(table.count() - 1), (*xorb)->packed_bytes(), {}};
    for (size_t i = 0; i < table.count(); ++i)
      entry.chunks.push_back({table.hash(i), table.size_begin(i), table.size_end(i) - table.size_begin(i)});
    shard.xorbs.push_back(std::move(entry));
  }
  if (shard.xorbs.empty()) return std::optional<std::string>();
  const auto time_s = now_ms() / 1000;
  return std::optional(xet::write_shard(
      shard, xet::ShardFooter{.hmac_key = key, .created_s = time_s, .key_expires_s = time_s + kAnswerKept_s}));
}

}  // namespace

Result<std::optional<XetFile>> xet_file(const Hub& hub, std::string_view hash) {
  const auto row = TRY(hub.db().query_one(cat("SELECT ", kFileColumns, " FROM xet_files WHERE hash = $1"), {hash}));
  if (!row) return std::optional<XetFile>();
  return std::optional(file_of(*row));
}

Result<std::optional<XetFile>> xet_file_of(const Hub& hub, std::string_view sha256) {
  const auto row = TRY(hub.db().query_one(
      cat("SELECT ", kFileColumns, " FROM xet_files WHERE sha256 = $1 ORDER BY hash LIMIT 1"), {sha256}));
  if (!row) return std::optional<XetFile>();
  return std::optional(file_of(*row));
}

Result<std::map<std::string, std::string>> xet_hashes(const Hub& hub, std::span<const std::string> sha256s) {
  std::map<std::string, std::string> out;
  for (size_t begin = 0; begin < sha256s.size(); begin += kNamesAtOnce) {
    const auto some = sha256s.subspan(begin, std::min(kNamesAtOnce, sha256s.size() - begin));
    std::string sql = "SELECT sha256, min(hash) FROM xet_files WHERE sha256 IN (";
    std::vector<store::Value> values;
    for (const auto& sha256 : some) {
      values.emplace_back(sha256);
      sql += cat(values.size() > 1 ? ", $" : "$", values.size());
    }
    for (const auto& row : TRY(hub.db().query(sql + ") GROUP BY sha256", values)))
      out.emplace(row[0].text(), row[1].text());
  }
  return out;
}

Result<std::vector<XetTerm>> xet_terms(const Hub& hub, std::string_view file_hash, uint64_t begin, uint64_t end,
                                       int64_t limit) {
  std::vector<XetTerm> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT xorb_hash, chunk_begin, chunk_end, offset_bytes, size_bytes FROM xet_terms WHERE file_hash = $1 AND "
           "offset_bytes < $2 AND offset_bytes + size_bytes > $3 ORDER BY position LIMIT $4",
           {file_hash, static_cast<int64_t>(end), static_cast<int64_t>(begin), limit})))
    out.push_back({row[0].text(), static_cast<uint32_t>(row[1].integer()), static_cast<uint32_t>(row[2].integer()),
                   static_cast<uint64_t>(row[3].integer()), static_cast<uint64_t>(row[4].integer())});
  return out;
}

Result<bool> is_linked(const Hub& hub, const Repo& repo, std::string_view sha256) {
  return TRY(hub.db().query_one("SELECT 1 FROM repo_objects WHERE sha256 = $1 AND repo_id = $2", {sha256, repo.id}))
      .has_value();
}

Result<std::optional<std::string>> find_chunk(Hub& hub, const Caller& caller, const Repo& repo,
                                              const std::string& chunk_hash) {
  for (const auto& found :
       TRY(hub.db().query("SELECT xorb_hash FROM xet_chunks WHERE hash = $1 ORDER BY xorb_hash LIMIT $2",
                          {chunk_hash, kXorbsAsked}))) {
    const auto file = TRY(readable_file(hub, caller, repo, found[0].text()));
    if (file.empty()) continue;
    // Who has one chunk of a file likely has those after it: the file's further xorbs come along, as an upload's shard
    // would have named them.
    auto shard =
        TRY(shard_of(hub, TRY(hub.db().query("SELECT xorb_hash, min(position) FROM xet_terms WHERE file_hash = $1 AND "
                                             "position >= (SELECT min(position) FROM xet_terms WHERE file_hash = $1 "
                                             "AND xorb_hash = $2) GROUP BY xorb_hash ORDER BY min(position) LIMIT $3",
                                             {file, found[0], kXorbsTold}))));
    if (shard) return shard;
  }
  return std::optional<std::string>();
}

Result<std::optional<std::string>> newest_chunks(Hub& hub, const Repo& repo) {
  return shard_of(
      hub, TRY(hub.db().query("SELECT xet_terms.xorb_hash, max(newest.used_ms) FROM (SELECT xet_files.hash, "
                              "xet_files.used_ms FROM repo_objects JOIN xet_files ON xet_files.sha256 = "
                              "repo_objects.sha256 WHERE repo_objects.repo_id = $1 ORDER BY xet_files.used_ms DESC "
                              "LIMIT $2) AS newest JOIN xet_terms ON xet_terms.file_hash = newest.hash GROUP BY "
                              "xet_terms.xorb_hash ORDER BY max(newest.used_ms) DESC LIMIT $3",
                              {repo.id, kFilesHinted, kXorbsHinted})));
}

Status chunk_stored_file(const Hub& hub, const std::string& sha256, std::stop_token stop) {
  if (TRY(xet_file_of(hub, sha256))) return {};
  const auto mapped = TRY(MappedFile::open(TRY(hub.blobs().local_path(sha256))));
  const auto bytes = mapped.bytes();
  if (bytes.empty()) return {};
  struct Made {
    xet::XorbTable table;
    uint64_t offset = 0;
  };
  std::vector<Made> xorbs;
  xet::TreeHasher file_tree, xorb_tree;
  Made now;
  const auto close = [&] {
    now.table.hash = xorb_tree.finish();
    xorbs.push_back(std::move(now));
    now = {};
    xorb_tree = {};
  };
  for (uint64_t at = 0; at < bytes.size();) {
    if (stop.stop_requested()) return Status(Code::cancelled, "the hub stops");
    const auto chunk = bytes.subspan(at, xet::chunk_length(bytes.subspan(at)));
    auto& table = now.table;
    if (table.chunks.size() == xet::kXorbChunksMax || table.size_bytes() + chunk.size() > xet::kXorbMax) close();
    if (now.table.chunks.empty()) now.offset = at;
    const auto hash = xet::chunk_hash(chunk);
    const auto size = static_cast<uint32_t>(chunk.size());
    file_tree.add({hash, size});
    xorb_tree.add({hash, size});
    now.table.chunks.push_back({hash, now.table.packed_bytes() + static_cast<uint32_t>(xet::kChunkHeader) + size,
                                now.table.size_bytes() + size});
    at += size;
  }
  close();
  const auto file = xet::file_hash(file_tree.finish()).hex();
  for (const auto& made : xorbs)
    TRY(hub.blobs().put(store::ObjectName("xorbtables", made.table.hash.hex()), xet::format_xorb_footer(made.table)));

  auto transaction = TRY(hub.db().begin());
  const auto time = now_ms();
  TRY(
      transaction.execute("INSERT INTO xet_files (hash, sha256, size_bytes, used_ms) VALUES ($1, $2, $3, $4) ON "
                          "CONFLICT (hash) DO NOTHING",
                          {file, sha256, static_cast<int64_t>(bytes.size()), time}));
  int64_t position = 0;
  for (const auto& made : xorbs) {
    const auto hash = made.table.hash.hex();
    const auto count = static_cast<int64_t>(made.table.chunks.size());
    TRY(transaction.execute(
        "INSERT INTO xet_xorbs (hash, packed_bytes, size_bytes, chunk_count, source_sha256, source_offset, used_ms) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (hash) DO UPDATE SET used_ms = excluded.used_ms",
        {hash, made.table.packed_bytes(), made.table.size_bytes(), count, sha256, static_cast<int64_t>(made.offset),
         time}));
    TRY(transaction.execute(
        "INSERT INTO xet_terms (file_hash, position, xorb_hash, chunk_begin, chunk_end, offset_bytes, size_bytes) "
        "VALUES ($1, $2, $3, 0, $4, $5, $6) ON CONFLICT (file_hash, position) DO NOTHING",
        {file, position++, hash, count, static_cast<int64_t>(made.offset), made.table.size_bytes()}));
    for (size_t i = 0; i < made.table.chunks.size(); ++i)
      if (const auto& chunk = made.table.chunks[i].hash;
          xet::globally_deduplicated(chunk) || (i == 0 && made.offset == 0))
        TRY(transaction.execute(
            "INSERT INTO xet_chunks (hash, xorb_hash) VALUES ($1, $2) ON CONFLICT (hash, xorb_hash) "
            "DO NOTHING",
            {chunk.hex(), hash}));
  }
  return transaction.commit();
}

}  // namespace hearth::hub
