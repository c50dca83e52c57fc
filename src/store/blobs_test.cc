#include "store/blobs.h"

#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::store {
namespace {

struct Fixture {
  TempFolder temp;
  std::unique_ptr<Blobs> opened = std::move(open_blobs(temp.path())).value();
  const Blobs& blobs = *opened;
  std::string spool(std::string_view bytes) {
    auto path = path_join(blobs.incoming(), random_token(8));
    REQUIRE(write_file(path, bytes).ok());
    return path;
  }
};

TEST_CASE_FIXTURE(Fixture, "blobs: adopted and put content is found by its hash, once") {
  const auto hash = sha256_hex("hello");
  CHECK(!*blobs.has(hash));
  CHECK(blobs.size(hash).status().code() == Code::not_found);
  const auto first = spool("hello"), second = spool("hello");
  REQUIRE(blobs.adopt(first, hash, 5).ok());
  REQUIRE(blobs.adopt(second, hash, 5).ok());
  CHECK(!exists(first));
  CHECK(!exists(second));
  CHECK(*blobs.put("hello") == hash);
  CHECK(*blobs.size(hash) == 5);
  CHECK(*read_file(*blobs.local_path(hash)) == "hello");
  CHECK(list_folder(blobs.incoming())->empty());
}

TEST_CASE_FIXTURE(Fixture, "blobs: a file of another size than announced is not taken") {
  const auto path = spool("hell");
  CHECK(blobs.adopt(path, sha256_hex("hello"), 5).code() == Code::bad_input);
  CHECK(!*blobs.has(sha256_hex("hello")));
}

TEST_CASE_FIXTURE(Fixture, "blobs: leftovers go when they are old") {
  const auto path = spool("x");
  REQUIRE(blobs.remove_leftovers(60).ok());
  CHECK(exists(path));
  REQUIRE(blobs.remove_leftovers(-60).ok());
  CHECK(!exists(path));
}

TEST_CASE_FIXTURE(Fixture, "blobs: objects of several kinds are read in parts, listed with size and age, removed") {
  const auto hash = sha256_hex("0123456789");
  REQUIRE(blobs.put(ObjectName(hash), "0123456789").ok());
  REQUIRE(blobs.put(ObjectName::xorb(hash), "xorb").ok());
  CHECK(*blobs.read(hash) == "0123456789");
  CHECK(*blobs.read(hash, 2, 3) == "234");
  CHECK(*blobs.read(hash, 8, 100) == "89");
  CHECK(blobs.read(ObjectName("chunks", hash)).status().code() == Code::not_found);
  std::vector<ObjectInfo> found;
  const auto gather = [&](const ObjectInfo& info) {
    found.push_back(info);
    return Status();
  };
  REQUIRE(blobs.list("xorbs", gather).ok());
  REQUIRE(blobs.list("chunks", gather).ok());
  REQUIRE(found.size() == 1);
  CHECK(found[0].name == ObjectName::xorb(hash));
  CHECK(found[0].size_bytes == 4);
  CHECK(std::abs(found[0].modified_ms - now_ms()) < 60'000);
  REQUIRE(blobs.remove(ObjectName::xorb(hash)).ok());
  REQUIRE(blobs.remove(ObjectName::xorb(hash)).ok());
  CHECK(!*blobs.has(ObjectName::xorb(hash)));
  CHECK(*blobs.has(hash));
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
