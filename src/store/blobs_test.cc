#include "store/blobs.h"

#include <doctest/doctest.h>

#include "base/hash.h"

namespace hearth::store {
namespace {

struct Fixture {
  TempFolder temp;
  Blobs blobs = *Blobs::open(temp.path());
  std::string spool(std::string_view bytes) {
    auto path = path_join(blobs.incoming(), random_token(8));
    REQUIRE(write_file(path, bytes).ok());
    return path;
  }
};

TEST_CASE_FIXTURE(Fixture, "blobs: adopted and put content is found by its hash, once") {
  const auto hash = sha256_hex("hello");
  CHECK(!blobs.has(hash));
  CHECK(blobs.size(hash).status().code() == Code::not_found);
  const auto first = spool("hello"), second = spool("hello");
  REQUIRE(blobs.adopt(first, hash, 5).ok());
  REQUIRE(blobs.adopt(second, hash, 5).ok());
  CHECK(!exists(first));
  CHECK(!exists(second));
  CHECK(*blobs.put("hello") == hash);
  CHECK(*blobs.size(hash) == 5);
  CHECK(*read_file(blobs.path(hash)) == "hello");
  CHECK(list_folder(blobs.incoming())->empty());
}

TEST_CASE_FIXTURE(Fixture, "blobs: a file of another size than announced is not taken") {
  const auto path = spool("hell");
  CHECK(blobs.adopt(path, sha256_hex("hello"), 5).code() == Code::bad_input);
  CHECK(!blobs.has(sha256_hex("hello")));
}

TEST_CASE_FIXTURE(Fixture, "blobs: leftovers go when they are old") {
  const auto path = spool("x");
  REQUIRE(blobs.remove_leftovers(60).ok());
  CHECK(exists(path));
  REQUIRE(blobs.remove_leftovers(-60).ok());
  CHECK(!exists(path));
}

TEST_CASE("blobs: names are 64 lower-case hexadecimal digits") {
  CHECK(is_sha256(sha256_hex("")));
  CHECK(!is_sha256("../../etc/passwd"));
  CHECK(!is_sha256(std::string(64, 'A')));
  CHECK(!is_sha256(std::string(63, 'a')));
}

}  // namespace
}  // namespace hearth::store
