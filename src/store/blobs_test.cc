#include "store/blobs.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <set>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/testing.h"

namespace hearth::store {
namespace {

// Every case is asked of both kinds of store.
struct Fixture {
  TempFolder temp;
  const bool s3;
  std::unique_ptr<Blobs> opened;
  const Blobs& blobs;
  explicit Fixture(bool s3_wanted, std::string_view query = {})
      : s3(s3_wanted),
        opened(std::move(open_blobs(temp.path(), s3 ? cat(new_test_objects(), query) : "")).value()),
        blobs(*opened) {}
  std::string spool(std::string_view bytes) const {
    auto path = path_join(blobs.incoming(), random_token(8));
    REQUIRE(write_file(path, bytes).ok());
    return path;
  }
};

TEST_CASE("blobs: adopted and put content is found by its hash, once") {
  for (const bool s3 : {false, true}) {
    CAPTURE(s3);
    Fixture f(s3);
    const auto hash = sha256_hex("hello");
    CHECK(!*f.blobs.has(hash));
    CHECK(f.blobs.size(hash).status().code() == Code::not_found);
    const auto first = f.spool("hello"), second = f.spool("hello");
    REQUIRE(f.blobs.adopt(first, hash, 5).ok());
    REQUIRE(f.blobs.adopt(second, hash, 5).ok());
    CHECK(!exists(first));
    CHECK(!exists(second));
    CHECK(*f.blobs.put("hello") == hash);
    CHECK(*f.blobs.size(hash) == 5);
    CHECK(*read_file(*f.blobs.local_path(hash)) == "hello");
    CHECK(list_folder(f.blobs.incoming())->empty());
  }
}

TEST_CASE("blobs: a file of another size than announced is not taken") {
  for (const bool s3 : {false, true}) {
    CAPTURE(s3);
    Fixture f(s3);
    const auto path = f.spool("hell");
    CHECK(f.blobs.adopt(path, sha256_hex("hello"), 5).code() == Code::bad_input);
    CHECK(!*f.blobs.has(sha256_hex("hello")));
  }
}

TEST_CASE("blobs: leftovers go when they are old") {
  for (const bool s3 : {false, true}) {
    CAPTURE(s3);
    Fixture f(s3);
    const auto path = f.spool("x");
    REQUIRE(f.blobs.remove_leftovers(60).ok());
    CHECK(exists(path));
    REQUIRE(f.blobs.remove_leftovers(-60).ok());
    CHECK(!exists(path));
  }
}

TEST_CASE("blobs: objects of several kinds are read in parts, listed with size and age, removed") {
  for (const bool s3 : {false, true}) {
    CAPTURE(s3);
    Fixture f(s3);
    const auto hash = sha256_hex("0123456789");
    REQUIRE(f.blobs.put(ObjectName(hash), "0123456789").ok());
    REQUIRE(f.blobs.put(ObjectName::xorb(hash), "xorb").ok());
    CHECK(*f.blobs.read(hash) == "0123456789");
    CHECK(*f.blobs.read(hash, 2, 3) == "234");
    CHECK(*f.blobs.read(hash, 8, 100) == "89");
    CHECK(f.blobs.read(ObjectName("chunks", hash)).status().code() == Code::not_found);
    std::vector<ObjectInfo> found;
    const auto gather = [&](const ObjectInfo& info) {
      found.push_back(info);
      return Status();
    };
    REQUIRE(f.blobs.list("xorbs", gather).ok());
    REQUIRE(f.blobs.list("chunks", gather).ok());
    REQUIRE(found.size() == 1);
    CHECK(found[0].name == ObjectName::xorb(hash));
    CHECK(found[0].size_bytes == 4);
    CHECK(std::abs(found[0].modified_ms - now_ms()) < 60'000);
    REQUIRE(f.blobs.remove(ObjectName::xorb(hash)).ok());
    REQUIRE(f.blobs.remove(ObjectName::xorb(hash)).ok());
    CHECK(!*f.blobs.has(ObjectName::xorb(hash)));
    CHECK(*f.blobs.has(hash));
  }
}

TEST_CASE("blobs: an object comes in pieces, from any place, and as a file") {
  std::string bytes(9'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  for (const bool s3 : {false, true}) {
    CAPTURE(s3);
    const Fixture f(s3);
    const auto name = ObjectName(*f.blobs.put(bytes));
    for (const auto& [begin, length] :
         {std::pair<size_t, size_t>{0, bytes.size()}, {0, 0}, {1, 1}, {300'000, 5'000'000}, {bytes.size() - 7, 7}}) {
      const auto source = f.blobs.pieces(name, begin, length);
      std::string out;
      for (;;) {
        auto batch = source->next({});
        REQUIRE(batch.ok());
        if (batch->empty()) break;
        for (const auto& piece : *batch) out += piece.bytes;
      }
      CHECK(out == bytes.substr(begin, length));
      const auto part = f.blobs.local_part(name, begin, length);
      REQUIRE(part.ok());
      CHECK(read_file(part->path)->substr(part->offset, length) == bytes.substr(begin, length));
    }
    CHECK(!f.blobs.pieces(name, bytes.size() - 7, 8)->next({}).ok());
    CHECK(f.blobs.local_path(sha256_hex("none")).status().code() == Code::not_found);
  }
}

TEST_CASE("blobs: what is stored or touched is young again") {
  for (const bool s3 : {false, true}) {
    CAPTURE(s3);
    const Fixture f(s3);
    const auto name = ObjectName(*f.blobs.put("young"));
    const auto age = [&] {
      int64_t out = 0;
      REQUIRE(f.blobs
                  .list("sha256",
                        [&](const ObjectInfo& info) {
                          out = info.modified_ms;
                          return Status();
                        })
                  .ok());
      return out;
    };
    const auto before = age();
    ::usleep(s3 ? 1'100'000 : 20'000);  // S3 counts in seconds
    REQUIRE(f.blobs.touch(name).ok());
    const auto touched = age();
    CHECK(touched > before);
    ::usleep(s3 ? 1'100'000 : 20'000);
    REQUIRE(f.blobs.put("young").ok());
    CHECK(age() > touched);
    CHECK(f.blobs.touch(sha256_hex("none")).code() == Code::not_found);
    CHECK(*f.blobs.read(name) == "young");
  }
}

TEST_CASE("blobs: s3 lists beyond one page, and takes large files in parts") {
  const Fixture f(/*s3_wanted=*/true);
  std::set<std::string> names;
  for (int i = 0; i < 1003; ++i) {  // S3 answers a thousand at once
    names.insert(sha256_hex(cat(i)));
    REQUIRE(f.blobs.put(ObjectName("chunks", sha256_hex(cat(i))), "x").ok());
  }
  std::set<std::string> found;
  REQUIRE(f.blobs
              .list("chunks",
                    [&](const ObjectInfo& info) {
                      found.insert(std::string(info.name.hash()));
                      return Status();
                    })
              .ok());
  CHECK(found == names);

  std::string large(70u << 20, 'l');
  large.replace(40u << 20, 3, "odd");
  const auto hash = sha256_hex(large);
  for (int again = 0; again < 2; ++again) {
    const auto path = f.spool(large);
    REQUIRE(f.blobs.adopt(path, hash, large.size()).ok());
    CHECK(!exists(path));
  }
  CHECK(*f.blobs.size(hash) == large.size());
  CHECK(sha256_hex(*f.blobs.read(hash)) == hash);
  CHECK(f.blobs.remove_leftovers(-60).ok());
  CHECK(*f.blobs.has(hash));
}

TEST_CASE("blobs: copies fetched from s3 stay within their room") {
  const Fixture f(/*s3_wanted=*/true, "&cache_mb=16");
  const std::string bytes(1u << 20, 'c');
  const auto name = ObjectName(*f.blobs.put(bytes));
  for (uint64_t begin = 0; begin < 30; ++begin) REQUIRE(f.blobs.local_part(name, begin, bytes.size() - 30).ok());
  uint64_t kept = 0;
  const auto copies = list_folder(path_join(f.temp.path(), "fetched"));
  for (const auto& copy : *copies) kept += *file_size(cat(f.temp.path(), "/fetched/", copy));
  CHECK(kept <= uint64_t{16} << 20);
  CHECK(kept > uint64_t{12} << 20);
  CHECK(open_blobs(f.temp.path(), "s3://bucket?cache_mb=0").status().code() == Code::bad_input);
}

TEST_CASE("blobs: names from outside are checked") {
  const auto hash = sha256_hex("");
  CHECK(ObjectName::parse(cat("xorbs/", hash)) == ObjectName::xorb(hash));
  for (const auto& text : {std::string("xorbs"), cat("../", hash), cat("xorbs/../", hash), cat("/", hash), hash})
    CHECK(!ObjectName::parse(text));
}

TEST_CASE("blobs: names are 64 lower-case hexadecimal digits") {
  CHECK(is_sha256(sha256_hex("")));
  CHECK(!is_sha256("../../etc/passwd"));
  CHECK(!is_sha256(std::string(64, 'A')));
  CHECK(!is_sha256(std::string(63, 'a')));
}

}  // namespace
}  // namespace hearth::store
