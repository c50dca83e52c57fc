// Xet storage: xorbs of chunks, and files made of ranges of them.
//
// 1. A xorb under its name was unpacked and hashed chunk by chunk; its object ends with a footer that we wrote.
// 2. A file's row exists only after its ranges were checked against the stored xorbs: that they exist, that their
// sender
//    knew their chunks' hashes, that file hash and SHA-256 are those of the bytes.
// 3. What a row names is in the object store, and on the disk, before the row is. Rows of a file come in one
// transaction.
// 4. Who knows a hash gets nothing by it: files are read through the repositories they are linked to (`repo_objects`),
//    and dedup answers name only xorbs of files that the asker may read, with their chunks' hashes keyed: only who has
//    a chunk recognises it there.
// 5. `used_ms` of xorbs and files begins anew with each upload that names them: clients count on a xorb for three
// weeks.
//
// Objects: xorbs/HASH (chunks as clients sent them, our footer); xorbtables/HASH (a footer alone: the chunks are a part
// of the whole stored file that the row names, and are sent with made-up headers as if they had been uploaded).
// Source: huggingface/xet-core; the wire is in server/routes/xet_*.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/piece.h"
#include "base/result.h"
#include "hub/file_window.h"
#include "hub/hub.h"
#include "huggingface_hub/xet_shard.h"
#include "huggingface_hub/xet_xorb.h"

namespace hearth::hub {

/// A stored xorb, open: its table and its chunks' bytes, mapped. Immutable; readers share it.
class OpenXorb {
 public:
  /// not_found when it is not stored.
  static Result<std::shared_ptr<const OpenXorb>> open(const Hub& hub, const std::string& hash);

  const xet::XorbView& table() const { return table_; }
  /// Of the chunks with their headers, without the footer: what clients see as the xorb.
  uint32_t packed_bytes() const { return table_.packed_end(table_.count() - 1); }
  /// The chunk's bytes, unpacked into `unpacker` if need be.
  Result<std::span<const std::byte>> chunk(size_t index, xet::Unpacker& unpacker) const;
  /// The same past the page cache, for who reads chunks up to `chunk_end` one after another. A view of `window` or
  /// `unpacker`.
  Result<std::span<const std::byte>> chunk(size_t index, size_t chunk_end, FileWindow& window,
                                           xet::Unpacker& unpacker) const;
  /// Adds part [from, to) of the chunk's unpacked bytes to a body: from the file when they lie there unpacked.
  Status append(std::vector<Piece>& out, size_t index, uint32_t from, uint32_t to, xet::Unpacker& unpacker) const;
  /// Adds bytes [from, to) of the packed whole.
  void append_packed(std::vector<Piece>& out, uint32_t from, uint32_t to) const;

 private:
  OpenXorb(MappedFile table, xet::XorbView view) : table_file_(std::move(table)), table_(view) {}
  MappedFile table_file_;
  xet::XorbView table_;
  std::string path_;  ///< of the chunks' file
  std::shared_ptr<const Fd> file_;
  std::optional<MappedFile> source_;  ///< a whole stored file: chunks lie in it one after another, without headers
  uint64_t source_offset_ = 0;
};

/// Takes a xorb that was received as the file `path` of the store's incoming folder and found to hold these chunks; the
/// file is gone afterwards. bad_input unless they make exactly this hash. True when it was not stored before.
Result<bool> put_xorb(const Hub& hub, const std::string& hash, const xet::XorbTable& table, const std::string& path);

/// A range of a file: chunks [chunk_begin, chunk_end) of a xorb are its bytes from `offset_bytes` on.
struct XetTerm {
  std::string xorb;
  uint32_t chunk_begin = 0, chunk_end = 0;
  uint64_t offset_bytes = 0, size_bytes = 0;
};
struct XetFile {
  std::string hash;
  std::string sha256;
  uint64_t size_bytes = 0;
};
/// By Xet hash; nothing when unknown.
Result<std::optional<XetFile>> xet_file(const Hub& hub, std::string_view hash);
/// By SHA-256; nothing when the content has no Xet form.
Result<std::optional<XetFile>> xet_file_of(const Hub& hub, std::string_view sha256);
/// The Xet hashes of those contents that have one.
Result<std::map<std::string, std::string>> xet_hashes(const Hub& hub, std::span<const std::string> sha256s);
/// The terms that overlap bytes [begin, end), in order, at most `limit`.
Result<std::vector<XetTerm>> xet_terms(const Hub& hub, std::string_view file_hash, uint64_t begin, uint64_t end,
                                       int64_t limit);

/// May who reads this repository read the file? True when its content is linked to it.
Result<bool> is_linked(const Hub& hub, const Repo& repo, std::string_view sha256);

/// A shard that answers a dedup query: the xorb that holds the chunk, when it belongs to a file that the caller may
/// read, and the xorbs that follow in that file. Nothing otherwise.
Result<std::optional<std::string>> find_chunk(Hub& hub, const Caller& caller, const Repo& repo,
                                              const std::string& chunk_hash);

/// Such a shard with the chunks of the repository's own files, the last uploaded first, up to some 4 GiB of them.
/// Nothing when it has none.
Result<std::optional<std::string>> newest_chunks(Hub& hub, const Repo& repo);

/// Gives a whole stored file a Xet form without storing its bytes again; fine when it has one.
Status chunk_stored_file(const Hub& hub, const std::string& sha256, std::stop_token stop);

/// A shard on its way in: checked step by step, so that its sender can be told how far it is.
class ShardIntake {
 public:
  /// Reads the shard and checks what costs no reading of chunks. bad_input says what is wrong. Linked to `repo`.
  static Result<std::unique_ptr<ShardIntake>> begin(const Hub& hub, const Repo& repo, std::span<const std::byte> shard);
  /// Works for about `budget_ms`; true when all is checked and stored.
  Result<bool> step(int64_t budget_ms, std::stop_token stop);
  uint64_t verified_bytes() const { return verified_; }
  uint64_t total_bytes() const { return total_; }
  bool inserted() const { return inserted_; }  ///< after the last step: it brought something new

 private:
  struct File {
    xet::ShardFile entry;
    std::string sha256;  ///< of the bytes, once known
    uint64_t size_bytes = 0;
    xet::Hash first_chunk;
  };
  ShardIntake(const Hub& hub, const Repo& repo) : hub_(hub), repo_(repo) {}
  Status check_xorbs(const std::vector<xet::ShardXorb>& xorbs);
  Result<File> check_file(xet::ShardFile entry);
  Result<std::shared_ptr<const OpenXorb>> open(const xet::Hash& hash);
  Status touch_xorbs();
  Status read_some(File& file, int64_t deadline_ms, const std::stop_token& stop);
  Status commit();

  const Hub& hub_;
  Repo repo_;
  std::vector<File> files_;
  std::set<xet::Hash> xorbs_;  ///< every xorb that is named
  // What is being read.
  size_t file_ = 0, segment_ = 0;
  uint32_t chunk_ = 0;
  std::optional<Hasher> hasher_;
  FileWindow window_;
  xet::Unpacker unpacker_;
  std::map<xet::Hash, std::shared_ptr<const OpenXorb>> open_;
  uint64_t verified_ = 0, total_ = 0;
  bool inserted_ = false;
};

}  // namespace hearth::hub
