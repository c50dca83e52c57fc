// Windows around changes. Expectations: the tests of xet-core cas_client chunk_window_builder.rs.
#include "hub/xet_edit.h"

#include <doctest/doctest.h>

namespace hearth::hub {
namespace {

constexpr uint64_t kCalm = 16 << 10, kForced = 128 << 10;

EditPlan plan(size_t chunks, uint64_t size_bytes, std::vector<ByteRange> changed) {
  WindowCutter cutter(std::move(changed));
  for (size_t i = 0; i < chunks; ++i) cutter.add({xet::chunk_hash(std::as_bytes(std::span(&i, 1))), size_bytes});
  return cutter.finish();
}

using Windows = std::vector<ByteRange>;

}  // namespace

TEST_CASE("xet edit: a window goes on until two chunks in a row are cut again whatever stood before") {
  const auto found = plan(6, kCalm, {{1, kCalm + 1}});
  CHECK(found.windows == Windows{{0, 4 * kCalm}});
  CHECK(found.chunks == 6);
  REQUIRE(found.gaps.size() == 2);
  CHECK(!found.gaps[0].has_value());
  REQUIRE(found.gaps[1].has_value());
  CHECK(!found.gaps[1]->at_start);
  CHECK(found.gaps[1]->at_end);
}

TEST_CASE("xet edit: a window that reaches the next change goes on behind it") {
  CHECK(plan(8, kCalm, {{1, kCalm + 1}, {3 * kCalm + 7, 3 * kCalm + 42}}).windows == Windows{{0, 6 * kCalm}});
}

TEST_CASE("xet edit: a change up to the file's end has no window behind it") {
  const auto found = plan(6, kCalm, {{4 * kCalm, 6 * kCalm}});
  CHECK(found.windows == Windows{{4 * kCalm, 6 * kCalm}});
  CHECK(!found.gaps[1].has_value());
}

TEST_CASE("xet edit: changes far from each other have windows of their own") {
  const auto found = plan(20, kCalm, {{0, kCalm}, {14 * kCalm, 15 * kCalm}});
  CHECK(found.windows == Windows{{0, 3 * kCalm}, {14 * kCalm, 17 * kCalm}});
  CHECK(found.gaps.size() == 3);
}

TEST_CASE("xet edit: chunks of the greatest length never end a window") {
  CHECK(plan(4, kForced, {{0, kForced}}).windows == Windows{{0, 4 * kForced}});
}

TEST_CASE("xet edit: the whole file's subtree has its hash on top") {
  for (const size_t count : {1, 2, 3, 9, 100, 3000}) {
    std::vector<xet::TreeEntry> chunks;
    for (size_t i = 0; i < count; ++i) chunks.push_back({xet::chunk_hash(std::as_bytes(std::span(&i, 1))), i + 1});
    const auto tree = xet::make_subtree(chunks, /*at_start=*/true, /*at_end=*/true);
    REQUIRE(tree.nodes.size() == 1);
    CHECK(tree.nodes[0].hash == xet::xorb_hash(chunks));
  }
}

}  // namespace hearth::hub
