// The Xet store from inside: what clients may send, what is refused, who may see what, what the collector takes.
#include <doctest/doctest.h>

#include <unistd.h>

#include <functional>
#include <random>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/buckets.h"
#include "hub/commit.h"
#include "hub/content.h"
#include "hub/gc.h"
#include "hub/owners.h"
#include "hub/tree.h"
#include "hub/xet.h"

namespace hearth::hub {
namespace {

template <class T>
T ok(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return std::move(result).value();
}
void ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), status.message());
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string noise(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

/// What a client would send for one file: a xorb of all its chunks, and a shard.
struct Upload {
  std::string bytes, xorb, hash;
  xet::Shard shard;

  explicit Upload(std::string content, xet::Scheme scheme = xet::Scheme::lz4) : bytes(std::move(content)) {
    std::vector<xet::Hash> hashes;
    xet::TreeHasher tree;
    xet::ShardXorb entry;
    uint32_t at = 0;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto chunk = rest.substr(0, xet::chunk_length(bytes_of(rest)));
      xet::append_chunk(xorb, bytes_of(chunk), scheme);
      hashes.push_back(xet::chunk_hash(bytes_of(chunk)));
      const auto size = static_cast<uint32_t>(chunk.size());
      tree.add({hashes.back(), size});
      entry.chunks.push_back({hashes.back(), at, size});
      at += size;
      rest.remove_prefix(chunk.size());
    }
    entry.hash = tree.finish();
    entry.size_bytes = at;
    entry.packed_bytes = static_cast<uint32_t>(xorb.size());
    hash = entry.hash.hex();
    xet::ShardFile file{.hash = xet::file_hash(entry.hash), .segments = {}, .range_hashes = {}, .sha256 = {}};
    const auto half = static_cast<uint32_t>(hashes.size() / 2), all = static_cast<uint32_t>(hashes.size());
    const auto segment = [&](uint32_t begin, uint32_t end) {
      if (begin == end) return;
      uint32_t size = 0;
      for (uint32_t i = begin; i < end; ++i) size += entry.chunks[i].size_bytes;
      file.segments.push_back({entry.hash, size, begin, end});
      file.range_hashes.push_back(xet::range_hash(std::span(hashes).subspan(begin, end - begin)));
    };
    segment(0, half);
    segment(half, all);
    file.sha256 = xet::parse_hash(sha256_hex(bytes));
    shard.files.push_back(std::move(file));
    shard.xorbs.push_back(std::move(entry));
  }
  std::string sha256() const { return sha256_hex(bytes); }
};

struct Fixture {
  TempFolder temp;
  std::unique_ptr<Hub> hub = ok(Hub::open(temp.path()));
  User alice = ok(hub->accounts().create_user("alice", "correct horse"));
  User bob = ok(hub->accounts().create_user("bob", "battery staple"));
  Caller as_alice = ok(hub->accounts().caller_of(alice));
  Caller as_bob = ok(hub->accounts().caller_of(bob));
  Repo repo = make("alice", "hidden", true);

  Repo make(std::string owner, std::string name, bool is_private = false) {
    return ok(hub->create_repo({.id = {RepoKind::model, std::move(owner), std::move(name)}, .is_private = is_private}));
  }
  Result<bool> put(const std::string& hash, std::string_view bytes) {
    const auto path = path_join(hub->blobs().incoming(), random_token(16));
    const auto table = TRY(xet::read_xorb(bytes_of(bytes)));
    ok(write_file(path, bytes));
    auto out = put_xorb(*hub, hash, table, path);
    CHECK(!exists(path));
    return out;
  }
  Status take(const xet::Shard& shard, const Repo& into) {
    const auto text = xet::write_shard(shard, std::nullopt);
    const auto intake = TRY(ShardIntake::begin(*hub, into, bytes_of(text)));
    while (!TRY(intake->step(1, {}))) {
    }
    return {};
  }
  void send(const Upload& upload, const Repo& into) {
    ok(put(upload.hash, upload.xorb));
    ok(take(upload.shard, into));
  }
  CommitDone commit(const Repo& into, const Caller& author, std::string path, std::string sha256) {
    return ok(create_commit(
        *hub, into, author,
        {.branch = "main", .summary = "add", .operations = {PutLfsFile{std::move(path), std::move(sha256), {}}}}));
  }
};

}  // namespace

TEST_CASE("xet store: a file is read as it was sent, in any part") {
  for (const auto scheme : {xet::Scheme::none, xet::Scheme::lz4}) {
    Fixture f;
    const Upload upload(noise(900'000, 1) + std::string(600'000, 'x') + noise(500'000, 2), scheme);
    CHECK(ok(f.put(upload.hash, upload.xorb)));
    CHECK(!ok(f.put(upload.hash, upload.xorb)));  // known by now
    ok(f.take(upload.shard, f.repo));
    const auto sha256 = upload.sha256();
    CHECK(!ok(f.hub->blobs().has(sha256)));
    CHECK(ok(content_size(*f.hub, sha256)) == upload.bytes.size());
    CHECK(ok(read_content(*f.hub, sha256)) == upload.bytes);
    std::mt19937 random(3);
    for (int i = 0; i < 50; ++i) {
      const auto begin = random() % upload.bytes.size(), length = random() % 300'000;
      CHECK(ok(read_content(*f.hub, sha256, begin, length)) == upload.bytes.substr(begin, length));
    }
    CHECK(ok(read_content(*f.hub, sha256, upload.bytes.size(), 10)).empty());
    {
      const auto local = ok(LocalContent::open(*f.hub, sha256));
      CHECK(ok(hearth::read_file(local.path())) == upload.bytes);
    }
    CHECK(ok(list_folder(f.hub->blobs().incoming())).empty());  // no second copy stays
    CHECK(!ok(f.hub->blobs().has(sha256)));
  }
}

TEST_CASE("xet store: a file may go from one xorb to a longer one and back") {
  Fixture f;
  const Upload small(noise(300'000, 21)), large(noise(1'500'000, 22));
  ok(f.put(small.hash, small.xorb));
  ok(f.put(large.hash, large.xorb));
  xet::Shard shard;
  xet::ShardFile file{.hash = {}, .segments = {}, .range_hashes = {}, .sha256 = {}};
  xet::TreeHasher tree;
  for (const auto* part : {&small, &large, &small}) {
    const auto& entry = part->shard.xorbs[0];
    std::vector<xet::Hash> hashes;
    for (const auto& chunk : entry.chunks) {
      hashes.push_back(chunk.hash);
      tree.add({chunk.hash, chunk.size_bytes});
    }
    file.segments.push_back({entry.hash, entry.size_bytes, 0, static_cast<uint32_t>(hashes.size())});
    file.range_hashes.push_back(xet::range_hash(hashes));
  }
  const auto bytes = small.bytes + large.bytes + small.bytes;
  file.hash = xet::file_hash(tree.finish());
  file.sha256 = xet::parse_hash(sha256_hex(bytes));
  shard.files.push_back(std::move(file));
  ok(f.take(shard, f.repo));
  CHECK(ok(read_content(*f.hub, sha256_hex(bytes))) == bytes);
  CHECK(ok(read_content(*f.hub, sha256_hex(bytes), 299'990, 1'500'100)) == bytes.substr(299'990, 1'500'100));
}

TEST_CASE("xet store: xorbs under another name, or cut, are refused and leave nothing") {
  Fixture f;
  const Upload upload(noise(300'000, 4));
  CHECK(f.put(std::string(64, 'a'), upload.xorb).status().code() == Code::bad_input);
  CHECK(f.put(upload.hash, upload.xorb.substr(0, 1000)).status().code() == Code::bad_input);
  CHECK(f.put(upload.hash, "").status().code() == Code::bad_input);
  CHECK(!ok(f.hub->blobs().has(store::ObjectName::xorb(upload.hash))));
  CHECK(ok(list_folder(f.hub->blobs().incoming())).empty());
}

TEST_CASE("xet store: every lie of a shard is refused, and nothing of it is kept") {
  Fixture f;
  const Upload upload(noise(700'000, 5)), other(noise(400'000, 6));
  CHECK(f.take(upload.shard, f.repo).code() == Code::bad_input);  // its xorb was never sent
  ok(f.put(upload.hash, upload.xorb));
  ok(f.put(other.hash, other.xorb));
  const auto refused = [&](const std::function<void(xet::Shard&)>& change) {
    auto shard = upload.shard;
    change(shard);
    const auto status = f.take(shard, f.repo);
    CHECK(status.code() == Code::bad_input);
    CHECK(status.message() != "");
  };
  const auto flip = [](xet::Hash& hash) { hash.bytes[9] ^= 1; };
  refused([&](auto& s) { flip(s.files[0].hash); });
  refused([&](auto& s) { flip(*s.files[0].sha256); });
  refused([&](auto& s) { flip(s.files[0].range_hashes[1]); });
  refused([](auto& s) { s.files[0].range_hashes.clear(); });
  refused([](auto& s) { s.files[0].segments[0].chunk_end = 9000; });
  refused([](auto& s) { s.files[0].segments[0].chunk_begin = s.files[0].segments[0].chunk_end; });
  refused([](auto& s) { ++s.files[0].segments[0].size_bytes; });
  refused([](auto& s) { std::swap(s.files[0].segments[0], s.files[0].segments[1]); });
  refused([&](auto& s) { s.files[0].segments[0].xorb = other.shard.xorbs[0].hash; });
  refused([&](auto& s) { flip(s.xorbs[0].chunks[1].hash); });
  refused([](auto& s) { s.xorbs[0].chunks.pop_back(); });
  // Another file's SHA-256: nobody's download may be replaced.
  refused([&](auto& s) { s.files[0].sha256 = other.shard.files[0].sha256; });
  CHECK(!ok(has_content(*f.hub, upload.sha256())));
  ok(f.take(upload.shard, f.repo));
  CHECK(ok(has_content(*f.hub, upload.sha256())));
  refused([&](auto& s) { flip(*s.files[0].sha256); });  // known chunks, another SHA-256
}

TEST_CASE("xet store: nobody reads or finds by a hash what is not theirs to read") {
  Fixture f;
  const auto theirs = f.make("bob", "own");
  const Upload upload(noise(700'000, 7));
  f.send(upload, f.repo);
  const auto first = upload.shard.xorbs[0].chunks[0].hash.hex();
  CHECK(ok(find_chunk(*f.hub, f.as_alice, f.repo, first)).has_value());
  CHECK(!ok(find_chunk(*f.hub, f.as_bob, theirs, first)).has_value());
  CHECK(!ok(f.hub->may_use_object(f.as_bob, theirs, upload.sha256())));
  CHECK(ok(is_linked(*f.hub, f.repo, upload.sha256())));
  CHECK(!ok(is_linked(*f.hub, theirs, upload.sha256())));
  // The bytes' own holder gets in by showing that he knows them.
  ok(f.take(upload.shard, theirs));
  CHECK(ok(f.hub->may_use_object(f.as_bob, theirs, upload.sha256())));
  const auto answer = ok(find_chunk(*f.hub, f.as_bob, theirs, first));
  REQUIRE(answer.has_value());
  const auto shard = ok(xet::read_shard(bytes_of(*answer)));
  REQUIRE(shard.xorbs.size() == 1);
  CHECK(shard.xorbs[0].hash.hex() == upload.hash);
  CHECK(shard.xorbs[0].chunks.size() == upload.shard.xorbs[0].chunks.size());
}

TEST_CASE("xet store: a dedup answer shows no chunk to who does not have it") {
  Fixture f;
  const Upload upload(noise(700'000, 17));
  f.send(upload, f.repo);
  const auto& sent = upload.shard.xorbs[0].chunks;
  const auto first = ok(find_chunk(*f.hub, f.as_alice, f.repo, sent[0].hash.hex()));
  for (const auto& answer : {first, ok(newest_chunks(*f.hub, f.repo))}) {
    REQUIRE(answer.has_value());
    const auto shard = ok(xet::read_shard(bytes_of(*answer)));
    REQUIRE(shard.hmac_key.has_value());
    REQUIRE(shard.xorbs.size() == 1);
    for (size_t i = 0; i < sent.size(); ++i)
      CHECK(shard.xorbs[0].chunks[i].hash == xet::keyed_hash(*shard.hmac_key, sent[i].hash));
  }
  CHECK(!ok(newest_chunks(*f.hub, f.make("bob", "empty"))).has_value());
}

TEST_CASE("xet store: a repository's newest files are told, the last first") {
  Fixture f;
  const Upload one(noise(300'000, 18)), two(noise(300'000, 19)), theirs(noise(300'000, 20));
  f.send(one, f.repo);
  f.send(two, f.repo);
  f.send(theirs, f.make("bob", "own"));
  CHECK(ok(f.hub->db().execute("UPDATE xet_files SET used_ms = used_ms - 1000 WHERE hash = $1",
                               {one.shard.files[0].hash.hex()})) == 1);
  const auto shard = ok(xet::read_shard(bytes_of(*ok(newest_chunks(*f.hub, f.repo)))));
  REQUIRE(shard.xorbs.size() == 2);
  CHECK(shard.xorbs[0].hash.hex() == two.hash);
  CHECK(shard.xorbs[1].hash.hex() == one.hash);
}

TEST_CASE("xet store: a whole stored file gains a form without a second copy") {
  Fixture f;
  const auto text = noise(3'000'000, 8);
  const auto sha256 = ok(f.hub->blobs().put(text));
  ok(f.hub->link_object(f.repo, sha256));
  ok(chunk_stored_file(*f.hub, sha256, {}));
  ok(chunk_stored_file(*f.hub, sha256, {}));
  const Upload same(text, xet::Scheme::none);
  const auto file = ok(xet_file_of(*f.hub, sha256));
  REQUIRE(file.has_value());
  CHECK(file->hash == same.shard.files[0].hash.hex());
  CHECK(!ok(f.hub->blobs().has(store::ObjectName::xorb(same.hash))));
  // As a xorb it has the bytes that an upload of unpacked chunks would have had.
  const auto xorb = ok(OpenXorb::open(*f.hub, same.hash));
  CHECK(xorb->packed_bytes() == same.xorb.size());
  for (const auto& [begin, end] :
       std::vector<std::pair<uint32_t, uint32_t>>{{0, xorb->packed_bytes()},
                                                  {0, 3},
                                                  {5, 100'000},
                                                  {2'000'000, 2'500'001},
                                                  {xorb->packed_bytes() - 1, xorb->packed_bytes()}}) {
    std::vector<Piece> pieces;
    xorb->append_packed(pieces, begin, end);
    std::string got;
    for (const auto& piece : pieces) {
      if (!piece.file) {
        got += piece.bytes;
        continue;
      }
      std::string part(piece.length, '\0');
      REQUIRE(::pread(piece.file->get(), part.data(), part.size(), static_cast<off_t>(piece.offset)) ==
              static_cast<ssize_t>(part.size()));
      got += part;
    }
    CHECK(got == same.xorb.substr(begin, end - begin));
  }
  std::string again;
  const auto source = xet_pieces(*f.hub, *file, 100, 2'000'000);
  CHECK(ok(source->next({})).size() == 1);  // neighbours in one file are one piece
}

TEST_CASE("gc: what is named, or young, stays; the rest goes, with a dry run that says so before") {
  Fixture f;
  const Upload kept(noise(500'000, 9)), dropped(noise(400'000, 10)), old(noise(450'000, 11));
  f.send(kept, f.repo);
  f.send(dropped, f.repo);
  f.send(old, f.repo);
  const auto whole = ok(f.hub->blobs().put(noise(1000, 12)));
  f.commit(f.repo, f.as_alice, "kept.bin", kept.sha256());
  f.commit(f.repo, f.as_alice, "old.bin", old.sha256());
  // In history alone: still named.
  ok(create_commit(*f.hub, f.repo, f.as_alice,
                   {.branch = "main", .summary = "drop", .operations = {DeleteFile{"old.bin"}}}));

  const auto young = ok(collect_garbage(*f.hub, {}));
  CHECK(young.files + young.xorbs == 0);
  const GarbageOptions at_once{.min_age_ms = -1000};
  const auto dry = ok(collect_garbage(*f.hub, {.dry_run = true, .min_age_ms = -1000}));
  CHECK(dry.xorbs == 1);
  CHECK(dry.files == 1);
  CHECK(ok(has_content(*f.hub, dropped.sha256())));
  const auto done = ok(collect_garbage(*f.hub, at_once));
  CHECK(done.json() == dry.json());
  CHECK(!ok(has_content(*f.hub, dropped.sha256())));
  CHECK(!ok(f.hub->blobs().has(store::ObjectName::xorb(dropped.hash))));
  CHECK(!ok(f.hub->blobs().has(whole)));
  CHECK(ok(read_content(*f.hub, kept.sha256())) == kept.bytes);
  CHECK(ok(read_content(*f.hub, old.sha256())) == old.bytes);
  // A client that still counts on the lost xorb is told, and one that sends it again gets in.
  CHECK(f.take(dropped.shard, f.repo).code() == Code::bad_input);
  f.send(dropped, f.repo);
  CHECK(ok(read_content(*f.hub, dropped.sha256())) == dropped.bytes);
  ok(f.hub->delete_repo(f.repo));
  ok(collect_garbage(*f.hub, at_once));
  CHECK(ok(list_folder(path_join(f.temp.path(), "objects"))).size() > 0);
  for (const auto kind : {"xorbs", "sha256", "xorbtables"})
    ok(f.hub->blobs().list(kind, [](const store::ObjectInfo& object) {
      return Status(Code::internal, cat("left over: ", object.name.text()));
    }));
}

TEST_CASE("buckets: a deleted or replaced file's content goes with the collector, one that is still named stays") {
  Fixture f;
  const auto bucket = ok(f.hub->create_repo({.id = {RepoKind::bucket, "alice", "box"}}));
  const Upload lost(noise(300'000, 31)), kept(noise(300'000, 32)), replaced(noise(300'000, 33)),
      late(noise(300'000, 34));
  for (const auto* upload : {&lost, &kept, &replaced, &late}) f.send(*upload, bucket);
  const auto form = [](const Upload& upload) { return upload.shard.files[0].hash.hex(); };
  const auto change = [&](std::vector<BucketOperation> operations) {
    for (const auto& failure : ok(change_bucket(*f.hub, bucket, f.as_alice, operations)))
      FAIL_CHECK(failure.path, ": ", failure.error);
  };
  change({AddBucketFile{"lost", form(lost), "", 0}, AddBucketFile{"a", form(kept), "", 0},
          AddBucketFile{"b", form(kept), "", 0}, AddBucketFile{"c", form(replaced), "", 0}});
  // Moved within a batch: named all the while.
  change({DeleteBucketFile{"lost"}, DeleteBucketFile{"a"}, DeleteBucketFile{"b"}, AddBucketFile{"d", form(kept), "", 0},
          AddBucketFile{"c", form(kept), "", 0}});
  CHECK(!ok(is_linked(*f.hub, bucket, lost.sha256())));
  CHECK(!ok(is_linked(*f.hub, bucket, replaced.sha256())));
  CHECK(ok(is_linked(*f.hub, bucket, kept.sha256())));
  CHECK(ok(collect_garbage(*f.hub, {})).forms == 0);  // too young
  CHECK(ok(has_content(*f.hub, lost.sha256())));
  const auto report = ok(collect_garbage(*f.hub, {.min_age_ms = -1000}));
  CHECK(report.forms == 3);  // `late` was sent and never named
  CHECK(!ok(has_content(*f.hub, lost.sha256())));
  CHECK(!ok(has_content(*f.hub, replaced.sha256())));
  CHECK(ok(read_content(*f.hub, kept.sha256())) == kept.bytes);
}

TEST_CASE("buckets: their files count in the owner's quota") {
  Fixture f;
  const auto bucket = ok(f.hub->create_repo({.id = {RepoKind::bucket, "alice", "box"}}));
  const auto before = ok(usage_of(*f.hub, f.alice.id)).storage_bytes;
  const Upload upload(noise(300'000, 41));
  f.send(upload, bucket);
  const auto add = [&](std::string path) {
    const std::vector<BucketOperation> one{AddBucketFile{std::move(path), upload.shard.files[0].hash.hex(), "", 0}};
    return change_bucket(*f.hub, bucket, f.as_alice, one);
  };
  ok(set_quota(*f.hub, f.alice.id, {.storage_bytes = before + 300'000}));
  CHECK(ok(add("a")).empty());
  CHECK(ok(usage_of(*f.hub, f.alice.id)).storage_bytes == before + 300'000);
  CHECK(ok(add("a")).empty());  // in place of itself
  CHECK(add("b").status().code() == Code::forbidden);
  CHECK(ok(bucket_size(*f.hub, bucket)).files == 1);
  const std::vector<BucketOperation> gone{DeleteBucketFile{"a"}};
  ok(change_bucket(*f.hub, bucket, f.as_alice, gone).status().clone());
  CHECK(ok(usage_of(*f.hub, f.alice.id)).storage_bytes == before);
}

TEST_CASE("gc: a xorb stays with any file that has a range of it, a whole file with the xorbs that lie in it") {
  Fixture f;
  const auto base = noise(2'000'000, 13);
  const auto sha256 = ok(f.hub->blobs().put(base));
  ok(f.hub->link_object(f.repo, sha256));
  ok(chunk_stored_file(*f.hub, sha256, {}));
  // Another file of the first half's chunks, as a client that deduplicates sends it.
  auto shared = Upload(base).shard;
  auto& file = shared.files[0];
  file.segments.resize(1);
  file.range_hashes.resize(1);
  xet::TreeHasher tree;
  for (uint32_t i = 0; i < file.segments[0].chunk_end; ++i)
    tree.add({shared.xorbs[0].chunks[i].hash, shared.xorbs[0].chunks[i].size_bytes});
  file.hash = xet::file_hash(tree.finish());
  const auto half = base.substr(0, file.segments[0].size_bytes);
  file.sha256 = xet::parse_hash(sha256_hex(half));
  shared.xorbs.clear();
  ok(f.take(shared, f.repo));
  f.commit(f.repo, f.as_alice, "half.bin", sha256_hex(half));
  const auto report = ok(collect_garbage(*f.hub, {.min_age_ms = -1000}));
  CHECK(report.files == 0);
  CHECK(report.forms == 1);
  CHECK(ok(read_content(*f.hub, sha256_hex(half))) == half);
}

}  // namespace hearth::hub
